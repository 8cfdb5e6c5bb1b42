"""Changes that one person proposes and another person approves."""

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typed
from bson import ObjectId
from people import BEGAN, Documents, messages, person
from proposing import ABOUT_PROPOSALS, UNPROPOSABLE, WHY, propose, stored, without_locks

from actions.cascading_deletion import UNWRITTEN
from actions.proposals import approve
from changes import Changeset, Insert, apply, plans
from changes.effects import effects
from database import connection
from database.errors import RefusedError
from tests.conftest import Chatctl

SECRETS = ("hash-of-ada-" + "x" * 40, "token-of-ada", "her pet", "who has the kettle?")


def comparable(found: Any, known: set[ObjectId], began: datetime) -> Any:
    """Replace new ids and new times, which differ between two runs of the same command."""
    if isinstance(found, dict):
        return {name: comparable(value, known, began) for name, value in found.items()}
    if isinstance(found, list):
        return [comparable(item, known, began) for item in found]
    if isinstance(found, ObjectId):
        return found if found in known else "new"
    return "now" if isinstance(found, datetime) and found >= began else found


def put_back(database: Documents, before: dict[str, list[dict[str, Any]]]) -> None:
    for name in database.list_collection_names():
        database[name].delete_many({})
    for name, documents in before.items():
        if documents:
            database[name].insert_many(documents)


@pytest.mark.parametrize("command", sorted(typed.WRITES.keys() - ABOUT_PROPOSALS - UNPROPOSABLE.keys()))
@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_an_approved_proposal_does_what_the_command_does(
    chatctl: Chatctl, database: Documents, workspace: Path, as_user: Callable[[str], None], command: str
) -> None:
    typed.settle(database)
    typed.lay_out(workspace)
    database["chatctl_proposals"].delete_many({})
    line = (*command.split(), *typed.WRITES[command])
    as_user("ada")
    if command == "db unprotect":
        chatctl("db", "protect", "prod", "--yes")
    all_before = {name: list(database[name].find()) for name in database.list_collection_names()}
    before, began = without_locks(stored(database)), datetime.now(UTC) - timedelta(milliseconds=1)
    known = {one["_id"] for documents in before.values() for one in documents}
    chatctl(*line, *WHY)
    assert without_locks(stored(database)) == before
    [proposal] = database["chatctl_proposals"].distinct("_id", {"kind": "proposal"})
    chatctl("proposals", "approve", proposal, "--yes", code=7)
    assert without_locks(stored(database)) == before
    as_user("bob")
    confirmed = ("--expect", "prod") if command == "db unprotect" else ("--yes",)
    chatctl("proposals", "approve", proposal, *confirmed)
    approved = comparable(without_locks(stored(database)), known, began)
    put_back(database, all_before)
    chatctl(*line, *confirmed)
    assert comparable(without_locks(stored(database)), known, began) == approved
    assert approved != comparable(before, known, began) or command in {"db indexes", "audit prune"}


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("command", UNPROPOSABLE)
@pytest.mark.parametrize("how", [WHY, ("--save-plan", "kept.json")], ids=["proposed", "saved"])
def test_a_command_that_cannot_be_proposed_is_refused(
    office: Chatctl, database: Documents, workspace: Path, command: str, how: tuple[str, ...]
) -> None:
    if command == "db generate":
        for name in ("User", "Role", "Conversation"):
            database[name].delete_many({})
    before = without_locks(stored(database))
    code, why = UNPROPOSABLE[command]
    said = office(*command.split(), *typed.WRITES[command], *how, code=code)
    assert why in said.stderr
    assert without_locks(stored(database)) == before
    assert not database["chatctl_proposals"].find_one()
    assert not (workspace / "kept.json").exists()


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_a_proposal_requires_a_reason_and_is_not_a_preview(office: Chatctl, database: Documents) -> None:
    line = ("users", "suspend", "cyd", "--propose")
    for more in ((), ("--reason", " "), ("--reason", "spam", "--dry-run"), ("--reason", "spam", "--save-plan", "p")):
        assert "--propose" in office(*line, *more, code=2).stderr
    assert office("users", "suspend", "bob", *WHY).stdout.startswith("bob: unchanged")
    assert not database["chatctl_proposals"].find_one()


