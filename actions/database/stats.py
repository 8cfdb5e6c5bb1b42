"""Count new users, messages and active conversations for each day, week or month. The server counts them."""

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
from models.values import UserStatus

FORMATS: Final = {"day": "%Y-%m-%d", "week": "%G-%V", "month": "%Y-%m"}
"""Length of a period (day, week or month) → the format of its name, for MongoDB and Python.

Weeks begin on Monday, in UTC.
"""
DEFAULT_PERIODS: Final = {"day": 30, "week": 12, "month": 12}
"""Length of a period → the number of periods to count if the option `--since` is not given."""
TOP_SENDERS: Final = 10
END_OF_CALENDAR: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""The last time that is counted.

MongoDB cannot format a later time. If the data had one later time, the whole count would fail.
"""


def stats(since: datetime | None = None, by: str = "day") -> Row:
    """Count sign-ups, messages and active conversations: `{since, by, periods, status, roles, topSenders}`.

    `periods` is a list of `{period, users, messages, conversations}`. The first period contains `since`, and all its
    documents are counted, even those before `since`. The name of a period is its first day or its month. `status` is
    status → number of users. `roles` is a list of `{name, users}`. `topSenders` is a list of `{id, username,
    messages}`, counted since the beginning of the first period. Broken data is ignored. Raises `UsageError` for a time
    in the future.
    """
    starts = list(_periods(since, by))
    counts: dict[str, Row] = {start.strftime(FORMATS[by]): _empty_period(start, by) for start in starts}
    for figures in (_sign_ups(starts[0], FORMATS[by]), _activity(starts[0], FORMATS[by])):
        for row in figures:
            counts.get(row.pop("_id"), {}).update(row)
    return {
        "since": starts[0],
        "by": by,
        "periods": list(counts.values()),
        "status": _statuses(),
        "roles": _roles(),
        "topSenders": _top_senders(starts[0]),
    }


def _periods(since: datetime | None, by: str) -> Iterator[datetime]:
    """Yield the start time of each day, week or month, up to the current period."""
    now = datetime.now(UTC)
    if since is not None and since > now:
        raise UsageError("--since is in the future", "use a time before now")
    start = _start_of_period(now if since is None else since, by)
    for _ in range(DEFAULT_PERIODS[by] - 1 if since is None else 0):
        start = _start_of_period(start - timedelta(days=1), by)
    while start <= now:
        yield start
        start = _start_of_period(start + timedelta(days={"day": 1, "week": 7, "month": 31}[by]), by)


def _start_of_period(time: datetime, by: str) -> datetime:
    day = time.replace(hour=0, minute=0, second=0, microsecond=0)
    back = {"day": 0, "week": day.weekday(), "month": day.day - 1}[by]
    return day - timedelta(days=back)


def _empty_period(start: datetime, by: str) -> Row:
    day = start.date().isoformat()
    return {"period": day[:7] if by == "month" else day, "users": 0, "messages": 0, "conversations": 0}


def _sign_ups(since: datetime, date_format: str) -> Iterator[Document]:
    when = {"$dateToString": {"format": date_format, "date": "$createdAt"}}
    return _aggregate("User", {"createdAt": _times_since(since)}, {"$group": {"_id": when, "users": {"$sum": 1}}})


def _activity(since: datetime, date_format: str) -> Iterator[Document]:
    """Count the messages of each period, and the conversations that have a message in the period."""
    when = {"$dateToString": {"format": date_format, "date": "$createAt"}}
    each = {"_id": {"period": when, "place": "$conversationId"}, "messages": {"$sum": 1}}
    places = {"$sum": {"$cond": ["$_id.place", 1, 0]}}
    together = {"_id": "$_id.period", "messages": {"$sum": "$messages"}, "conversations": places}
    return _aggregate("Message", {"createAt": _times_since(since)}, {"$group": each}, {"$group": together})


def _statuses() -> dict[str, int]:
    found = _aggregate("User", {"status": PRESENT}, {"$group": {"_id": "$status", "users": {"$sum": 1}}})
    counts = {row["_id"]: row["users"] for row in found if isinstance(row["_id"], str)}
    return dict.fromkeys(map(str, UserStatus), 0) | dict(sorted(counts.items()))


def _roles() -> list[Row]:
    found = [{"name": role["name"], "users": role["members"]} for role in roles.find().rows()]
    return sorted(found, key=lambda role: (-role["users"], str(role["name"])))


def _top_senders(since: datetime) -> list[Row]:
    other_forms = has_other_forms(connection.database(), "Message", "senderId")
    most: list[Document] = [] if other_forms else [{"$sort": {"messages": -1, "_id": 1}}, {"$limit": TOP_SENDERS}]
    each = {"$group": {"_id": "$senderId", "messages": {"$sum": 1}}}
    counts: Counter[ObjectId] = Counter()
    for row in _aggregate("Message", {"createAt": _times_since(since), "senderId": NO_LIST}, each, *most):
        if isinstance(sender := referred(row["_id"]), ObjectId):
            counts[sender] += row["messages"]
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:TOP_SENDERS]
    names = Usernames()
    names.load(str(sender) for sender, _ in found)
    return [{"id": sender, "username": names.get(str(sender)), "messages": number} for sender, number in found]


def _times_since(since: datetime) -> Document:
    """Return a filter for valid times from `since` on. The filter has a form with which servers use a partial index."""
    return {"$gte": since, "$lt": END_OF_CALENDAR, **PRESENT, "$type": "date", **NO_LIST}


def _aggregate(collection: str, where: Document, *steps: Document) -> Iterator[Any]:
    return iter(connection.database()[collection].aggregate([{"$match": where}, *steps], allowDiskUse=True))
