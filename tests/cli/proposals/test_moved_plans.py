"""An approval checks whether the data changed after the proposal was made."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import typed
from bson import ObjectId
from people import BEGAN, Documents, person
from proposing import WHY, propose, stored, without_locks

from actions import proposals
from changes import Changeset, apply, events
from database import connection
from database.errors import ConflictError
from tests.conftest import Chatctl


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize(
    "case",
    [
        ("users suspend cyd", "users suspend cyd", "user cyd was changed (status)"),
        ("users delete cyd", "users update cyd --name Cyd", "user cyd was changed (name)"),
        ("users delete cyd", "users delete cyd", "user cyd no longer exists"),
        ("users grant cyd --role support", "users grant cyd --role support", "user cyd was changed (rolesIds)"),
        ("users revoke ada --role support", "users revoke ada --role support", "user ada was changed (rolesIds)"),
        ("roles create intern", "roles create intern", "role intern already exists"),
        ("conversations rename Nightshift Day", "messages delete {message}", None),
        ("users delete ada", "messages send --conversation Nightshift --from ada --body hello", "user ada was changed"),
        ("conversations create ada cyd", "conversations create ada cyd", "was created while this command ran"),
        ("audit undo {event}", "audit undo {event}", "was undone"),
    ],
)
def test_data_changed_after_the_proposal_is_named_and_nothing_is_written(
    office: Chatctl, database: Documents, as_user: Callable[[str], None], case: tuple[str, str, str | None]
) -> None:
    line, moving, moved = case
    known = {"message": typed.MESSAGE, "event": typed.EVENT}
    first, second = (
        [word.replace("Nightshift", "Night shift") for word in words.format(**known).split()]
        for words in (line, moving)
    )
    proposal = propose(office, *first)
    office(*second, "--yes")
    before = without_locks(stored(database))
    as_user("bob")
    if moved is None:
        office("proposals", "approve", proposal, "--yes")
        return
    said = office("proposals", "approve", proposal, "--yes", code=4).stderr
    assert moved.format(**known) in said
    assert "was changed" not in said or "run the command again" in said
    assert without_locks(stored(database)) == before


SAID = ("Message", {"_id": typed.MESSAGE})


ACCOUNT = ("Account", {"userId": typed.ADA})


USER = ("User", {"_id": typed.ADA})


HIDDEN: list[tuple[str, tuple[str, dict[str, Any]], str, str]] = [
    ("messages delete {message}", SAID, "body", "message {message} was changed (body)"),
    ("messages redact {message}", SAID, "body", "message {message} was changed (body)"),
    ("messages redact {message}", SAID, "image", "message {message} was changed (image)"),
    ("messages purge --before 2999-01-01", SAID, "body", "message {message} was changed (body)"),
    ("conversations delete id:{place}", SAID, "body", "message {message} was changed (body)"),
    ("users delete ada", SAID, "body", "message {message} was changed (body)"),
    ("users delete ada", USER, "hashedPassword", "user ada was changed (hashedPassword)"),
    ("users delete ada", USER, "note", "user ada was changed (note)"),
    ("users delete ada", ACCOUNT, "access_token", "was changed (access_token)"),
    (
        "users set-password ada --no-password --allow-lockout",
        USER,
        "hashedPassword",
        "user ada was changed (hashedPassword)",
    ),
    ("users unlink ada google", ACCOUNT, "access_token", "was changed (access_token)"),
]
"""(command, document, hidden field of the document that changes after the proposal, part of the error)."""


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("case", HIDDEN, ids=lambda case: f"{case[0]} {case[2]}")
@pytest.mark.parametrize("saved", [False, True], ids=["proposed", "saved"])
def test_the_change_of_a_value_that_no_plan_contains_is_noticed(
    office: Chatctl,
    database: Documents,
    as_user: Callable[[str], None],
    case: tuple[str, tuple[str, dict[str, Any]], str, str],
    saved: bool,
) -> None:
    line, (collection, where), field, moved = case
    [place] = database["Conversation"].distinct("_id")
    database[collection].update_one(where, {"$set": {field: "no" if field != "image" else "https://example.org/1"}})
    words = line.format(message=typed.MESSAGE, place=place).split()
    if saved:
        office(*words, "--save-plan", "saved.json")
        approval = ("apply", "saved.json", "--yes")
    else:
        approval = ("proposals", "approve", propose(office, *words), "--yes")
        as_user("bob")
    assert office(*approval[:-1], "--dry-run").stdout
    database[collection].update_one(where, {"$set": {field: "ok" if field != "image" else "https://example.org/2"}})
    before = without_locks(stored(database))
    assert moved.format(message=typed.MESSAGE) in office(*approval, code=4).stderr
    assert without_locks(stored(database)) == before


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("key", [{}, {"key": None}, {"key": "text"}, {"key": 10**18}, {"key": [b"1"]}])
def test_an_event_without_a_valid_key_changes_nothing(
    office: Chatctl, database: Documents, key: dict[str, Any]
) -> None:
    """A database user who can add events can add an event with an invalid key."""
    proposal = ObjectId(propose(office, "messages", "delete", typed.MESSAGE))
    event = ObjectId()
    part = {"kind": "part", "targets": [proposal], "changes": [], "names": []}
    database["chatctl_audit"].insert_many(
        [{"_id": event, "kind": "event", "planKey": {"plan": proposal, **key}}, {**part, "event": event}, {**part}]
    )
    assert json.loads(office("proposals", "show", proposal, "-o", "json").stdout)["moved"] == []


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_a_hidden_value_cannot_be_guessed_from_a_proposal(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    """The key is only in the audit trail. An added event with another key does not make a changed value valid."""
    proposal = ObjectId(propose(office, "messages", "delete", typed.MESSAGE))
    [event] = database["chatctl_audit"].find({"planKey": {"$exists": True}})
    [kept] = [one["data"] for one in database["chatctl_proposals"].find({"_id": proposal})]
    assert len(event["planKey"]["key"]) == 32
    assert event["planKey"]["key"] not in kept
    other = {**event, "_id": ObjectId(), "planKey": {"plan": proposal, "key": b"x" * 32}}
    part = {"_id": ObjectId(), "kind": "part", "event": other["_id"], "targets": [proposal], "changes": []}
    database["chatctl_audit"].insert_many([other, {**part, "names": []}])
    as_user("bob")
    office("proposals", "approve", proposal, "--dry-run")
    database["chatctl_audit"].delete_one({"_id": event["_id"]})
    assert "message" in office("proposals", "approve", proposal, "--yes", code=4).stderr
    database["chatctl_audit"].delete_one({"_id": other["_id"]})
    assert "no longer has the key" in office("proposals", "approve", proposal, "--yes", code=4).stderr


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_an_approval_does_not_replace_a_later_time(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    proposal = propose(office, "users", "update", "cyd", "--name", "Cyd")
    later = datetime(2999, 1, 1, tzinfo=UTC)
    database["User"].update_one({"username": "cyd"}, {"$set": {"lastLogin": later, "updatedAt": later}})
    as_user("bob")
    office("proposals", "approve", proposal, "--yes")
    cyd = database["User"].find_one({"username": "cyd"}) or {}
    assert (cyd["name"], cyd["updatedAt"]) == ("Cyd", later)


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("saved", [False, True], ids=["proposed", "saved"])
def test_an_approval_writes_its_own_time(
    office: Chatctl,
    database: Documents,
    as_user: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    saved: bool,
) -> None:
    lines = (
        "users update cyd --name Cyd",
        "users suspend ada",
        "users create --email e@x.org --username e --no-password",
    )
    for number, line in enumerate(lines):
        as_user("ada")
        with monkeypatch.context() as patch:
            patch.setattr("actions.users.status.now", lambda: BEGAN + timedelta(days=1))
            patch.setattr("actions.users.creating.now", lambda: BEGAN + timedelta(days=1))
            if saved:
                office(*line.split(), "--save-plan", f"saved{number}.json")
                approval = ("apply", f"saved{number}.json")
            else:
                approval = ("proposals", "approve", propose(office, *line.split()))
        as_user("bob")
        began = events.now()
        office(*approval, "--yes")
        user = database["User"].find_one({}, sort=[("updatedAt", -1)]) or {}
        assert user["username"] == ("cyd", "ada", "e")[number]
        assert began <= user["updatedAt"] <= events.now()
        assert (user["createdAt"] == user["updatedAt"]) == (user["username"] == "e")


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_a_rule_is_checked_again_when_a_proposal_is_approved(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    alone, allowed = (
        propose(office, "users", "revoke", "ada", "--role", "support", *more) for more in ((), ("--allow-last-member",))
    )
    [support] = database["Role"].distinct("_id", {"name": "support"})
    database["chatctl_state"].insert_one({"_id": "protected-roles", "ids": [support]})
    as_user("bob")
    assert "last active member" in office("proposals", "approve", alone, "--yes", code=7).stderr
    office("proposals", "approve", allowed, "--yes")


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_the_undo_without_its_images_is_not_approved(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    event = json.loads(office("users", "delete", "ada", "--yes", "-o", "json").stdout)["event"]
    proposal = propose(office, "audit", "undo", event)
    database["chatctl_images"].delete_many({})
    as_user("bob")
    assert "are no longer stored" in office("proposals", "approve", proposal, "--yes", code=4).stderr


def test_if_several_people_approve_at_once_exactly_one_approval_is_written(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    proposal = propose(office, "conversations", "create", "ada", "cyd", "--name", "Tea")
    as_user("bob")
    connection.choose()
    planned = [proposals.approve(proposal) for _ in range(4)]
    together = Barrier(len(planned))

    def approve(changeset: Changeset) -> str:
        together.wait()
        try:
            apply(changeset)
        except ConflictError as error:
            return error.message
        return "approved"

    with ThreadPoolExecutor(len(planned)) as pool:
        said = sorted(pool.map(approve, planned))
    connection.choose()
    assert said.count("approved") == 1
    assert {one.partition("was ")[2] for one in said} <= {
        "",
        "decided while this command ran",
        "created while this command ran",
    }
    assert database["Conversation"].count_documents({"name": "Tea"}) == 1
    assert database["chatctl_proposals"].count_documents({"kind": "decision"}) == 1


def test_two_proposed_holds_cannot_get_the_same_name(
    either: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    ada = person(database, "ada")
    as_user("ada")
    for _ in range(2):
        either("holds", "add", "case", "--user", "ada", *WHY)
    first, second = database["chatctl_proposals"].distinct("_id", {"kind": "proposal"})
    as_user("bob")
    either("proposals", "approve", first, "--yes")
    assert "the hold case already exists" in either("proposals", "approve", second, "--yes", code=4).stderr
    assert [one["users"] for one in database["chatctl_holds"].find({"kind": "hold"})] == [[ada]]


def test_a_proposed_hold_on_deleted_data_is_not_approved(
    chatctl: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    person(database, "ada")
    as_user("ada")
    chatctl("holds", "add", "case", "--user", "ada", *WHY)
    [proposal] = database["chatctl_proposals"].distinct("_id", {"kind": "proposal"})
    chatctl("users", "delete", "ada", "--yes")
    as_user("bob")
    assert "held data was deleted" in chatctl("proposals", "approve", proposal, "--yes", code=4).stderr
    assert database["chatctl_holds"].count_documents({}) == 0


def test_the_undo_of_a_deletion_can_be_proposed(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    before = without_locks(stored(database))
    event = json.loads(office("users", "delete", "ada", "--yes", "-o", "json").stdout)["event"]
    proposal, late = (propose(office, "audit", "undo", event) for _ in range(2))
    [kept] = [one["data"] for one in database["chatctl_proposals"].find({"_id": ObjectId(proposal)})]
    assert b"$2b$04$" not in kept
    as_user("bob")
    office("proposals", "approve", proposal, "--yes")
    assert without_locks(stored(database)) == before
    assert office("proposals", "approve", late, "--yes", code=4)
    assert json.loads(office("audit", "show", event, "-o", "json").stdout)["state"] == "undone"


KILLED = """
import os, signal
from pymongo.client_session import ClientSession
from changes import events
from cli.app import main

ClientSession.commit_transaction = lambda self: os.kill(os.getpid(), signal.SIGKILL)
events.system_user = lambda: "bob"
main()
"""


def test_a_killed_approval_changes_nothing_and_can_be_repeated(
    office: Chatctl, database: Documents, environment: dict[str, str], as_user: Callable[[str], None]
) -> None:
    office("db", "repair", "--yes")
    proposal = propose(office, "users", "delete", "ada")
    before = stored(database)
    approval = ("proposals", "approve", proposal, "--yes")
    killed = subprocess.run([sys.executable, "-c", KILLED, *approval], env=environment, check=False, timeout=60)  # noqa: S603
    assert killed.returncode == -signal.SIGKILL
    database.client.admin.command("killAllSessions", [])  # otherwise its transaction stays open for a minute
    assert without_locks(stored(database)) == without_locks(before)
    as_user("bob")
    office(*approval)
    assert database["User"].count_documents({"_id": typed.ADA}) == 0
    assert office(*approval, code=4).stderr
    assert office("db", "check", "--rule", "dangling-link").stdout == ""