def test_a_decided_or_old_proposal_is_not_approved(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    decided = {"approve": "bob", "reject": "bob", "withdraw": "ada"}
    for verb, who in decided.items():
        proposal = propose(office, "users", "suspend", "cyd")
        as_user(who)
        office("proposals", verb, proposal, "--reason", "I have looked", "--yes")
        as_user("bob")
        for again in ("approve", "reject"):
            said = office("proposals", again, proposal, "--yes", code=4).stderr
            assert f"was {verb.removesuffix('e').replace('withdraw', 'withdrawn')}" in said
        office("users", "reinstate", "cyd", "--yes")
        as_user("ada")
    old = propose(office, "users", "suspend", "cyd")
    database["chatctl_proposals"].update_one({"_id": ObjectId(old)}, {"$set": {"expires": BEGAN}})
    as_user("bob")
    assert "has expired" in office("proposals", "approve", old, "--yes", code=4).stderr
    states = json.loads(office("proposals", "list", "--state", "all", "-o", "json").stdout)
    assert [one["state"] for one in states] == ["expired", "withdrawn", "rejected", "approved"]
    assert office("proposals", "list", "-o", "ids").stdout == ""
    for state in ("expired", "withdrawn", "rejected", "approved"):
        assert office("proposals", "list", "--state", state, "--count").stdout == "1\n"


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_only_the_proposer_withdraws(office: Chatctl, as_user: Callable[[str], None]) -> None:
    proposal = propose(office, "users", "suspend", "cyd")
    as_user("bob")
    assert "only ada can withdraw" in office("proposals", "withdraw", proposal, code=7).stderr
    assert "no proposal" in office("proposals", "show", "aaaaaaaaaaaaaaaaaaaaaaaa", code=3).stderr
    office("proposals", "approve", proposal[:12], "--yes")


def test_the_event_names_both_people_and_can_be_undone(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    person_of = {"LOGNAME": "ada"}
    office("users", "delete", "ada", *WHY, env=person_of)
    before = without_locks(stored(database))
    [proposal] = database["chatctl_proposals"].distinct("_id", {"kind": "proposal"})
    as_user("bob")
    line = ("proposals", "approve", proposal, "--reason", "seen", "--yes", "-o", "json")
    event = json.loads(office(*line, env={"LOGNAME": "bob"}).stdout)["event"]
    shown = json.loads(office("audit", "show", event, "-o", "json").stdout)
    assert shown["actor"].startswith("bob@")
    assert shown["proposedBy"].startswith("ada@")
    assert shown["proposal"] == str(proposal)
    assert shown["reason"] == "a customer asked (approved: seen)"
    assert shown["command"] == f"proposals approve {proposal} (users delete ada)"
    listed = json.loads(office("audit", "list", "--target", typed.ADA, "-o", "json").stdout)
    assert {one["command"] for one in listed} >= {shown["command"], "users delete ada --propose"}
    office("audit", "undo", event, "--yes")
    assert without_locks(stored(database)) == before
    assert "was approved by bob@" in office("proposals", "approve", proposal, "--yes", code=4).stderr


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_a_proposal_contains_no_secret_and_no_old_message(
    office: Chatctl, database: Documents, workspace: Path, as_user: Callable[[str], None]
) -> None:
    secret, token, unknown, _ = SECRETS
    database["User"].update_one({"username": "ada"}, {"$set": {"hashedPassword": secret, "note": unknown}})
    database["Account"].update_many({}, {"$set": {"access_token": token}})
    office("users", "delete", "ada", "--save-plan", "plan.txt")
    assert stat.S_IMODE((workspace / "plan.txt").stat().st_mode) == 0o600
    deletion = propose(office, "users", "delete", "ada")
    redaction = propose(office, "messages", "redact", typed.MESSAGE)
    kept = b"".join(one["data"] for one in database["chatctl_proposals"].find({"data": {"$exists": True}}))
    kept += str(list(database["chatctl_proposals"].find({}, {"data": 0}))).encode()
    kept += (workspace / "plan.txt").read_bytes() + str(list(database["chatctl_audit"].find())).encode()
    assert [one for one in SECRETS if one.encode() in kept] == []
    as_user("bob")
    event = json.loads(office("proposals", "approve", redaction, "--yes", "-o", "json").stdout)["event"]
    office("audit", "undo", event, "--yes")
    office("proposals", "approve", deletion, "--yes")
    assert not database["User"].find_one({"username": "ada"})


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_erasing_a_person_deletes_the_proposals_about_them(office: Chatctl, database: Documents) -> None:
    propose(office, "users", "update", "cyd", "--name", "Cyd Charisse")
    other = propose(office, "users", "suspend", "ada")
    office("users", "erase", "cyd", "--yes")
    assert [str(one["_id"]) for one in database["chatctl_proposals"].find()] == [other]
    said = office("audit", "list", "-o", "json").stdout
    assert "cyd" not in said


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("command", sorted(typed.WRITES.keys() - ABOUT_PROPOSALS))
def test_with_two_people_nobody_writes_directly(office: Chatctl, database: Documents, command: str) -> None:
    office("db", "protect", "prod", "--two-people", "--yes")
    if command == "db generate":
        for name in ("User", "Role", "Conversation"):
            database[name].delete_many({})
    before = without_locks(stored(database))
    words = ("prod",) if command == "db protect" else typed.WRITES[command]
    said = office(*command.split(), *words, "--expect", "prod", code=7).stderr
    assert "a change requires two people" in said
    assert "--propose --reason TEXT" in said
    assert without_locks(stored(database)) == before
    office(*command.split(), *words, "--dry-run")


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_turning_the_protection_off_requires_two_people(office: Chatctl, as_user: Callable[[str], None]) -> None:
    office("db", "protect", "prod", "--two-people", "--yes")
    with pytest.raises(RefusedError, match="two people"):
        apply(Changeset("roles create x", [], [[Insert("Role", {"_id": ObjectId(), "name": "x"})]]))
    connection.close()
    proposal = propose(office, "db", "unprotect")
    assert office("proposals", "approve", proposal, "--expect", "prod", code=7)
    as_user("bob")
    office("proposals", "approve", proposal, "--yes", code=7)
    office("proposals", "approve", proposal, "--expect", "prod")
    office("roles", "create", "intern")


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_the_embedded_database_has_only_one_person(office: Chatctl, monkeypatch: pytest.MonkeyPatch) -> None:
    target = connection.target
    monkeypatch.setattr(connection, "target", lambda: replace(target(), local=True))
    assert "only one user" in office("db", "protect", "prod", "--two-people", "--yes", code=7).stderr


def test_a_long_proposal_is_kept_in_parts_and_approved_in_one_transaction(
    office: Chatctl, database: Documents, as_user: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.cascading_deletion.MESSAGES_PER_BATCH", 5)
    monkeypatch.setattr("changes.draft.BATCH", 10)
    monkeypatch.setattr("changes.events.PART_BYTES", 1000)
    [place] = database["Conversation"].distinct("_id")
    messages(database, place, typed.ADA, *map(str, range(20)), seen=(person(database, "dan"),))
    line = ("messages", "purge", "--before", "2027-01-01")
    proposal = propose(office, *line)
    assert database["chatctl_proposals"].count_documents({"kind": "part"}) > 5
    assert office("proposals", "show", proposal).stdout.count("- Message ") == 21
    as_user("bob")
    monkeypatch.setattr("changes.events.PART_BYTES", 1000_000)
    office("proposals", "approve", proposal, "--yes")
    assert database["Message"].count_documents({}) == 0
    office("db", "check", "--rule", "stale-last-message")
    assert plans.MOST <= UNWRITTEN  # so `lastMessageAt` is right for the largest proposal
    event = database["chatctl_audit"].find_one({"approves": {"$exists": True}}) or {}
    assert event["whole"]
    assert len(database["chatctl_audit"].distinct("batch", {"event": event["_id"], "kind": "part"})) > 3
    office("audit", "undo", event["_id"], "--yes")
    assert database["Message"].count_documents({}) == 21


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_the_largest_proposal_can_be_approved(
    office: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch, as_user: Callable[[str], None]
) -> None:
    """A document with several changes counts once, both for the limit of a proposal and of an approval."""
    monkeypatch.setattr(plans, "MOST", 5)
    proposal = propose(office, "users", "delete", "ada")
    as_user("bob")
    office("proposals", "approve", proposal, "--yes")
    assert not database["User"].find_one({"username": "ada"})


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_a_very_large_change_is_not_proposed(office: Chatctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST", 1)
    said = office("users", "delete", "ada", *WHY, code=5).stderr
    assert "users delete would change" in said
    assert "divide the change" in said


def test_the_question_of_an_approval_does_not_list_links_of_deleted_messages(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    cyd = (database["User"].find_one({"username": "cyd"}) or {})["_id"]
    database["Message"].update_one({"_id": typed.MESSAGE}, {"$set": {"seenIds": [cyd]}})
    database["User"].update_one({"_id": cyd}, {"$addToSet": {"seenMessageIds": typed.MESSAGE}})
    proposal = propose(office, "users", "delete", "ada")
    as_user("bob")
    connection.choose()
    lines = effects(approve(proposal))
    assert "delete 1 user" in lines
    assert not [line for line in lines if "seen" in line]
