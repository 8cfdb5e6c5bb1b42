"""List and show the events of the audit trail, and find out their states."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from bson import ObjectId

from actions import SORTABLE, lookup, queries
from actions.errors import AmbiguousNameError, UnknownNameError
from actions.queries import literal_pattern
from changes import Document, events
from changes.events import LEASE_SECONDS
from changes.trail_entries import lease_id, without_secrets
from changes.visible_values import readable, readable_text
from database import connection
from database.ids import ID_PREFIX, any_of, beginning_with, id_text, readings
from database.listing import Listing, Row
from database.own_collections import AUDIT, STATE
from database.wording import NAMED, shown

ACTORS: Final = ("os", "host", "database", "claimed")
RECENT: Final = timedelta(hours=1)
"""The oldest event that `last_own` may return is one hour old."""
PARTS_SEARCHED: Final = 1_000
"""The largest number of parts of audit events that are read to find an id by its first digits.

A part is a document with some of the changes of an event.
"""
LOOKED_AT: Final = 20
"""The number of events whose states are found out with one query."""


def find(
    *,
    actor: str | None = None,
    command: str | None = None,
    target: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Listing:
    """List the events of the audit trail as rows `{id, at, actor, command, reason, state}`, newest first.

    `actor` selects events by a system user, a host, a database user or a claimed name. `command` is the first word or
    words of a command. `target` is a user, or the id of any document that the event changed.
    """
    wanted: list[Document] = [{"kind": "event"}]
    if actor is not None:
        wanted.append({"$or": [{f"actor.{name}": actor} for name in ACTORS]})
    if command is not None:
        wanted.append({"command": {"$regex": f"^{literal_pattern('--command', command)}( |$)"}})
    if target is not None:
        parts = connection.database()[AUDIT].find({"targets": any_of(_target(target))}, {"event": 1})
        wanted.append({"_id": {"$in": list({part["event"] for part in parts})}})
    if since is not None:
        wanted.append({"at": {"$gte": since}})
    if until is not None:
        wanted.append({"at": {"$lt": until}})
    return Listing(AUDIT, {"$and": wanted}, rows, sortable=SORTABLE["audit"], order="-id")


def show(ref: str) -> Row:
    """Return an event as a row of `find`, with its `changes` and the related events.

    `undoes` is the id of the event that this event undoes. `undoneBy` is the id of the event that undoes this event. If
    the event approves a proposal, the row also has `proposal` (the id of the proposal) and `proposedBy`. A change is
    `{op, collection, ids, name?, fields}`. `names` maps the ids of documents to their names. For a very large write,
    the audit trail does not list the changes, it only counts them. In this case, `summary` has the numbers of changes
    as lines of text.
    """
    event = lookup.find_event(ref)
    database = connection.database()
    parts = list(database[AUDIT].find({"kind": "part", "event": event["_id"]}).sort([("batch", 1), ("_id", 1)]))
    kept = [without_secrets(part) for part in parts]  # Older versions of chatctl may have written secrets into events.
    names = {named["id"]: named["name"] for part in kept for named in part["names"]}
    changes = [change for part in kept for change in part["changes"]]
    undone_by = database[AUDIT].find_one({"undoes": event["_id"]}, {"_id": 1}, sort=[("_id", -1)]) or {}
    approves = event["approves"] if isinstance(event.get("approves"), dict) else {}
    return {
        **rows([event])[0],
        "undoes": readable(event.get("undoes")),
        "undoneBy": undone_by.get("_id"),
        "proposal": readable(approves.get("proposal")),
        "proposedBy": actor_text(approves) if approves else None,
        "changes": changes,
        "names": names,
        "summary": [readable_text(line) for line in _list(event.get("summary"))],
    }


def lines(event: Row) -> list[str]:
    """Return the changes of an event as lines of text."""
    from changes.changeset import diff

    return list(diff(event["changes"], event["names"])) or list(event["summary"])


def last_own() -> Row:
    """Return `{id, command}` of the caller's last event in the past hour that can be undone.

    An event that undoes another event is never returned. The event belongs to the caller if its system user, database
    user and claimed name are those of the caller. If the caller has no database user, the host must also be the same.
    Raises `UnknownNameError` if the caller has no event that can be undone.
    """
    me = events.actor()
    told_apart_by = [name for name in ACTORS if name != "host" or "database" not in me]
    mine = {f"actor.{name}": me.get(name) for name in told_apart_by}
    recent = {"kind": "event", "at": {"$gte": events.now() - RECENT}, "undoable": True, "undoes": None, "erased": None}
    found = connection.database()[AUDIT].find(recent | mine).sort([("at", -1), ("_id", -1)])
    while some := list(islice(found, LOOKED_AT)):
        states = states_of(some)
        for event in some:
            if states[event["_id"]] in {"done", "interrupted"}:
                return {"id": str(event["_id"]), "command": command_of(event)}
    raise UnknownNameError(
        "you have no event of the past hour that can be undone",
        "list events with chatctl audit list --since 1h, and undo one by its id",
    )


def running(events: Iterable[ObjectId]) -> Iterator[ObjectId]:
    """Yield the ids of those events that are still running, and that users can undo after the events have ended."""
    for some in queries.chunks(events):
        where = {"_id": {"$in": some}, "whole": False, "undoable": True}
        states = _own_states(list(connection.database()[AUDIT].find(where, {"whole": 1})))
        yield from (event for event, state in states.items() if state == "running")


def _target(ref: str) -> list[Any]:
    """Return the ids that the text after `--target` means. The text is a user, an id, or the first digits of an id."""
    field, value = lookup.parse_user_ref(ref)
    text = str(value)
    begun = _targets_beginning_with(text) if ID_PREFIX.fullmatch(text) and ref in {text, f"id:{text}"} else set()
    if field == "_id" and not begun:
        return readings(text)
    try:
        targets = begun | {lookup.find_user(ref, ())["_id"]}
    except UnknownNameError as error:
        error.hint = f"{error.hint}; to find a deleted document, use its id"
        if not begun:
            raise
        targets = begun
    if len(targets) > 1:
        listed = ", ".join(f"id:{id_text(target)}" for target in [*targets][:NAMED])
        raise AmbiguousNameError(f"several ids match {shown(text)}", f"use one of {listed}")
    return [*targets]


def _targets_beginning_with(prefix: str) -> set[Any]:
    """Return the ids that begin with these digits, of documents that events of the audit trail changed.

    Some of these documents may have been deleted.
    """
    ranges = [{"targets": {"$elemMatch": one}} for one in beginning_with(prefix)]
    parts = connection.database()[AUDIT].find({"$or": ranges}, ["targets"], limit=PARTS_SEARCHED)
    listed = (target for part in parts for target in _list(part.get("targets")))
    return {target for target in listed if id_text(target).lower().startswith(prefix.lower())}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def rows(events: Sequence[Document], _: Collection[str] = ()) -> list[Row]:
    states = states_of(events)
    return [
        {
            "id": event["_id"],
            "at": readable(event.get("at")),
            "actor": actor_text(event),
            "command": command_of(event),
            "reason": readable(event.get("reason")),
            "state": states[event["_id"]],
        }
        for event in events
    ]


def command_of(event: Document) -> str:
    """Return the command of an event as text. In a restored audit trail, the field of the command may have any type."""
    return readable_text(event.get("command"))


def actor_text(event: Document) -> str:
    """Return the actor of an event as text, for example `ada@laptop/database-user (claimed name)`."""
    actor = event.get("actor")
    if not isinstance(actor, dict):
        return readable_text(actor)
    parts = {name: readable_text(actor.get(name)) for name in ("os", "host", *(actor.keys() & ACTORS))}
    who = f"{parts['os']}@{parts['host']}"
    who += f"/{parts['database']}" if "database" in parts else ""
    return f"{who} ({parts['claimed']})" if "claimed" in parts else who


def is_undone(event: ObjectId) -> bool:
    """Tell whether an event is undone now.

    If the undo was undone later, the event is not undone.
    """
    return states_of(connection.database()[AUDIT].find({"kind": "event", "_id": event})).get(event) == "undone"


def states_of(events: Iterable[Document]) -> dict[ObjectId, str]:
    """Return the state of each event: `done`, `running`, `interrupted` or `undone`."""
    listed = list(events)
    states = _own_states(listed)
    # An undo that was undone has no effect. So the undos of undos are read too, and the state of the last undo is
    # decided first.
    chain, ids = [], [event["_id"] for event in listed]
    while ids and (undos := list(connection.database()[AUDIT].find({"undoes": {"$in": ids}}).sort("_id", 1))):
        chain.append(undos)
        ids = [undo["_id"] for undo in undos]
    for undos in reversed(chain):
        mine = _own_states(undos) | {
            undo["_id"]: states[undo["_id"]] for undo in undos if states.get(undo["_id"]) == "undone"
        }
        for undo in undos:
            if mine[undo["_id"]] == "done":
                states[undo["undoes"]] = "undone"
    return states


def _own_states(events: Sequence[Document]) -> dict[ObjectId, str]:
    """Return the state of each event, without regard to undos: `done`, `running` or `interrupted`."""
    database = connection.database()
    states = {event["_id"]: "done" for event in events}
    open_ended = [event["_id"] for event in events if not event.get("whole")]
    if not open_ended:
        return states
    ends = database[AUDIT].find({"kind": "end", "event": {"$in": open_ended}}, {"event": 1})
    ended = {end["event"] for end in ends}
    fresh = connection.clock() - timedelta(seconds=LEASE_SECONDS)
    held = database[STATE].find({"_id": {"$in": [lease_id(event) for event in open_ended]}, "renewed": {"$gte": fresh}})
    running = {document["_id"] for document in held}
    for event in open_ended:
        if event not in ended:
            states[event] = "running" if lease_id(event) in running else "interrupted"
    return states
