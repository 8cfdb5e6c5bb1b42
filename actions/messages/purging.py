"""Retention: what is older than a time goes, a batch at a time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from bson import DatetimeMS, ObjectId
from pymongo import DESCENDING

from actions import finding
from actions.message_removal import Removing, deletions
from actions.rules.changesets import FOREVER, replannable
from changes import Batch, Change, Changeset, Document, Result, Stream
from database import connection
from database.listing import PRESENT
from database.references import joined, referred
from database.wording import counted

DATE: Final[Document] = {"$type": "date", "$not": {"$type": "array"}, **PRESENT}
"""Matches a time, and no list that holds one."""
MENDS_DATES: Final = "chatctl db check --rule wrong-type --rule missing-field"


class _Part(NamedTuple):
    """What goes of one conversation, which in broken data may be anything; `beyond` matches it where some stays."""

    conversation: Any
    number: int
    oldest: datetime | DatetimeMS
    newest: datetime | DatetimeMS
    beyond: Document

    @property
    def key(self) -> str:
        """Tell conversations apart; in broken data one may be what no dictionary takes."""
        return repr(self.conversation)

    def joined(self, other: "_Part") -> "_Part":
        """Add up the deletions in one conversation that messages refer to in two forms."""
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
    """Delete the messages from before a time, but for the last few of each conversation, whoever wrote those.

    It is finished by the same command after an interruption. With `forever` nothing is kept to undo it with.
    """
    here, theirs, scope = _scope(conversation, sender)
    words = ["messages purge", f"--before {before.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}", *scope]
    past: Document = {"createAt": {"$lt": before, **DATE}}
    where = joined(past, theirs)
    parts = found = list(_grouped(where))
    if keep_last is not None:
        parts = list(_beyond_the_last(found, where, joined(past, here), keep_last))
        words.append(f"--keep-last {keep_last}")
    number = sum(part.number for part in parts)
    names = _names(parts)

    def batches() -> Iterator[Batch]:
        removing = Removing(names)
        for filters in _filters(parts):
            yield from removing.messages(joined(where, one) for one in filters)
        yield from removing.draft.batches

    def losing() -> Iterator[Change]:
        return deletions(("Message", joined(where, one)) for filters in _filters(parts) for one in filters)

    parts.sort(key=lambda part: (-part.number, str(part.conversation)))
    return Changeset(
        " ".join(words),
        [*(_result(part, names) for part in parts), *_undated(theirs)],
        Stream(batches, {("delete", "Message"): number}, losing=losing),
        asks=True,
        notes=[*_said(parts, sum(part.number for part in found)), *(FOREVER if forever and parts else ())],
        names=names,
        undoable=not forever,
        items=number,
    )


def _scope(conversation: str | None, sender: str | None) -> tuple[Document, Document, list[str]]:
    """Return filters for the messages of a conversation and for those of a sender in it, and both as options."""
    words = []
    here: Document = {}
    if conversation is not None:
        there = finding.one("Conversation", conversation, ())
        here = finding.referring("Message", "conversationId", there["_id"])
        words.append(f"--conversation {finding.label(there)}")
    theirs = here
    if sender is not None:
        user = finding.user(sender, ())
        theirs = joined(here, finding.referring("Message", "senderId", user["_id"]))
        words.append(f"--sender {finding.user_label(user)}")
    return here, theirs, words


def _undated(theirs: Document) -> Iterator[Result]:
    """Report how many messages are kept because they have no usable date."""
    number = connection.database()["Message"].count_documents(joined({"$nor": [{"createAt": DATE}]}, theirs))
    if number:
        have, kept = ("message has", "is kept") if number == 1 else ("messages have", "are kept")
        told = f"{number:,} {have} no usable date and {kept}; see {MENDS_DATES}"
        yield Result(None, "messages without a usable date", "passed-over", told)


def _grouped(where: Document) -> Iterator[_Part]:
    """Group messages by the conversation that they refer to, in any form."""
    of_each = {
        "_id": "$conversationId",
        "count": {"$sum": 1},
        "oldest": {"$min": "$createAt"},
        "newest": {"$max": "$createAt"},
    }
    pipeline: list[Document] = [{"$match": where}, {"$group": of_each}]
    parts: dict[str, _Part] = {}
    for row in connection.database()["Message"].aggregate(pipeline, allowDiskUse=True):
        one = _Part(referred(row["_id"]), row["count"], row["oldest"], row["newest"], {})
        parts[one.key] = one.joined(parts[one.key]) if one.key in parts else one
    yield from parts.values()


def _beyond_the_last(found: list[_Part], where: Document, old: Document, number: int) -> Iterator[_Part]:
    """Leave out of what would go what is among the last messages of its conversation."""
    since = {**old, "createAt": {"$gte": old["createAt"]["$lt"], **DATE}}
    stay = {part.key: part.number for part in _grouped(since)}
    for part in found:
        more = number - stay.get(part.key, 0)
        here = _in([part.conversation])
        if more <= 0:
            yield part
        elif last := _one_of_the_last(joined(old, here), more):
            time = last["createAt"]
            earlier = [{"createAt": {"$lt": time}}, {"_id": {"$lt": last["_id"]}}]
            # Up to its time an index leads; what of that time stays is few.
            beyond = joined({"createAt": {"$lte": time, **DATE}, "$or": earlier}, here)
            yield from (left._replace(beyond=beyond) for left in _grouped(joined(where, beyond)))


def _one_of_the_last(where: Document, number: int) -> Document | None:
    """Find the message that is so far from the end; None where there are fewer."""
    order = [("createAt", DESCENDING), ("_id", DESCENDING)]
    return connection.database()["Message"].find_one(where, ["createAt"], sort=order, skip=number - 1)


def _filters(parts: list[_Part]) -> Iterator[list[Document]]:
    """Match what goes, of as many conversations at once as a batch has room for."""
    whole = [part.conversation for part in parts if not part.beyond]
    for some in finding.parts(one for one in whole if isinstance(one, ObjectId)):
        yield [_in(some)]
    yield from ([_in([one])] for one in whole if not isinstance(one, ObjectId))
    yield from finding.parts(part.beyond for part in parts if part.beyond)


def _in(conversations: list[Any]) -> Document:
    """Match the messages of conversations; in broken data a conversation id may be anything, or missing."""
    [one, *_] = conversations
    if isinstance(one, ObjectId):  # a list that holds the id is a group of its own
        no_list = {"$nor": [{"conversationId": {"$type": "array"}}]}
        return joined(no_list, finding.referring("Message", "conversationId", *conversations))
    if one is None:
        return {"conversationId": None}
    return {"$expr": {"$eq": ["$conversationId", {"$literal": one}]}}


def _names(parts: list[_Part]) -> dict[Any, str]:
    ids = [part.conversation for part in parts if isinstance(part.conversation, ObjectId)]
    return {referred(one["_id"]): finding.label(one) for one in finding.with_id("Conversation", ids, ["name"])}


def _result(part: _Part, names: dict[Any, str]) -> Result:
    identifier = part.conversation if isinstance(part.conversation, ObjectId) else None
    ref = str(part.conversation) if identifier is None else names.get(identifier, str(identifier))
    return Result(identifier, ref, "purged", counted(part.number, "message"))


def _said(parts: list[_Part], old: int) -> Iterator[str]:
    """Say how much goes, from when, and how much stays that is old enough to go."""
    number = sum(part.number for part in parts)
    if parts:
        yield f"{counted(number, 'message')} in {counted(len(parts), 'conversation')}"
        oldest = min((part.oldest for part in parts), key=_since_1970)
        newest = max((part.newest for part in parts), key=_since_1970)
        yield f"the oldest of {_written(oldest)}, the newest of {_written(newest)}"
    if old > number:
        yield f"{counted(old - number, 'message')} from before that time stay because of --keep-last"


def _since_1970(time: datetime | DatetimeMS) -> int:
    """Return milliseconds since 1970, to compare times inside and outside the calendar."""
    return int(DatetimeMS(time) if isinstance(time, datetime) else time)


def _written(time: datetime | DatetimeMS) -> str:
    return f"{time:%Y-%m-%d %H:%MZ}" if isinstance(time, datetime) else "a time outside the calendar"
