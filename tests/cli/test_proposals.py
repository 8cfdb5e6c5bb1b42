"""Changes that one person proposes and another person approves."""

import json
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import typed
from bson import ObjectId
from people import BEGAN, Documents, messages, person

from actions import holds, proposals
from actions.cascading_deletion import UNWRITTEN
from changes import ABSENT, Add, Change, Changeset, Delete, Insert, Set, Take, Update, apply, events, plans
from changes.change import ListContaining, Overwrite, Raise
from changes.plans import Plan
from database import connection
from database.errors import ConflictError, InvalidInputError, RefusedError
from tests.conftest import Chatctl

OURS = {"chatctl_audit", "chatctl_images", "chatctl_proposals"}
WHY = ("--propose", "--reason", "a customer asked")
UNPROPOSABLE = {
    "users set-password": (2, "sets a password"),
    "users erase": (5, "would keep the data that it erases"),
    "db generate": (2, "sets a password"),
}
"""Commands that cannot be proposed → the exit code, and what is said."""
SECRETS = ("hash-of-ada-" + "x" * 40, "token-of-ada", "her pet", "who has the kettle?")
ABOUT_PROPOSALS = {"proposals approve", "proposals reject", "proposals withdraw"}


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Become another user of the system."""
    return lambda name: monkeypatch.setattr(events, "system_user", lambda: name)


def stored(database: Documents) -> dict[str, list[dict[str, Any]]]:
    """Return all documents but our own records; an undo need not keep the order of lists."""
    names = sorted({*database.list_collection_names()} - OURS)
    found = {name: sorted(database[name].find(), key=lambda one: str(one["_id"])) for name in names}
    for document in (document for documents in found.values() for document in documents):
        document.update({name: sorted(value) for name, value in document.items() if isinstance(value, list)})
    return found


def without_locks(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: documents
        for name, all_ in found.items()
        if (documents := [one for one in all_ if not str(one["_id"]).startswith("lock:")])
    }


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


@pytest.fixture
def office(chatctl: Chatctl, database: Documents, workspace: Path, as_user: Callable[[str], None]) -> Chatctl:
    """Be ada, in a database with people and without proposals."""
    typed.settle(database)
    typed.lay_out(workspace)
    database["chatctl_proposals"].delete_many({})
    as_user("ada")
    return chatctl


def propose(chatctl: Chatctl, *line: object) -> str:
    """Propose a command, and return the id of the proposal."""
    said = json.loads(chatctl(*line, *WHY, "-o", "json").stdout)
    [result] = said["results"]
    assert result["outcome"] == "proposed"
    return str(result["id"])


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("command", UNPROPOSABLE)
@pytest.mark.parametrize("how", [WHY, ("--save-plan", "kept.json")], ids=["proposed", "saved"])
def test_what_cannot_be_proposed_is_refused(
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
def test_what_has_moved_is_said_and_nothing_is_written(
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


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_an_approval_moves_no_time_back(office: Chatctl, database: Documents, as_user: Callable[[str], None]) -> None:
    proposal = propose(office, "users", "update", "cyd", "--name", "Cyd")
    later = datetime(2999, 1, 1, tzinfo=UTC)
    database["User"].update_one({"username": "cyd"}, {"$set": {"lastLogin": later, "updatedAt": later}})
    as_user("bob")
    office("proposals", "approve", proposal, "--yes")
    cyd = database["User"].find_one({"username": "cyd"}) or {}
    assert (cyd["name"], cyd["updatedAt"]) == ("Cyd", later)


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
    office("proposals", "approve", redaction, "--yes")
    office("proposals", "approve", deletion, "--yes")
    assert not database["User"].find_one({"username": "ada"})


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


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_the_undo_without_its_images_is_not_approved(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    event = json.loads(office("users", "delete", "ada", "--yes", "-o", "json").stdout)["event"]
    proposal = propose(office, "audit", "undo", event)
    database["chatctl_images"].delete_many({})
    as_user("bob")
    assert "are no longer stored" in office("proposals", "approve", proposal, "--yes", code=4).stderr


FORGED: list[list[Change]] = [
    [Update("User", (typed.ADA,), {"hashedPassword": Set(ABSENT, "$2b$12$mine")})],
    [Insert("Account", {"_id": ObjectId(), "userId": typed.ADA, "access_token": "mine"})],
    [Update("chatctl_audit", (typed.EVENT,), {"reason": Set(ABSENT, "another")})],
    [Delete("chatctl_audit", {"_id": typed.EVENT, "kind": "event"})],
    [Insert("chatctl_proposals", {"_id": "decision", "state": "approved"})],
    [Update("system.users", (1,), {"roles": Set(ABSENT, "root")})],
    [Update("User", (typed.ADA,), {"name": Overwrite(ABSENT, "Mallory")})],
    [Update("User", (typed.ADA,), {"name": Raise("Ada", ABSENT)})],
    [Update("User", (typed.ADA,), {"hashedPassword": Add(("$2b$12$mine",))})],
    [Update("User", (typed.ADA,), {"isAdmin": Add((True,))})],
    [Update("User", (typed.ADA,), {"rolesIds": Add(({"hidden": "text"},))})],
    [Update("User", (typed.ADA,), {"rolesIds": Take(("hidden",))})],
    [Update("User", (typed.ADA,), {"name": Set("Ada", "X")}, {"rolesIds": ListContaining(({"$gt": 1},))})],
    [Update("User", (typed.ADA,), {"_id": Set(typed.ADA, typed.EVENT)})],
    [Update("User", (), {"name": Set(ABSENT, "X")})],
    [Update("User", (typed.ADA,), {})],
    [Delete("chatctl_state", {"_id": f"lease:{typed.EVENT}", "batches": 1})],
    [Insert("User", {"_id": ["a list"], "name": "X"})],
    [Insert("User", {"_id": 1, 5: "(text)"})],  # type: ignore[dict-item]
]


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("changes", FORGED)
def test_a_forged_proposal_is_refused(office: Chatctl, database: Documents, changes: list[Change]) -> None:
    """A database user who can only propose can store any document as a proposal."""
    typed.propose(database, typed.PROPOSAL, "mallory", Plan("users show ada", [changes]))
    before = without_locks(stored(database))
    for verb in ("show", "approve"):
        said = office("proposals", verb, typed.PROPOSAL, *(["--yes"] if verb == "approve" else []), code=5)
        assert "this is not a proposal or plan" in said.stderr
    assert without_locks(stored(database)) == before


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("data", [b"", b"{}", b"\x05\x00\x00\x00\x00", None, 7])
def test_a_broken_proposal_is_an_error_and_not_a_bug(office: Chatctl, database: Documents, data: Any) -> None:
    database["chatctl_proposals"].insert_one(
        {
            "_id": typed.PROPOSAL,
            "kind": "proposal",
            "parts": 1,
            "data": data,
            "expires": datetime(2999, 1, 1, tzinfo=UTC),
        }
    )
    office("proposals", "list", "--state", "all", "-o", "wide")
    office("proposals", "show", typed.PROPOSAL, code=5)
    office("proposals", "approve", typed.PROPOSAL, "--yes", code=5)


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("parts", ["two", [2], 1.5, 10**12, None])
def test_a_proposal_with_missing_parts_is_an_error_and_not_a_bug(
    office: Chatctl, database: Documents, parts: Any
) -> None:
    proposal = propose(office, "users", "suspend", "cyd")
    database["chatctl_proposals"].update_one({"_id": ObjectId(proposal)}, {"$set": {"parts": parts}})
    office("proposals", "show", proposal, code=5)


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_what_was_reviewed_is_what_is_approved(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    """A database user who can only propose can also add documents after the review, but change none."""
    reviewed, other = (ObjectId(propose(office, "users", "suspend", who)) for who in ("cyd", "ada"))
    proposals = database["chatctl_proposals"]
    evil = (proposals.find_one({"_id": other}) or {})["data"]
    before = office("proposals", "show", reviewed).stdout
    for name in (f"part:{reviewed}:0", f"part:{reviewed}:1", f"part:{reviewed}:x", f"x:{reviewed}:0", str(reviewed)):
        proposals.insert_one({"_id": name, "kind": "part", "proposal": reviewed, "data": evil})
    assert office("proposals", "show", reviewed).stdout == before
    as_user("bob")
    office("proposals", "approve", reviewed, "--yes")
    assert {*database["User"].distinct("username", {"status": "SUSPENDED"})} == {"bob", "cyd"}


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("fields", [{}, {"proposal": {"a": 1}}, {"state": {"a": 1}}, {"proposal": 7, "actor": 7}])
def test_a_broken_decision_is_a_decision(office: Chatctl, database: Documents, fields: dict[str, Any]) -> None:
    proposal = propose(office, "users", "suspend", "cyd")
    for name in (f"decision:{proposal}", "decision:another"):
        database["chatctl_proposals"].insert_one({"_id": name, "kind": "decision", **fields})
    for state in (*proposals.STATES, "all"):
        listed = office("proposals", "list", "--state", state, "-o", "ids").stdout.split()
        assert listed == ([proposal] if state == "all" else [])
    office("proposals", "show", proposal)
    office("proposals", "reject", proposal, "--yes", code=4)


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_who_proposes_is_not_a_variable_of_the_environment(office: Chatctl) -> None:
    office("users", "suspend", "cyd", *WHY, env={"LOGNAME": "kay"})
    [proposal] = json.loads(office("proposals", "list", "-o", "json").stdout)
    assert proposal["by"].startswith("ada@")


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_an_approval_says_what_it_would_also_change(office: Chatctl, database: Documents) -> None:
    database["chatctl_state"].insert_one({"_id": "marker", "name": "prod", "twoPeople": True})
    changes: list[Change] = [
        Update("User", (typed.ADA,), {"name": Set(ABSENT, "Ada")}),
        Update("chatctl_state", ("marker",), {"twoPeople": Set(True, ABSENT)}),
        Delete("chatctl_audit", {"_id": typed.EVENT}),
    ]
    typed.propose(database, typed.PROPOSAL, "mallory", Plan("users update ada", [changes]))
    for line in (("show", typed.PROPOSAL), ("approve", typed.PROPOSAL, "--dry-run")):
        said = office("proposals", *line)
        assert "this would also change 1 setting" in said.stdout + said.stderr
        assert "this would also delete 1 audit record" in said.stdout + said.stderr


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_the_lines_of_a_proposal_hide_nothing_and_do_not_trust_its_author(office: Chatctl, database: Documents) -> None:
    [support] = database["Role"].distinct("_id", {"name": "support"})
    many = [person(database, f"user{number}") for number in range(20)]
    changes: list[Change] = [
        Update("User", (typed.ADA,), {"rolesIds": Take((support,))}),
        Update("User", tuple(many), {"rolesIds": Add((support,))}),
    ]
    plan = Plan("users show \x1b[2J", [changes], lifted=frozenset({"last-member"}), undoable=False)
    typed.propose(database, typed.PROPOSAL, "mallory", plan)
    said = office("proposals", "show", typed.PROPOSAL).stdout
    assert "~ User ada: rolesIds -support" in said
    assert all(f"user{number}" in said for number in range(20))
    assert "a protected role may lose its last active member" in said
    assert "This cannot be undone" in said
    assert "\x1b" not in said
    report = office("proposals", "show", typed.PROPOSAL, "-o", "markdown").stdout
    assert "! User ada: rolesIds -support" in report
    assert "- by: `mallory@office`" in report
    document = json.loads(office("proposals", "show", typed.PROPOSAL, "-o", "json").stdout)
    assert document["changes"][0]["fields"] == [{"field": "rolesIds", "taken": [str(support)]}]


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
def test_two_people_turn_the_protection_off(office: Chatctl, as_user: Callable[[str], None]) -> None:
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
    assert plans.MOST <= UNWRITTEN  # the time of the last message is right for as many messages
    event = database["chatctl_audit"].find_one({"approves": {"$exists": True}}) or {}
    assert event["whole"]
    assert len(database["chatctl_audit"].distinct("batch", {"event": event["_id"], "kind": "part"})) > 3
    office("audit", "undo", event["_id"], "--yes")
    assert database["Message"].count_documents({}) == 21


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_the_largest_proposal_can_be_approved(
    office: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch, as_user: Callable[[str], None]
) -> None:
    """A document with several changes counts once, both when they are proposed and when they are approved."""
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
    assert "divide it" in said


def test_of_several_approvals_at_once_exactly_one_wins(
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


def test_a_proposed_hold_keeps_only_what_is_still_there(
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


@pytest.mark.parametrize("part", [{}, {"ids": []}, {"ids": 7, "collection": "User"}])
def test_a_forged_hold_is_refused(part: dict[str, Any]) -> None:
    hold = {"_id": ObjectId(), "kind": "hold", "name": "case", "users": [], "conversations": []}
    records = [hold, {"_id": ObjectId(), "kind": "part", "hold": hold["_id"], **part}]
    with pytest.raises(InvalidInputError):
        list(holds.rules_of([Insert("chatctl_holds", record) for record in records]))
