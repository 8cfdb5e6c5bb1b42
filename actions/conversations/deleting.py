"""Deleting conversations with all that was said in them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from actions import lookup, queries
from actions.cascading_deletion import CascadingDeletion, conversation_filters, deleted_documents
from actions.display_names import FIELDS, titles
from actions.rules.checked_changeset import FOREVER, replannable
from changes import Batch, Changeset, Document, Result, Stream
from database import connection
from database.ids import id_text
from database.references import referred
from database.wording import NAMED, counted, in_words


@replannable(deletes=True)
def delete(refs: Sequence[str], *, skip_missing: bool = False, forever: bool = False) -> Changeset:
    """Delete conversations, their messages before them, out of the lists of all who take part or have seen something.

    With `forever` nothing is kept to undo it with.
    """
    found = lookup.find_all("Conversation", refs, FIELDS, skip_missing=skip_missing)
    lookup.refuse_duplicate_ids("Conversation", (one.document for one in found))
    names = titles([one.document for one in found])
    counts = _messages(list(names))
    labels: dict[Any, str] = dict(names)
    deleted = {("delete", "Message"): counts.total(), ("delete", "Conversation"): len(names)}

    def batches() -> Iterator[Batch]:
        cascade = CascadingDeletion(labels)
        yield from cascade.delete_conversations(names)
        yield from cascade.draft.batches

    return Changeset(
        f"conversations delete {in_words(list(names.values()))}",
        [*(Result(one, title, "deleted") for one, title in names.items()), *found.missing],
        Stream(batches, deleted, losing=lambda: deleted_documents(conversation_filters(names))),
        asks=True,
        notes=[*_said(names, counts), *(FOREVER if forever else ())],
        names=labels,
        undoable=not forever,
    )


def _messages(ids: Sequence[Any]) -> Counter[str]:
    """Count the messages of conversations, by what they refer to as text: broken data may have anything there."""
    counts: Counter[str] = Counter()
    for some in queries.chunks(ids):
        of_each: list[Document] = [
            {"$match": queries.refers_to("Message", "conversationId", *some)},
            {"$group": {"_id": "$conversationId", "n": {"$sum": 1}}},
        ]
        for row in connection.database()["Message"].aggregate(of_each):
            counts[id_text(referred(row["_id"]))] += row["n"]
    return counts


def _said(names: dict[Any, str], counts: Counter[str]) -> Iterator[str]:
    for one, title in list(names.items())[:NAMED]:
        yield f"{title}: {counted(counts[id_text(referred(one))], 'message')}"
    if len(names) > NAMED:
        yield f"and {len(names) - NAMED:,} more conversations"
