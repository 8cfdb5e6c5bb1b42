"""Delete messages by their ids or by their age, and remove their ids from all lists."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import heappush, heappushpop
from typing import Any, Final, NamedTuple

import bson
from bson import DatetimeMS, ObjectId

from actions import lookup, queries
from actions.cascading_deletion import CascadingDeletion, deleted_documents
from actions.display_names import FIELDS, titles
from actions.rules.checked_changeset import FOREVER, replannable
from changes import Batch, Change, Changeset, Document, Question, Result, Stream, holds
from database import connection
from database.errors import RefusedError
from database.ids import any_of, id_text
from database.listing import PRESENT
from database.references import forms, has_other_forms, joined, reference_filter, referred
from database.times import rfc3339
from database.wording import NAMED, counted, in_words, shown


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
MOST_SENDERS: Final = 100_000
"""The most senders in one filter. With more senders, the filter could become too large for the server."""
MOST_KEPT: Final = 500_000
"""The most messages kept by `keep_last` whose times are in memory at the same time."""
REPAIR_COMMAND: Final = "chatctl db check --rule wrong-type --rule missing-field"


class _PurgedPart(NamedTuple):
    """The messages that a purge deletes from one conversation. The id of the conversation may have any type.

    `kept_from` is the position of the oldest message that `keep_last` keeps; see `_position`. Only the messages before
    it are deleted. If it is None, all old messages are deleted.
    """

    conversation: Any
    number: int
    oldest: datetime | DatetimeMS
    newest: datetime | DatetimeMS
    kept_from: tuple[int, bytes] | None = None

    @property
    def key(self) -> str:
        """Return a dictionary key for the conversation. In broken data, its id may not be hashable."""
        return repr(self.conversation)

    def combined(self, other: "_PurgedPart") -> "_PurgedPart":
        """Add up two parts of one conversation, whose id the messages store in two forms.

        For example, some messages store it as an ObjectId, and some as text.
        """
        oldest, newest = (
            min(self.oldest, other.oldest, key=since_1970),
            max(self.newest, other.newest, key=since_1970),
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
    old = OldMessages(before, conversation=conversation, sender=sender, keep_last=keep_last)
    words = ["messages purge", f"--before {rfc3339(before)}", *old.scope]
    return Changeset(
        " ".join(words if keep_last is None else [*words, f"--keep-last {keep_last}"]),
        [*(_result(part, old.names) for part in old.parts), *old.passed_over()],
        old.deletion(),
        asks=True,
        notes=[
            *old.notes(),
            *([f"--keep-last keeps {counted(old.spared, 'older message')}"] if old.spared else []),
            *(str(result.message) for result in old.kept.results()),
            *(FOREVER if forever and old.number else ()),
        ],
        names=old.names,
        undoable=not forever,
        items=old.number,
        question=Question(f"Delete {counted(old.number, 'message')}"),
        passing_over=old.kept.corrected,
    )


class OldMessages:
    """The messages that were sent before a time.

    `number` of them can be deleted. These are in `parts`, which has one part for each conversation. `kept` counts the
    messages that legal holds keep. `spared` is the number of messages that `keep_last` keeps, and `undated` is the
    number of messages without a valid date. `scope` has the options that select the messages, for example `--sender
    ada`.
    """

    def __init__(
        self,
        before: datetime,
        *,
        conversation: str | None = None,
        sender: str | None = None,
        role: str | None = None,
        keep_last: int | None = None,
    ) -> None:
        in_conversation, in_scope, self.scope = _scope(conversation, sender, role)
        before_time: Document = {"createAt": {"$lt": before, **VALID_DATE}}
        self.kept = KeptByHolds()
        self._where = self.kept.without_senders(joined(before_time, in_scope))
        self.parts = found = self.kept.without_conversations(_group_by_conversation(self._where))
        if keep_last is not None:
            self.parts = list(_without_last(found, self._where, joined(before_time, in_conversation), keep_last))
        self.parts.sort(key=lambda part: (-part.number, str(part.conversation)))
        self.number = sum(part.number for part in self.parts)
        self.spared = sum(part.number for part in found) - self.number
        self.names = _labels(self.parts)
        undated: Document = {"$nor": [{"createAt": VALID_DATE}]}
        self.undated = connection.database()["Message"].count_documents(joined(undated, in_scope))

    @property
    def oldest(self) -> datetime | DatetimeMS | None:
        return min((part.oldest for part in self.parts), key=since_1970, default=None)

    def deletion(self) -> Stream:
        """Return the batches of changes that delete the messages."""
        return _deletion(self.parts, self._where, self.names)

    def notes(self) -> Iterator[str]:
        """Say how many messages are deleted, and from which time."""
        if self.oldest is not None:
            newest = max((part.newest for part in self.parts), key=since_1970)
            yield f"{counted(self.number, 'message')} in {counted(len(self.parts), 'conversation')}"
            yield f"oldest: {_time_text(self.oldest)}, newest: {_time_text(newest)}"

    def passed_over(self) -> Iterator[Result]:
        """Report the messages that are kept because they have no valid date, or because of a legal hold."""
        if number := self.undated:
            have, kept = ("message has", "is kept") if number == 1 else ("messages have", "are kept")
            told = f"{number:,} {have} no valid date and {kept}. To see why: {REPAIR_COMMAND}"
            yield Result(None, "messages without a valid date", "passed-over", told)
        yield from self.kept.results()


class KeptByHolds:
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

    @property
    def number(self) -> int:
        return self._counts.total()

    def results(self) -> list[Result]:
        """Return a list with one result: the number of all messages that legal holds keep.

        If it is 0, return an empty list.
        """
        if not (number := self.number):
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
        for filters in _purge_filters(parts, where):
            yield from cascade.delete_messages(joined(where, one) for one in filters)
        yield from cascade.draft.batches

    def losing() -> Iterator[Change]:
        return deleted_documents(
            ("Message", joined(where, one)) for many in _purge_filters(parts, where) for one in many
        )

    return Stream(batches, {("delete", "Message"): sum(part.number for part in parts)}, losing=losing)


def _scope(conversation: str | None, sender: str | None, role: str | None) -> tuple[Document, Document, list[str]]:
    """Return the filter for the conversation, the filter for the conversation and the senders, and the options.

    Both filters match messages. The options are words like `--conversation office` and `--sender ada`.
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
    if role is not None:
        in_scope = joined(in_scope, queries.refers_to("Message", "senderId", *_members(role)))
        words.append(f"--role {role}")
    return in_conversation, in_scope, words


