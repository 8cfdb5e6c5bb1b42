"""Retention: what is older than a time goes, a batch at a time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo import DESCENDING

from actions import finding
from actions.planning import FOREVER
from actions.removing import Removing
from models import connection
from models.changes import Batch, Changeset, Document, Result, Stream
from models.listing import PRESENT
from models.names import counted

DATE: Final[Document] = {"$type": "date", "$not": {"$type": "array"}, **PRESENT}
"""Matches a time, and no list that holds one."""
NONE: Final[Document] = {"_id": {"$in": []}}
"""Matches nothing."""


class _Part(NamedTuple):
    """What goes of one conversation, which in broken data may be anything; `beyond` matches it where some stays."""

    conversation: Any
    number: int
    oldest: datetime
    newest: datetime
    beyond: Document


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
    old, where, words = _scope(before, conversation, sender)
    parts = found = list(_grouped(where))
    if keep_last is not None:
        parts = list(_beyond_the_last(found, where, old, keep_last))
        words.append(f"--keep-last {keep_last}")
    number = sum(part.number for part in parts)
    names = _names(parts)
    # Of those that keep some the last message stays, so that no other becomes it.
    gone = where if keep_last is None else NONE

    def batches() -> Iterator[Batch]:
        removing = Removing(names, lambda _: gone)
        for filters in _filters(parts):
            yield from removing.messages({**where, **one} for one in filters)
        yield from removing.draft.batches

    parts.sort(key=lambda part: (-part.number, str(part.conversation)))
    return Changeset(
        " ".join(words),
        [_result(part, names) for part in parts],
        Stream(batches, {("delete", "Message"): number}),
        asks=True,
        notes=[*_said(parts, sum(part.number for part in found)), *(FOREVER if forever and parts else ())],
        names=names,
        undoable=not forever,
        items=number,
    )


def _scope(before: datetime, conversation: str | None, sender: str | None) -> tuple[Document, Document, list[str]]:
    """Return what matches all old messages, what matches those that may go, and the command in words."""
    words = ["messages purge", f"--before {before.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}"]
    old: Document = {"createAt": {"$lt": before, **DATE}}
    if conversation is not None:
        there = finding.one("Conversation", conversation, ())
        old["conversationId"] = finding.referring("Message", "conversationId", there["_id"])
        words.append(f"--conversation {finding.label(there)}")
    where = dict(old)
    if sender is not None:
        user = finding.user(sender, ())
        where["senderId"] = finding.referring("Message", "senderId", user["_id"])
        words.append(f"--sender {finding.user_label(user)}")
    return old, where, words


def _grouped(where: Document) -> Iterator[_Part]:
    of_each = {
        "_id": "$conversationId",
        "count": {"$sum": 1},
        "oldest": {"$min": "$createAt"},
        "newest": {"$max": "$createAt"},
    }
    pipeline: list[Document] = [{"$match": where}, {"$group": of_each}]
    for row in connection.database()["Message"].aggregate(pipeline, allowDiskUse=True):
        yield _Part(row["_id"], row["count"], row["oldest"], row["newest"], {})


def _beyond_the_last(found: list[_Part], where: Document, old: Document, number: int) -> Iterator[_Part]:
    """Leave out of what would go what is among the last messages of its conversation."""
    since = {**old, "createAt": {"$gte": old["createAt"]["$lt"], **DATE}}
    stay = {repr(part.conversation): part.number for part in _grouped(since)}
    for part in found:
        more = number - stay.get(repr(part.conversation), 0)
        here = _in([part.conversation])
        if more <= 0:
            yield part
        elif last := _one_of_the_last({**old, **here}, more):
            time = last["createAt"]
            earlier = [{"createAt": {"$lt": time}}, {"_id": {"$lt": last["_id"]}}]
            # Up to its time an index leads; what of that time stays is few.
            beyond = {**here, "createAt": {"$lte": time, **DATE}, "$or": earlier}
            yield from (left._replace(beyond=beyond) for left in _grouped({**where, **beyond}))


def _one_of_the_last(where: Document, number: int) -> Document | None:
    """Find the message that is so far from the end; None where there are fewer."""
    order = [("createAt", DESCENDING), ("_id", DESCENDING)]
    return connection.database()["Message"].find_one(where, ["createAt"], sort=order, skip=number - 1)


def _filters(parts: list[_Part]) -> Iterator[list[Document]]:
    """Match what goes, of as many conversations at once as a batch has room for."""
    for some in finding.parts(part.conversation for part in parts if not part.beyond):
        yield [_in(some)]
    yield from finding.parts(part.beyond for part in parts if part.beyond)


def _in(conversations: list[Any]) -> Document:
    return {"conversationId": {"$in": conversations, **({} if None in conversations else PRESENT)}}


def _names(parts: list[_Part]) -> dict[Any, str]:
    ids = [part.conversation for part in parts if isinstance(part.conversation, ObjectId)]
    return {one["_id"]: finding.label(one) for one in finding.having("Conversation", "_id", ids, ["name"])}


def _result(part: _Part, names: dict[Any, str]) -> Result:
    identifier = part.conversation if isinstance(part.conversation, ObjectId) else None
    ref = str(part.conversation) if identifier is None else names.get(identifier, str(identifier))
    return Result(identifier, ref, "purged", counted(part.number, "message"))


def _said(parts: list[_Part], old: int) -> Iterator[str]:
    """Say how much goes, from when, and how much stays that is old enough to go."""
    number = sum(part.number for part in parts)
    if parts:
        yield f"{counted(number, 'message')} in {counted(len(parts), 'conversation')}"
        oldest, newest = min(part.oldest for part in parts), max(part.newest for part in parts)
        yield f"the oldest of {oldest:%Y-%m-%d %H:%MZ}, the newest of {newest:%Y-%m-%d %H:%MZ}"
    if old > number:
        yield f"{counted(old - number, 'message')} from before that time stay because of --keep-last"
