"""Delete conversations with their messages."""

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
def delete(conversations: Sequence[str], *, skip_missing: bool = False, forever: bool = False) -> Changeset:
    """Delete conversations after their messages, and remove both from the lists of users.

    With `forever`, nothing is kept for an undo.
    """
    found = lookup.find_all("Conversation", conversations, FIELDS, skip_missing=skip_missing)
    lookup.refuse_duplicate_ids("Conversation", (one.document for one in found))
    names = titles([one.document for one in found])
    counts = _message_counts(list(names))
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
        notes=[*_notes(names, counts), *(FOREVER if forever else ())],
        names=labels,
        undoable=not forever,
    )


def _message_counts(ids: Sequence[Any]) -> Counter[str]:
    """Count the messages of conversations: id as text → number. In broken data the id may have any type."""
    counts: Counter[str] = Counter()
    for some in queries.chunks(ids):
        of_each: list[Document] = [
            {"$match": queries.refers_to("Message", "conversationId", *some)},
            {"$group": {"_id": "$conversationId", "n": {"$sum": 1}}},
        ]
        for row in connection.database()["Message"].aggregate(of_each):
            counts[id_text(referred(row["_id"]))] += row["n"]
    return counts


def _notes(names: dict[Any, str], counts: Counter[str]) -> Iterator[str]:
    for one, title in list(names.items())[:NAMED]:
        yield f"{title}: {counted(counts[id_text(referred(one))], 'message')}"
    if len(names) > NAMED:
        yield f"and {len(names) - NAMED:,} more conversations"
