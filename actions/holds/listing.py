"""List legal holds, show a hold, and find out which held documents no longer exist."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from actions import SORTABLE, audit, queries
from actions.display_names import FIELDS, Usernames, titles
from actions.holds.placing import NOUNS, find_hold, held_ids
from changes import Document
from changes.holds import ACTIVE, Holds
from changes.visible_values import readable, readable_text
from database import connection
from database.ids import any_of, id_text
from database.listing import Listing, Row
from database.own_collections import AUDIT, HOLDS
from database.references import existing, referred

EXAMPLES: Final = 3
"""The number of ids of missing documents that `check` lists for each collection."""


def find() -> Listing:
    """List legal holds, including released holds."""
    return Listing(HOLDS, {"kind": "hold"}, _rows, sortable=SORTABLE["holds"])


def show(name: str) -> Row:
    """Describe a hold: its users and conversations, and how many documents it kept when it was placed."""
    hold = find_hold(name)
    [row] = _rows([hold])
    usernames = Usernames()
    usernames.load(people := [id_text(one) for one in hold["users"]])
    places = list(queries.find_by_ids("Conversation", hold["conversations"], FIELDS))
    named = {id_text(referred(one)): title for one, title in titles(places).items()}
    return row | {
        "users": [{"id": one, "username": usernames.get(one)} for one in people],
        "conversations": [
            {"id": one, "title": named.get(one, "deleted conversation")} for one in map(id_text, hold["conversations"])
        ],
        "kept": [{"collection": of, "documents": number} for of, number in _recorded(hold).items()],
    }


def check(name: str | None = None) -> list[Row]:
    """Compare the documents that a hold kept when it was placed with the documents that exist now.

    If `name` is None, compare all active holds. A row is `{hold, collection, placed, now, gone, examples}`: `placed`,
    `now` and `gone` are numbers of documents, and `examples` are ids of missing documents.
    """
    holds = connection.database()[HOLDS].find(ACTIVE).sort("name", 1) if name is None else [find_hold(name)]
    return [row for hold in holds for row in _comparison(hold)]


def missing(hold: Document, collection: str) -> Iterator[Any]:
    """Yield the ids that a hold recorded when it was placed, if their documents no longer exist."""
    database = connection.database()
    for part in database[HOLDS].find({"hold": hold["_id"], "collection": collection}).sort("_id", 1):
        for some in queries.chunks(part["ids"]):
            there = {one["_id"] for one in database[collection].find({"_id": any_of(some)}, ["_id"])}
            left = [one for one in some if one not in there]
            found = existing(database, collection, left) if left else set()
            yield from (one for one in left if referred(one) not in found)


def _comparison(hold: Document) -> Iterator[Row]:
    recorded = _recorded(hold)
    now = {of: sum(1 for _ in ids) for of, ids in held_ids(Holds().kept_by(connection.database(), [hold]))}
    for collection in NOUNS:
        gone = [id_text(one) for one in missing(hold, collection)] if recorded[collection] else []
        yield {
            "hold": hold["name"],
            "collection": collection,
            "placed": recorded[collection],
            "now": now[collection],
            "gone": len(gone),
            "examples": gone[:EXAMPLES],
        }


def _recorded(hold: Document) -> Counter[str]:
    """Count the ids that a hold recorded when it was placed, by collection."""
    size: list[Document] = [
        {"$match": {"hold": hold["_id"]}},
        {"$project": {"collection": 1, "size": {"$size": "$ids"}}},
    ]
    counts: Counter[str] = Counter(dict.fromkeys(NOUNS, 0))
    for part in connection.database()[HOLDS].aggregate(size):
        counts[part["collection"]] += part["size"]
    return counts


def _rows(holds: Sequence[Document], _: Collection[str] = ()) -> list[Row]:
    placed = _placing_events(holds)
    return [
        {
            "id": hold["_id"],
            "name": hold["name"],
            "state": "active" if hold.get("released") is None else "released",
            "users": len(hold["users"]),
            "conversations": len(hold["conversations"]),
            "placed": readable(hold.get("placed")),
            "actor": audit.actor_text(event) if (event := placed.get(hold["_id"])) else None,
            "reason": readable_text(event["reason"]) if event and event.get("reason") else None,
            "released": readable(hold.get("released")),
        }
        for hold in holds
    ]


def _placing_events(holds: Sequence[Document]) -> dict[Any, Document]:
    """Return id of a hold → the audit event of the command that placed the hold. Only this event has the reason."""
    trail = connection.database()[AUDIT]
    where = {"kind": "part", "targets": {"$in": [hold["_id"] for hold in holds]}}
    first: dict[Any, Any] = {}
    for part in trail.find(where, ["event", "targets"]).sort("_id", -1):
        first |= dict.fromkeys(part["targets"], part["event"])
    events = {event["_id"]: event for event in trail.find({"_id": {"$in": list(first.values())}})}
    return {hold["_id"]: events[event] for hold in holds if (event := first.get(hold["_id"])) in events}
