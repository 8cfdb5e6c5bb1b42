"""Undo events of the audit trail, and delete old events."""

from collections.abc import Collection
from datetime import datetime

from actions import lookup
from actions.audit.listing import actor_text, command_of, states_of
from actions.errors import NotUndoableError, StillRunningError
from actions.rules.checked_changeset import checked_changeset, replannable
from changes import Batch, Changeset, Document, Draft, Question, Result, events, holds, undoing
from changes.trail_entries import lease_id, names_without_secrets
from changes.visible_values import readable_text
from database import connection
from database.own_collections import AUDIT, IMAGES, STATE
from database.times import minute


@replannable(quick=False)
def undo(ref: str, *, force: bool = False, allow_last_member: bool = False, allow_lockout: bool = False) -> Changeset:
    """Undo the changes of an event that is finished or interrupted.

    Raises `NotUndoableError` if the data for the undo are not stored. Raises `ConflictError` if the data changed after
    the event, unless `force` is given.
    """
    event = lookup.find_event(ref)
    state = states_of([event])[event["_id"]]
    command = f"audit undo {event['_id']}"
    if state == "undone":
        result = Result(event["_id"], command_of(event), "unchanged", if_unchanged=_undone_by(event))
        return checked_changeset(command, Draft(), [result])
    database = connection.database()
    batches = _batches_to_undo(event, state)
    draft = Draft()
    mine = {"kind": "part", "event": event["_id"]}
    for part in database[AUDIT].find(mine, ["names", "changes.collection", "changes.ids"]):
        draft.names |= {named["id"]: named["name"] for named in names_without_secrets(part)}
    if stale := database[STATE].find_one({"_id": lease_id(event["_id"])}):
        draft.delete(STATE, stale)
    inverse = undoing.inverse(database, batches, force=force, orphans=events.recorded_orphans(database, event["_id"]))
    draft.batches = [[*draft.changes, *inverse[0]], *inverse[1:]]
    outcome = "undone" if draft.changes else "unchanged"
    why = "all changes of this event were already reversed"
    results = [Result(event["_id"], command_of(event), outcome, if_unchanged=why)]
    return checked_changeset(
        command,
        draft,
        results,
        allow_last_member=allow_last_member,
        allow_lockout=allow_lockout,
        asks=True,
        undoes=event["_id"],
        notes=[f"undo of: {command_of(event)}"],
    )


def _undone_by(event: Document) -> str:
    """Return a text that says who has undone an event, and when."""
    undos = list(connection.database()[AUDIT].find({"undoes": event["_id"]}).sort("_id", -1))
    states = states_of(undos)
    undo = next(one for one in undos if states[one["_id"]] == "done")
    at = undo.get("at")
    when = minute(at) if isinstance(at, datetime) else readable_text(at)
    return f"already undone by {actor_text(undo)}, {when}, event {undo['_id']}"


def _batches_to_undo(event: Document, state: str) -> list[Batch]:
    """Return the changes of an event as batches.

    Raises `StillRunningError` if the event is still running, and `NotUndoableError` if its changes are not stored.
    """
    if state == "running":
        raise StillRunningError(f"event {event['_id']} is still running", "undo the event after it has ended")
    if event.get("erased"):
        why = f"event {event['_id']} cannot be undone: a user whom it changed has been erased"
        raise NotUndoableError(why, f"see the remaining data of the event: chatctl audit show {event['_id']}")
    if batches := events.read(connection.database(), event["_id"]):
        return batches
    why = "is no longer stored" if event.get("undoable") else "was never stored"
    raise NotUndoableError(
        f"event {event['_id']} cannot be undone: the data for its undo {why}",
        f"see the changes of the event: chatctl audit show {event['_id']}",
    )


@replannable(quick=False)
def prune(before: datetime) -> Changeset:
    """Delete the finished events before a time, except events that a legal hold keeps.

    Deleted events can no longer be undone.
    """
    database = connection.database()
    events = list(database[AUDIT].find({"kind": "event", "at": {"$lt": before}}))
    states = states_of(events)
    ended = {event["_id"] for event in events if states[event["_id"]] in {"done", "undone"}}
    held = holds.read(database)
    kept = held.events(database, {"event": {"$in": list(ended)}}).keys() if held else ()
    pruned = list(ended.difference(kept))
    draft = Draft()
    for collection in (IMAGES, AUDIT):
        for document in database[collection].find({"event": {"$in": pruned}}, {"_id": 1}):
            draft.reserve(1)
            draft.delete(collection, document)
    for event in pruned:
        draft.reserve(1)
        draft.delete(AUDIT, {"_id": event})
    results = [Result(event["_id"], command_of(event), "pruned") for event in events if event["_id"] in set(pruned)]
    passed = (
        [Result(None, "held events", "passed-over", held.note(len(kept), "event"), documents=len(kept))] if kept else []
    )

    def corrected(agreed: Collection[Result]) -> list[Result]:
        return [*(one for one in agreed if one.id is not None and one.id not in kept), *passed]

    return checked_changeset(
        f"audit prune --before {before.isoformat()}",
        draft,
        [*results, *passed],
        asks=True,
        undoable=False,
        notes=[str(result.message) for result in passed],
        question=Question("Delete", AUDIT),
        passing_over=corrected,
    )
