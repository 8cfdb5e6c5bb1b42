"""How much goes on: who comes, what is written, period by period, counted on the server."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bson import ObjectId

from actions import roles
from actions.display_names import Usernames
from changes import Document
from database import connection
from database.errors import UsageError
from database.listing import NO_LIST, PRESENT, Row
from database.references import has_other_forms, referred
from models.user import UserStatus

FORMATS: Final = {"day": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m"}
"""How a server names the period of a time, in UTC; weeks begin on Monday. Python knows the same letters."""
USUALLY: Final = {"day": 30, "week": 12, "month": 12}
"""Periods that are counted unless somebody says since when."""
TOP: Final = 10
UNNAMED: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""No server names the period of a time much beyond: one such in broken data would be the end of all figures."""


def stats(since: datetime | None = None, by: str = "day") -> Row:
    """Count `{since, by, periods: [{period, users, messages, conversations}], status, roles, topSenders}`.

    Periods are counted whole, from the one on that `since` is in, and named by their first day or their month.
    `status` says how many users have each, `roles: [{name, users}]`, `topSenders: [{id, username, messages}]` of that
    time. Broken data is passed over. Raises `UsageError` for a time that is still to come.
    """
    begins = list(_periods(since, by))
    counts: dict[str, Row] = {begin.strftime(FORMATS[by]): _none_in(begin, by) for begin in begins}
    for figures in (_sign_ups(begins[0], FORMATS[by]), _activity(begins[0], FORMATS[by])):
        for row in figures:
            counts.get(row.pop("_id"), {}).update(row)
    return {
        "since": begins[0],
        "by": by,
        "periods": list(counts.values()),
        "status": _statuses(),
        "roles": _roles(),
        "topSenders": _top_senders(begins[0]),
    }


def _periods(since: datetime | None, by: str) -> Iterator[datetime]:
    """Give the beginnings of all periods until now."""
    now = datetime.now(UTC)
    if since is not None and since > now:
        raise UsageError("there is nothing to count yet in a time that is to come", "give --since a time before now")
    begin = _begin(now if since is None else since, by)
    for _ in range(USUALLY[by] - 1 if since is None else 0):
        begin = _begin(begin - timedelta(days=1), by)
    while begin <= now:
        yield begin
        begin = _begin(begin + timedelta(days={"day": 1, "week": 7, "month": 31}[by]), by)


def _begin(time: datetime, by: str) -> datetime:
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    back = {"day": 0, "week": day.weekday(), "month": day.day - 1}[by]
    return day - timedelta(days=back)


def _none_in(begin: datetime, by: str) -> Row:
    day = begin.date().isoformat()
    return {"period": day[:7] if by == "month" else day, "users": 0, "messages": 0, "conversations": 0}


def _sign_ups(since: datetime, form: str) -> Iterator[Document]:
    when = {"$dateToString": {"format": form, "date": "$createdAt"}}
    return _counted("User", {"createdAt": _from(since)}, {"$group": {"_id": when, "users": {"$sum": 1}}})


def _activity(since: datetime, form: str) -> Iterator[Document]:
    """Count messages, and the conversations they are in."""
    when = {"$dateToString": {"format": form, "date": "$createAt"}}
    each = {"_id": {"period": when, "place": "$conversationId"}, "messages": {"$sum": 1}}
    places = {"$sum": {"$cond": ["$_id.place", 1, 0]}}
    together = {"_id": "$_id.period", "messages": {"$sum": "$messages"}, "conversations": places}
    return _counted("Message", {"createAt": _from(since)}, {"$group": each}, {"$group": together})


def _statuses() -> dict[str, int]:
    found = _counted("User", {"status": PRESENT}, {"$group": {"_id": "$status", "users": {"$sum": 1}}})
    held = {row["_id"]: row["users"] for row in found if isinstance(row["_id"], str)}
    return dict.fromkeys(map(str, UserStatus), 0) | dict(sorted(held.items()))


def _roles() -> list[Row]:
    found = [{"name": role["name"], "users": role["members"]} for role in roles.find().rows()]
    return sorted(found, key=lambda role: (-role["users"], str(role["name"])))


def _top_senders(since: datetime) -> list[Row]:
    odd = has_other_forms(connection.database(), "Message", "senderId")
    most: list[Document] = [] if odd else [{"$sort": {"messages": -1, "_id": 1}}, {"$limit": TOP}]
    each = {"$group": {"_id": "$senderId", "messages": {"$sum": 1}}}
    counts: Counter[ObjectId] = Counter()
    for row in _counted("Message", {"createAt": _from(since), "senderId": NO_LIST}, each, *most):
        if isinstance(sender := referred(row["_id"]), ObjectId):
            counts[sender] += row["messages"]
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:TOP]
    names = Usernames()
    names.load(str(sender) for sender, _ in found)
    return [{"id": sender, "username": names.get(str(sender)), "messages": number} for sender, number in found]


def _from(since: datetime) -> Document:
    """Match times that are some and can be named, phrased so that a partial index serves."""
    return {"$gte": since, "$lt": UNNAMED, **PRESENT, "$type": "date", **NO_LIST}


def _counted(collection: str, where: Document, *steps: Document) -> Iterator[Any]:
    return iter(connection.database()[collection].aggregate([{"$match": where}, *steps], allowDiskUse=True))
