"""Events with unexpected values in any field are listed and shown, and their texts cannot control the terminal."""

from collections.abc import Iterator
from typing import Any

import odd
import pytest
from bson import ObjectId
from people import Documents, person

from database.own_collections import AUDIT
from tests.cli.test_odd_values import ACTS, CODES, FORMS
from tests.conftest import Chatctl


@pytest.fixture
def events(chatctl: Chatctl, database: Documents) -> dict[str, list[ObjectId]]:
    """Insert an event, and many copies of the event. Each copy has one unexpected value in one field.

    Return field → ids of copies.
    """
    person(database, "ada")
    chatctl("users", "suspend", "ada", "--reason", "stolen laptop", "--yes")
    event = database[AUDIT].find_one({"kind": "event"}) or {}
    part = database[AUDIT].find_one({"kind": "part"}) or {}
    found: dict[str, list[ObjectId]] = {}
    for field, values in _places(event):
        for value in odd.VALUES.values():
            copy = {**event, "_id": ObjectId(), **values(value)}
            database[AUDIT].insert_many([copy, {**part, "_id": ObjectId(), "event": copy["_id"]}])
            found.setdefault(field, []).append(copy["_id"])
    return found


def _places(event: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for field in event.keys() - {"_id", "kind"}:
        yield field, lambda value, field=field: {field: value}
        held = event[field]
        if isinstance(held, dict):
            for key in held:
                yield f"{field}.{key}", lambda value, field=field, key=key: {field: {**event[field], key: value}}
        if isinstance(held, list) and held and isinstance(held[0], dict):
            for key in held[0]:
                yield (
                    f"{field}.{key}",
                    lambda value, field=field, key=key: {field: [{**event[field][0], key: value}]},
                )


def test_odd_events_are_listed_in_every_format(chatctl: Chatctl, events: dict[str, list[ObjectId]]) -> None:
    number = sum(map(len, events.values())) + 1
    for form in FORMS:
        listed = chatctl("audit", "list", "--all", "-o", form).stdout
        assert form == "csv" or not ACTS.search(listed)
        if form == "ids":
            assert len(listed.splitlines()) == number


def test_each_event_is_shown_and_its_undo_is_planned_or_refused(
    chatctl: Chatctl, events: dict[str, list[ObjectId]]
) -> None:
    for field, ids in events.items():
        for one in ids:
            for line in (("show", one), ("show", one, "-o", "json"), ("undo", one, "--dry-run")):
                said = chatctl("audit", *line, code=None)
                assert said.code in CODES, (field, line, said.stderr[-2_000:])
                assert not ACTS.search(said.stdout + said.stderr), (field, line)


def test_odd_events_can_be_pruned(chatctl: Chatctl, events: dict[str, list[ObjectId]]) -> None:
    assert events
    assert chatctl("audit", "prune", "--before", "2999-01-01", "--dry-run", code=None).code in CODES


def test_a_user_in_odd_events_can_be_erased(
    chatctl: Chatctl, database: Documents, events: dict[str, list[ObjectId]]
) -> None:
    assert events
    chatctl("users", "erase", "ada", "--yes", "--allow-last-member")
    left = [one["_id"] for one in database[AUDIT].find({"kind": "event", "command": "users suspend ada"}, ["_id"])]
    assert [field for field, ids in events.items() for one in ids if one in left] == []
