"""Delete messages, and remove them from all lists."""

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
def delete(messages: Sequence[str], *, skip_missing: bool = False, forever: bool = False) -> Changeset:
    """Delete messages by their ids. With `forever`, nothing is kept for an undo."""
    found = lookup.find_messages(messages, ("conversationId",), skip_missing=skip_missing)
    lookup.refuse_duplicate_ids("Message", (one.document for one in found))
    ids = [message["_id"] for _, message in found]
    names: dict[Any, str] = {}
    ids_by_conversation: dict[str, list[Any]] = {}
    for _, message in found:
        ids_by_conversation.setdefault(id_text(referred(message.get("conversationId"))), []).append(message["_id"])

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
        notes=[
            *_notes(Counter({one: len(some) for one, some in ids_by_conversation.items()})),
            *(FOREVER if forever else ()),
        ],
        names=names,
        undoable=not forever,
    )


def _filters(ids: Sequence[Any]) -> Iterator[tuple[str, Document]]:
    return (("Message", {"_id": {"$in": some}}) for some in queries.chunks(ids))


def _notes(counts: Counter[str]) -> Iterator[str]:
    """Say from which conversations messages are deleted, those with the most first."""
    first = counts.most_common(NAMED)
    found = list(queries.find_by_ids("Conversation", (one for one, _ in first), FIELDS))
    titles_by_id = {id_text(referred(one)): title for one, title in titles(found).items()}
    for one, count in first:
        yield f"{titles_by_id.get(one, f'conversation {one}')}: {counted(count, 'message')}"
    if len(counts) > NAMED:
        yield f"and {len(counts) - NAMED:,} more conversations"
