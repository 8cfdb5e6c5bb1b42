"""`audit undo --last` undoes the last change of the same user, and never a change of another user."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from people import Documents, person

from changes import events
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

COUNT = {"os": "count", "host": "laptop"}
"""The actor in most of these tests, as the audit trail stores it: the system user `count` on the host `laptop`."""


@pytest.fixture
def me(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the current actor. A test can change this dict to become another actor."""
    who = dict(COUNT)
    monkeypatch.setattr(events, "actor", lambda: dict(who))
    return who


def statuses(database: Documents) -> dict[str, Any]:
    return {user["username"]: user["status"] for user in database["User"].find()}


def test_the_option_last_undoes_the_last_write_and_then_the_write_before(either: Chatctl, database: Documents) -> None:
    for name in ("ada", "bob"):
        person(database, name)
        either("users", "suspend", name, "--yes")
    assert either("audit", "undo", "--last", "--yes").stdout == "users suspend bob: undone\n"
    assert statuses(database) == {"ada": "SUSPENDED", "bob": "ACTIVE"}
    assert either("audit", "undo", "--last", "--yes").stdout == "users suspend ada: undone\n"
    assert statuses(database) == {"ada": "ACTIVE", "bob": "ACTIVE"}
    said = either("audit", "undo", "--last", "--yes", code=3).stderr
    assert said == (
        "error: you have no event of the past hour that can be undone\n"
        "hint: list events with chatctl audit list --since 1h, and undo one by its id\n"
    )


def test_an_event_whose_undo_was_undone_counts_as_the_last_again(either: Chatctl, database: Documents) -> None:
    person(database, "ada")
    either("users", "suspend", "ada", "--yes")
    either("audit", "undo", "--last", "--yes")
    [undo] = database["chatctl_audit"].find({"undoes": {"$exists": True}})
    either("audit", "undo", undo["_id"], "--yes")
    assert either("audit", "undo", "--last", "--yes").stdout == "users suspend ada: undone\n"
    assert statuses(database) == {"ada": "ACTIVE"}


def test_the_question_of_undo_last_names_the_undone_command(
    terminal: Terminal, chatctl: Chatctl, database: Documents
) -> None:
    person(database, "ada")
    terminal("users", "suspend", "ada", "--yes")
    refused = terminal("audit", "undo", "--last", typed="n\n")
    assert "undo of: users suspend ada" in refused.text
    assert (refused.code, statuses(database)) == (7, {"ada": "SUSPENDED"})
    assert terminal("audit", "undo", "--last", typed="y\n").code == 0
    assert statuses(database) == {"ada": "ACTIVE"}


@pytest.mark.parametrize(
    ("actors", "mine"),
    [
        (({}, {}), True),
        (({}, {"os": "grace"}), False),
        (({}, {"host": "desktop"}), False),
        (({"database": "ops"}, {"database": "ops"}), True),
        (({"database": "ops"}, {"database": "ops", "host": "a container"}), True),
        (({"database": "ops"}, {"database": "ops", "os": "grace"}), False),
        (({"database": "ops"}, {"database": "support"}), False),
        (({"database": "ops"}, {}), False),
        (({}, {"database": "ops"}), False),
        (({"claimed": "ada"}, {"claimed": "ada"}), True),
        (({"claimed": "ada"}, {"claimed": "grace"}), False),
        (({"claimed": "ada"}, {}), False),
    ],
)
def test_undo_last_finds_only_events_of_the_same_actor(
    either: Chatctl, database: Documents, me: dict[str, str], actors: tuple[dict[str, str], ...], mine: bool
) -> None:
    then, now = actors
    person(database, "ada")
    me.update(then)
    either("users", "suspend", "ada", "--yes")
    me.clear()
    me.update({**COUNT, **now})
    either("audit", "undo", "--last", "--yes", code=0 if mine else 3)
    assert statuses(database) == {"ada": "ACTIVE" if mine else "SUSPENDED"}


def test_undo_last_skips_old_events_and_events_that_cannot_be_undone(either: Chatctl, database: Documents) -> None:
    for name in ("ada", "bob", "cyd"):
        person(database, name)
    either("users", "suspend", "ada", "--yes")
    either("users", "suspend", "bob", "--yes")
    either("users", "delete", "cyd", "--forever", "--yes")
    assert either("audit", "undo", "--last", "--yes").stdout == "users suspend bob: undone\n"
    past = datetime.now(UTC) - timedelta(minutes=61)
    database["chatctl_audit"].update_many({"command": "users suspend ada"}, {"$set": {"at": past}})
    either("audit", "undo", "--last", "--yes", code=3)
    assert statuses(database)["ada"] == "SUSPENDED"


@pytest.mark.parametrize("words", [(str(ObjectId()), "--last"), ("--last", "6a0b1c2d")])
def test_an_event_and_the_option_last_cannot_be_combined(chatctl: Chatctl, words: tuple[str, ...]) -> None:
    said = chatctl("audit", "undo", *words, code=2).stderr
    assert said == "error: EVENT and --last cannot be combined\nhint: use one of them\n"


def test_without_an_event_the_error_names_both_ways_to_choose_one(chatctl: Chatctl) -> None:
    said = chatctl("audit", "undo", code=2).stderr
    assert said == "error: missing argument 'EVENT'\nhint: add the id of an event, or use --last\n"