def _members(role: str) -> list[Any]:
    """Return the ids of the users who have a role. Raises `RefusedError` if they are too many for one filter."""
    having = {"rolesIds": any_of(forms(lookup.find_one("Role", role, ())["_id"]))}
    found = [user["_id"] for user in connection.database()["User"].find(having, ["_id"], limit=MOST_SENDERS + 1)]
    if len(found) > MOST_SENDERS:
        raise RefusedError(
            f"the role {shown(role)} has more than {MOST_SENDERS:,} members: too many to choose messages by it",
            "use another role, or none",
        )
    return found


def _group_by_conversation(where: Document) -> Iterator[_PurgedPart]:
    """Group messages by conversation.

    Messages that store the id of their conversation in two forms are in the same group.
    """
    of_each = {
        "_id": "$conversationId",
        "count": {"$sum": 1},
        "oldest": {"$min": "$createAt"},
        "newest": {"$max": "$createAt"},
    }
    pipeline: list[Document] = [{"$match": where}, {"$group": of_each}]
    parts: dict[str, _PurgedPart] = {}
    for row in connection.database()["Message"].aggregate(pipeline, allowDiskUse=True):
        one = _PurgedPart(referred(row["_id"]), row["count"], row["oldest"], row["newest"])
        parts[one.key] = one.combined(parts[one.key]) if one.key in parts else one
    yield from parts.values()


def _without_last(found: list[_PurgedPart], where: Document, old: Document, number: int) -> Iterator[_PurgedPart]:
    """Leave out the last `number` messages of each conversation, so that they are not deleted.

    `where` is the filter for the messages to delete, and `old` the one for all old messages in the same conversations.
    """
    since = {**old, "createAt": {"$gte": old["createAt"]["$lt"], **VALID_DATE}}
    recent = {part.key: part.number for part in _group_by_conversation(since)}
    numbers = {part.key: number - recent.get(part.key, 0) for part in found}
    yield from (part for part in found if numbers[part.key] <= 0)
    for parts in _groups([part for part in found if numbers[part.key] > 0], numbers):
        newest: dict[str, list[tuple[int, bytes]]] = {part.key: [] for part in parts}
        for key, message in _messages_of(parts, old):
            keep = heappush if len(newest[key]) < numbers[key] else heappushpop
            keep(newest[key], _position(message))
        full = {
            part.key: part._replace(kept_from=newest[part.key][0])
            for part in parts
            if len(newest[part.key]) == numbers[part.key]
        }
        narrowed: dict[str, _PurgedPart] = {}
        for key, message in _messages_before(full.values(), where) if full else ():
            time = message["createAt"]
            one = full[key]._replace(number=1, oldest=time, newest=time)
            narrowed[key] = one.combined(narrowed[key]) if key in narrowed else one
        yield from narrowed.values()


