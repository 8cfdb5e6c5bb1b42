"""An event counts as undone or not undone, depending on the state of its undo."""

from datetime import UTC, datetime

import pytest
from bson import ObjectId
from people import Documents

from actions import audit
from database.own_collections import AUDIT

pytestmark = pytest.mark.usefixtures("either")


def event(database: Documents, *, undoes: ObjectId | None = None, ended: bool = True) -> ObjectId:
    head = {"kind": "event", "at": datetime.now(UTC), "actor": {"os": "ada"}, "command": "roles create x"}
    undoing = {"undoes": undoes} if undoes else {}
    found: ObjectId = database[AUDIT].insert_one({**head, "whole": ended, "undoable": True, **undoing}).inserted_id
    return found


def states(*events: ObjectId) -> list[str]:
    return [audit.show(str(one))["state"] for one in events]


def test_an_event_is_undone_after_its_undo_has_ended_and_until_that_undo_is_undone(database: Documents) -> None:
    first = event(database)
    undo = event(database, undoes=first, ended=False)
    assert states(first, undo) == ["done", "interrupted"]
    whole = event(database, undoes=first)
    assert states(first, undo, whole) == ["undone", "interrupted", "done"]
    again = event(database, undoes=whole)
    assert states(first, whole, again) == ["done", "undone", "done"]
    event(database, undoes=again, ended=False)
    assert states(first, whole, again) == ["done", "undone", "done"]
    event(database, undoes=again)
    assert states(first, whole, again) == ["undone", "done", "undone"]
