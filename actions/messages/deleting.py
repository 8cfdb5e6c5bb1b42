"""Deleting messages, out of their conversations and of the lists of all who have seen them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from actions import lookup, queries
from actions.cascading_deletion import CascadingDeletion, deleted_documents
from actions.display_names import FIELDS, titles
from actions.rules.checked_changeset import FOREVER, replannable
from changes import Batch, Changeset, Document, Result, Stream
from database.ids import id_text
from database.references import referred
from database.wording import NAMED, counted, in_words


@replannable(deletes=True)
def delete(refs: Sequence[str], *, skip_missing: bool = False, forever: bool = False) -> Changeset:
    """Delete messages by their ids. With `forever` nothing is kept to undo it with."""
    found = lookup.find_messages(refs, ("conversationId",), skip_missing=skip_missing)
    lookup.refuse_duplicate_ids("Message", (one.document for one in found))
    ids = [message["_id"] for _, message in found]
    names: dict[Any, str] = {}
    of_each: dict[str, list[Any]] = {}
    for _, message in found:
        of_each.setdefault(id_text(referred(message.get("conversationId"))), []).append(message["_id"])

    def batches() -> Iterator[Batch]:
        cascade = CascadingDeletion(names)
        for some in queries.chunks(ids):
            yield from cascade.delete_messages([{"_id": {"$in": some}}])
        yield from cascade.draft.batches

    return Changeset(
        f"messages delete {in_words([ref for ref, _ in found])}",
        [*(Result(message["_id"], ref, "deleted") for ref, message in found), *found.missing],
        Stream(batches, {("delete", "Message"): len(ids)}, losing=lambda: deleted_documents(_filters(ids))),
        asks=True,
        notes=[*_said(Counter({one: len(some) for one, some in of_each.items()})), *(FOREVER if forever else ())],
        names=names,
        undoable=not forever,
    )


def _filters(ids: Sequence[Any]) -> Iterator[tuple[str, Document]]:
    return (("Message", {"_id": {"$in": some}}) for some in queries.chunks(ids))


def _said(counts: Counter[str]) -> Iterator[str]:
    """Say from which conversations messages go, those of the most first."""
    first = counts.most_common(NAMED)
    found = list(queries.find_by_ids("Conversation", (one for one, _ in first), FIELDS))
    known = {id_text(referred(one)): title for one, title in titles(found).items()}
    for one, count in first:
        yield f"{known.get(one, f'conversation {one}')}: {counted(count, 'message')}"
    if len(counts) > NAMED:
        yield f"and {len(counts) - NAMED:,} more conversations"