def _position(message: Document) -> tuple[int, bytes]:
    """Return a value that sorts messages by time. Messages of the same time are sorted by the bytes of their ids."""
    return since_1970(message["createAt"]), bson.encode({"": message["_id"]})


def _messages_of(parts: Collection[_PurgedPart], where: Document) -> Iterator[tuple[str, Document]]:
    """Read the ids and times of the messages that match `where` in the conversations of `parts`.

    Yields pairs of the key of a part and a message. All conversations are read with one query: without an index, the
    server reads all messages for each query.
    """
    keys = {part.key for part in parts}
    ids = [part.conversation for part in parts]
    if len(ids) <= queries.CHUNK_SIZE and all(isinstance(one, ObjectId) for one in ids):
        where = joined(where, _of_conversations(ids, odd=_has_odd_conversations()))
    for message in connection.database()["Message"].find(where, ["conversationId", "createAt"]):
        key = repr(referred(message.get("conversationId")))
        if key in keys:
            yield key, message


def _messages_before(parts: Collection[_PurgedPart], where: Document) -> Iterator[tuple[str, Document]]:
    """Read like `_messages_of` the messages that are before the oldest kept message of their conversation."""
    kept_from = {part.key: part.kept_from for part in parts}
    for key, message in _messages_of(parts, where):
        if (first := kept_from[key]) and _position(message) < first:
            yield key, message


def _groups(parts: Sequence[_PurgedPart], numbers: Mapping[str, int]) -> Iterator[list[_PurgedPart]]:
    """Divide parts into groups, so that the kept messages of a group are at most `MOST_KEPT`."""
    group: list[_PurgedPart] = []
    kept = 0
    for part in parts:
        if group and kept + numbers[part.key] > MOST_KEPT:
            yield group
            group, kept = [], 0
        group.append(part)
        kept += numbers[part.key]
    if group:
        yield group


def _purge_filters(parts: list[_PurgedPart], where: Document) -> Iterator[list[Document]]:
    """Yield lists of filters that match the messages to delete. Each filter is short enough for one query."""
    whole = [part.conversation for part in parts if part.kept_from is None]
    odd = bool(whole) and _has_odd_conversations()
    for some in queries.chunks(one for one in whole if isinstance(one, ObjectId)):
        yield [_of_conversations(some, odd=odd)]
    yield from ([_of_conversations([one], odd=odd)] for one in whole if not isinstance(one, ObjectId))
    if narrowed := [part for part in parts if part.kept_from is not None]:
        ids = (message["_id"] for _, message in _messages_before(narrowed, where))
        yield from ([{"_id": {"$in": some}}] for some in queries.chunks(ids))


def _has_odd_conversations() -> bool:
    """Tell whether any message stores the id of its conversation in another type than ObjectId.

    Call this only once, not for each conversation: without an index, the server reads all messages to answer.
    """
    return has_other_forms(connection.database(), "Message", "conversationId")


def _of_conversations(conversations: list[Any], *, odd: bool) -> Document:
    """Return the filter for the messages of conversations. In broken data, the id may have any type or be missing."""
    [one, *_] = conversations
    # Exclude messages whose `conversationId` is a list with the id. They are another group of messages.
    if isinstance(one, ObjectId):
        no_list = {"$nor": [{"conversationId": {"$type": "array"}}]}
        return joined(no_list, reference_filter("conversationId", conversations, odd=odd))
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


def since_1970(time: datetime | DatetimeMS) -> int:
    """Return milliseconds since 1970, to compare any two times, even times for which Python has no date."""
    return int(DatetimeMS(time) if isinstance(time, datetime) else time)


def _time_text(time: datetime | DatetimeMS) -> str:
    return f"{time:%Y-%m-%d %H:%MZ}" if isinstance(time, datetime) else "a time outside the years 1 to 9999"
