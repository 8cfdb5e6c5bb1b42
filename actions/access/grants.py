"""The grants of roles that the audit trail has recorded: when each user got a role, and from whom."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from bson import ObjectId

from actions import audit, queries
from changes import Document, ids_in
from changes.visible_values import readable
from database import connection
from database.own_collections import AUDIT


class Grant(NamedTuple):
    """The time at which a user got a role, and the actor who gave it; both as `audit list` shows them."""

    at: Any
    actor: str


Grants = Mapping[tuple[Any, ObjectId], Grant]
"""(id of a user, id of a role) → the last grant of this role to this user."""


def last_grants(since: datetime | None = None) -> Grants:
    """Read from the audit trail who got which role since a time. Grants by the application are not in the trail."""
    where: Document = {"kind": "part", "changes": {"$elemMatch": {"collection": "User", "fields.field": "rolesIds"}}}
    if since is not None:
        where["_id"] = {"$gte": _first_id(since)}
    events: dict[tuple[Any, ObjectId], Any] = {}
    for part in connection.database()[AUDIT].find(where, ["event", "changes"]).sort("_id", 1):
        for pair in _granted(part):
            events[pair] = part["event"]
    grants = {
        event["_id"]: Grant(readable(event.get("at")), audit.actor_text(event)) for event in _read(events.values())
    }
    return {pair: grants[event] for pair, event in events.items() if event in grants}


def _first_id(time: datetime) -> ObjectId:
    """Return the smallest ObjectId that can be made at a time. An ObjectId stores seconds, from 1970 to 2106."""
    seconds = min(max(int(time.timestamp()), 0), 2**32 - 1)
    return ObjectId(f"{seconds:08x}{0:016x}")


def _granted(part: Document) -> Iterator[tuple[Any, ObjectId]]:
    """Yield (user id, role id) for each grant in a part of an event. In a restored trail, values may have any type."""
    for change in _documents(part, "changes"):
        for field in _documents(change, "fields") if change.get("collection") == "User" else ():
            if field.get("field") == "rolesIds":
                before = {*ids_in(field, "from")}
                roles = [role for side in ("added", "to") for role in ids_in(field, side) if role not in before]
                yield from ((user, role) for user in ids_in(change, "ids") for role in roles)


def _documents(document: Document, field: str) -> list[Document]:
    items = document.get(field)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _read(events: Iterable[Any]) -> Iterator[Document]:
    yield from queries.find_by_values(AUDIT, "_id", {*events}, ["at", "actor"])
