"""Delete messages by their ids or by their age, and remove their ids from all lists."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from bson import DatetimeMS, ObjectId
from pymongo import DESCENDING

from actions import lookup, queries
from actions.cascading_deletion import CascadingDeletion, deleted_documents
from actions.display_names import FIELDS, titles
from actions.rules.checked_changeset import FOREVER, replannable
from changes import Batch, Change, Changeset, Document, Question, Result, Stream, holds
from database import connection
from database.ids import id_text
from database.listing import PRESENT
from database.references import joined, referred
from database.wording import NAMED, counted, in_words


@replannable(deletes=True)
def delete(messages: Sequence[str], *, skip_missing: bool = False, forever: bool = False) -> Changeset:
    """Delete messages by their ids. With `forever`, they are not kept for an undo."""
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
    """Say from which conversations messages are deleted, beginning with the one that loses the most messages."""
    first = counts.most_common(NAMED)
    found = list(queries.find_by_ids("Conversation", (one for one, _ in first), FIELDS))
    titles_by_id = {id_text(referred(one)): title for one, title in titles(found).items()}
    for one, count in first:
        yield f"{titles_by_id.get(one, f'conversation {one}')}: {counted(count, 'message')}"
    if len(counts) > NAMED:
        yield f"and {len(counts) - NAMED:,} more conversations"


VALID_DATE: Final[Document] = {"$type": "date", "$not": {"$type": "array"}, **PRESENT}
"""A filter for a field whose value is a date. A list that contains a date does not match."""
HELD_MESSAGES: Final = "held messages"
"""The name of the result that has the number of messages kept by legal holds."""
REPAIR_COMMAND: Final = "chatctl db check --rule wrong-type --rule missing-field"


class _PurgedPart(NamedTuple):
    """The messages that a purge deletes from one conversation. The id of the conversation may have any type.

    `narrowed` is empty if all old messages are deleted. Otherwise it is the filter for the messages to delete.
    """

    conversation: Any
    number: int
    oldest: datetime | DatetimeMS
    newest: datetime | DatetimeMS
    narrowed: Document

    @property
    def key(self) -> str:
        """Return a dictionary key for the conversation. In broken data, its id may not be hashable."""
        return repr(self.conversation)

    def combined(self, other: "_PurgedPart") -> "_PurgedPart":
        """Add up two parts of one conversation.

        Its messages store the id in two forms, for example as an ObjectId and as text.
        """
        oldest, newest = (
            min(self.oldest, other.oldest, key=_since_1970),
            max(self.newest, other.newest, key=_since_1970),
        )
        return self._replace(number=self.number + other.number, oldest=oldest, newest=newest)


@replannable()
def purge(
    before: datetime,
    *,
    conversation: str | None = None,
    sender: str | None = None,
    keep_last: int | None = None,
    forever: bool = False,
) -> Changeset:
    """Delete the messages that were sent before a time.

    With `keep_last`, this number of newest messages of each conversation is kept. Messages of all senders count. After
    an interruption, the same command continues. With `forever`, the messages are not kept for an undo.
    """
    in_conversation, in_scope, scope = _scope(conversation, sender)
    words = ["messages purge", f"--before {before.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}", *scope]
    before_time: Document = {"createAt": {"$lt": before, **VALID_DATE}}
    kept = _KeptByHolds()
    where = kept.without_senders(joined(before_time, in_scope))
    parts = found = kept.without_conversations(_group_by_conversation(where))
    if keep_last is not None:
        parts = list(_without_last(found, where, joined(before_time, in_conversation), keep_last))
        words.append(f"--keep-last {keep_last}")
    names = _labels(parts)
    parts.sort(key=lambda part: (-part.number, str(part.conversation)))
    number = sum(part.number for part in parts)
    return Changeset(
        " ".join(words),
        [*(_result(part, names) for part in parts), *_kept_undated(in_scope), *kept.results()],
        _deletion(parts, where, names),
        asks=True,
        notes=[
            *_purge_notes(parts, sum(part.number for part in found)),
            *(str(result.message) for result in kept.results()),
            *(FOREVER if forever and parts else ()),
        ],
        names=names,
        undoable=not forever,
        items=number,
        question=Question(f"Delete {counted(number, 'message')}"),
        passing_over=kept.corrected,
    )


class _KeptByHolds:
    """Counts the messages of each conversation that a purge does not delete because of legal holds."""

    def __init__(self) -> None:
        self._held = holds.read(connection.database())
        self._counts: Counter[str] = Counter()

    def without_senders(self, where: Document) -> Document:
        """Return a filter without the messages of senders under a legal hold, and count these messages."""
        if not (senders := self._held.users):
            return where
        theirs = queries.refers_to("Message", "senderId", *senders)
        self._counts.update({part.key: part.number for part in _group_by_conversation(joined(where, theirs))})
        return joined(where, {"$nor": [theirs]})

    def without_conversations(self, parts: Iterable[_PurgedPart]) -> list[_PurgedPart]:
        """Leave out the parts that are about conversations under a legal hold, and count their messages."""
        free = []
        for part in parts:
            if self._held.named("Conversation", part.conversation):
                self._counts[part.key] += part.number
            else:
                free.append(part)
        return free

    def results(self) -> list[Result]:
        """Return a list with one result: the number of all messages that legal holds keep.

        If it is 0, return an empty list.
        """
        if not (number := self._counts.total()):
            return []
        return [Result(None, HELD_MESSAGES, "passed-over", self._held.note(number, "message"), documents=number)]

    def corrected(self, agreed: Collection[Result]) -> list[Result]:
        """Return the results of a confirmed purge, without the messages that a new legal hold keeps."""
        done = [result for result in agreed if result.ref != HELD_MESSAGES]
        for place, result in enumerate(done):
            if result.outcome == "purged" and (kept := self._counts[repr(result.id or result.ref)]):
                left = max(result.documents - kept, 0)
                done[place] = result._replace(documents=left, message=counted(left, "message"))
        return [*(one for one in done if one.outcome != "purged" or one.documents), *self.results()]


def _deletion(parts: list[_PurgedPart], where: Document, names: dict[Any, str]) -> Stream:
    """Return the batches of changes that delete the messages of `parts` that also match `where`."""

    def batches() -> Iterator[Batch]:
        cascade = CascadingDeletion(names)
        for filters in _purge_filters(parts):
            yield from cascade.delete_messages(joined(where, one) for one in filters)
        yield from cascade.draft.batches

    def losing() -> Iterator[Change]:
        return deleted_documents(("Message", joined(where, one)) for many in _purge_filters(parts) for one in many)

    return Stream(batches, {("delete", "Message"): sum(part.number for part in parts)}, losing=losing)


def _scope(conversation: str | None, sender: str | None) -> tuple[Document, Document, list[str]]:
    """Return two filters and the options of the command: messages of the conversation, messages of the sender in it.

    The options are words like `--conversation office` and `--sender ada`.
    """
    words = []
    in_conversation: Document = {}
    if conversation is not None:
        there = lookup.find_one("Conversation", conversation, ())
        in_conversation = queries.refers_to("Message", "conversationId", there["_id"])
        words.append(f"--conversation {lookup.label(there)}")
    in_scope = in_conversation
    if sender is not None:
        user = lookup.find_user(sender, ())
        in_scope = joined(in_conversation, queries.refers_to("Message", "senderId", user["_id"]))
        words.append(f"--sender {lookup.user_label(user)}")
    return in_conversation, in_scope, words


def _kept_undated(in_scope: Document) -> Iterator[Result]:
    """Report how many messages are kept because they have no valid date."""
    number = connection.database()["Message"].count_documents(joined({"$nor": [{"createAt": VALID_DATE}]}, in_scope))
    if number:
        have, kept = ("message has", "is kept") if number == 1 else ("messages have", "are kept")
        told = f"{number:,} {have} no valid date and {kept}. To see why: {REPAIR_COMMAND}"
        yield Result(None, "messages without a valid date", "passed-over", told)


def _group_by_conversation(where: Document) -> Iterator[_PurgedPart]:
    """Group messages by conversation. Messages that store the same id in two forms are in the same group."""
    of_each = {
        "_id": "$conversationId",
        "count": {"$sum": 1},
        "oldest": {"$min": "$createAt"},
        "newest": {"$max": "$createAt"},
    }
    pipeline: list[Document] = [{"$match": where}, {"$group": of_each}]
    parts: dict[str, _PurgedPart] = {}
    for row in connection.database()["Message"].aggregate(pipeline, allowDiskUse=True):
        one = _PurgedPart(referred(row["_id"]), row["count"], row["oldest"], row["newest"], {})
        parts[one.key] = one.combined(parts[one.key]) if one.key in parts else one
    yield from parts.values()


def _without_last(found: list[_PurgedPart], where: Document, old: Document, number: int) -> Iterator[_PurgedPart]:
    """Leave out the last `number` messages of each conversation, so that they are not deleted."""
    since = {**old, "createAt": {"$gte": old["createAt"]["$lt"], **VALID_DATE}}
    stay = {part.key: part.number for part in _group_by_conversation(since)}
    for part in found:
        more = number - stay.get(part.key, 0)
        in_conversation = _of_conversations([part.conversation])
        if more <= 0:
            yield part
        elif last := _nth_newest(joined(old, in_conversation), more):
            time = last["createAt"]
            earlier = [{"createAt": {"$lt": time}}, {"_id": {"$lt": last["_id"]}}]
            # Only the condition on the time can use an index. `$or` then excludes the messages to keep that have the
            # same time.
            narrowed = joined({"createAt": {"$lte": time, **VALID_DATE}, "$or": earlier}, in_conversation)
            yield from (left._replace(narrowed=narrowed) for left in _group_by_conversation(joined(where, narrowed)))


def _nth_newest(where: Document, number: int) -> Document | None:
    """Find a message by its position from the end (1 is the newest). Return None if there are fewer messages."""
    order = [("createAt", DESCENDING), ("_id", DESCENDING)]
    return connection.database()["Message"].find_one(where, ["createAt"], sort=order, skip=number - 1)


def _purge_filters(parts: list[_PurgedPart]) -> Iterator[list[Document]]:
    """Yield lists of filters that match the messages to delete. Each filter is short enough for one query."""
    whole = [part.conversation for part in parts if not part.narrowed]
    for some in queries.chunks(one for one in whole if isinstance(one, ObjectId)):
        yield [_of_conversations(some)]
    yield from ([_of_conversations([one])] for one in whole if not isinstance(one, ObjectId))
    yield from queries.chunks(part.narrowed for part in parts if part.narrowed)


def _of_conversations(conversations: list[Any]) -> Document:
    """Return the filter for the messages of conversations. In broken data, the id may have any type or be missing."""
    [one, *_] = conversations
    # Exclude messages whose `conversationId` is a list with the id. They are another group of messages.
    if isinstance(one, ObjectId):
        no_list = {"$nor": [{"conversationId": {"$type": "array"}}]}
        return joined(no_list, queries.refers_to("Message", "conversationId", *conversations))
    if one is None:
        return {"conversationId": None}
    return {"$expr": {"$eq": ["$conversationId", {"$literal": one}]}}


def _labels(parts: list[_PurgedPart]) -> dict[Any, str]:
    ids = [part.conversation for part in parts if isinstance(part.conversation, ObjectId)]
    return {referred(one["_id"]): lookup.label(one) for one in queries.find_by_ids("Conversation", ids, ["name"])}


def _result(part: _PurgedPart, names: dict[Any, str]) -> Result:
    identifier = part.conversation if isinstance(part.conversation, ObjectId) else None
    ref = str(part.conversation) if identifier is None else names.get(identifier, str(identifier))
    return Result(identifier, ref, "purged", counted(part.number, "message"), documents=part.number)


def _purge_notes(parts: list[_PurgedPart], old: int) -> Iterator[str]:
    """Say how many messages are deleted, from which times, and how many old messages `--keep-last` keeps."""
    number = sum(part.number for part in parts)
    if parts:
        yield f"{counted(number, 'message')} in {counted(len(parts), 'conversation')}"
        oldest = min((part.oldest for part in parts), key=_since_1970)
        newest = max((part.newest for part in parts), key=_since_1970)
        yield f"oldest: {_time_text(oldest)}, newest: {_time_text(newest)}"
    if old > number:
        yield f"--keep-last keeps {counted(old - number, 'older message')}"


def _since_1970(time: datetime | DatetimeMS) -> int:
    """Return milliseconds since 1970, to compare any two times, even times for which Python has no date."""
    return int(DatetimeMS(time) if isinstance(time, datetime) else time)


def _time_text(time: datetime | DatetimeMS) -> str:
    return f"{time:%Y-%m-%d %H:%MZ}" if isinstance(time, datetime) else "a time outside the years 1 to 9999"
