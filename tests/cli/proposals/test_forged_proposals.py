"""Proposals that somebody has written or changed without chatctl."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typed
from bson import ObjectId, Regex
from people import Documents, person
from proposing import WHY, propose, stored, without_locks

from actions import holds, proposals
from changes import ABSENT, Add, Change, Delete, Insert, Set, Take, Update
from changes.change import ListContaining, Overwrite, Raise
from changes.draft import UnchangedList
from changes.plans import Plan
from database.decoding import Object
from database.errors import InvalidInputError
from tests.conftest import Chatctl

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
    [Update("User", (typed.ADA,), {"name": Set(ABSENT, 7)})],
    [Update("User", (typed.ADA,), {"lastLogin": Set(ABSENT, "today")})],
    [Update("User", (Regex("("),), {"name": Set(ABSENT, "X")})],
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
@pytest.mark.parametrize(
    "unchanged",
    [
        UnchangedList("User", typed.ADA, "$where", holds=True),
        UnchangedList("User", typed.ADA, "email", holds=True),
        UnchangedList("User", Object({"$gt": 1}), "rolesIds", holds=True),
        UnchangedList("User", typed.ADA, "rolesIds", holds=7),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_a_forged_list_on_which_a_plan_relies_is_refused(
    office: Chatctl, database: Documents, unchanged: UnchangedList
) -> None:
    suspend = Update("User", (typed.ADA,), {"status": Set("ACTIVE", "SUSPENDED")})
    plan = Plan("users suspend ada", [[suspend]], relies_on={unchanged: [typed.ADA]})
    typed.propose(database, typed.PROPOSAL, "mallory", plan)
    said = office("proposals", "approve", typed.PROPOSAL, "--yes", code=5)
    assert "this is not a proposal or plan" in said.stderr


SUPPORT = ObjectId("640000000000000000000001")
ROLE = {"_id": SUPPORT, "name": "second", "permissionsIds": []}
ADDED, TAKEN = Add((SUPPORT,)), Take((SUPPORT,))
INVALID: list[tuple[list[Change], str]] = [
    ([Update("User", (typed.ADA,), {"status": Set("ACTIVE", "DISABLED")})], "user ada (status: unknown-status)"),
    ([Update("User", (typed.ADA,), {"email": Set("ada@example.org", None)})], "user ada (email: missing-field)"),
    ([Update("User", (typed.ADA,), {"email": Set("ada@example.org", ABSENT)})], "user ada (email: missing-field)"),
    ([Update("User", (typed.ADA,), {"seenMessageIds": Set([], None)})], "user ada (seenMessageIds: null-list)"),
    ([Update("User", (typed.ADA,), {"seenMessageIds": Set([], ["6" * 24])})], "user ada (seenMessageIds: string-id)"),
    ([Insert("User", {"_id": SUPPORT, "username": "x"})], f"user {SUPPORT} (email: missing-field)"),
    ([Update("User", (typed.ADA,), {"rolesIds": ADDED})], "user ada (rolesIds: one-sided-link)"),
    ([Insert("Role", {**ROLE, "userIds": [typed.ADA]})], f"role {SUPPORT} (userIds: one-sided-link)"),
    (
        [Insert("Role", {**ROLE, "userIds": [typed.ADA]}), Update("User", (typed.ADA,), {"seenMessageIds": ADDED})],
        f"role {SUPPORT} (userIds: one-sided-link)",
    ),
    ([Delete("Permission", {"_id": SUPPORT, "name": "last", "rolesIds": []})], ""),
]
"""Changes that no command makes, and a part of the error. The last changes are valid, so their error is empty."""


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("case", INVALID, ids=lambda case: case[1])
def test_a_proposal_that_would_make_data_invalid_is_refused(
    office: Chatctl, database: Documents, case: tuple[list[Change], str]
) -> None:
    changes, fault = case
    database["Permission"].insert_one({"_id": SUPPORT, "name": "last", "rolesIds": []})
    typed.propose(database, typed.PROPOSAL, "mallory", Plan("users update ada", [changes]))
    before = without_locks(stored(database))
    for line in (("show", typed.PROPOSAL), ("approve", typed.PROPOSAL, "--yes")):
        said = office("proposals", *line, code=5 if fault else 0)
        assert fault in said.stderr
        assert "would make data invalid" in said.stderr or not fault
    assert (without_locks(stored(database)) == before) == bool(fault)


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_removing_only_one_side_of_a_link_is_refused(office: Chatctl, database: Documents) -> None:
    [support] = database["Role"].distinct("_id", {"name": "support"})
    role = database["Role"].find_one({"_id": support}) or {}
    for changes in (
        [Update("User", (typed.ADA,), {"rolesIds": Take((support,))})],
        [Update("Role", (support,), {"userIds": Take((typed.ADA,))})],
        [Delete("Role", role)],
    ):
        typed.propose(database, typed.PROPOSAL, "mallory", Plan("users revoke ada", [[*changes]]))
        assert "one-sided-link" in office("proposals", "approve", typed.PROPOSAL, "--yes", code=5).stderr
        database["chatctl_proposals"].delete_many({})


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_only_the_undo_of_an_event_is_approved_as_an_undo(office: Chatctl, database: Documents) -> None:
    """Some rules do not apply to an undo. So a proposal of an undo may make only the changes of this undo."""
    [support] = database["Role"].distinct("_id", {"name": "support"})
    for event in (typed.EVENT, ObjectId()):
        for change in (
            Update("User", (typed.ADA,), {"rolesIds": Take((support,))}),
            Update("User", (typed.ADA,), {"name": Set(ABSENT, "Mallory")}),
        ):
            plan = Plan(f"audit undo {event}", [[change]], undoes=event)
            typed.propose(database, typed.PROPOSAL, "mallory", plan)
            assert "would make other changes now" in office("proposals", "show", typed.PROPOSAL).stdout
            assert "other changes now" in office("proposals", "approve", typed.PROPOSAL, "--yes", code=4).stderr
            database["chatctl_proposals"].delete_many({})


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_a_plan_in_a_file_that_would_make_data_invalid_is_refused(office: Chatctl, workspace: Path) -> None:
    office("users", "suspend", "cyd", "--save-plan", "saved.json")
    text = (workspace / "saved.json").read_text()
    (workspace / "edited.json").write_text(text.replace("SUSPENDED", "DISABLED"))
    assert "unknown-status" in office("apply", "edited.json", "--yes", code=5).stderr


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize(
    ("at", "expires", "state"),
    [
        (timedelta(days=-1), timedelta(days=1), "open"),
        (timedelta(days=-13), timedelta(days=9000), "open"),
        (timedelta(days=-15), timedelta(days=9000), "expired"),
        (timedelta(days=9000), timedelta(days=9001), "expired"),
        (timedelta(days=-2), timedelta(days=-1), "expired"),
        (None, timedelta(days=1), "expired"),
    ],
)
def test_no_proposal_is_open_for_longer_than_14_days(
    office: Chatctl, database: Documents, at: timedelta | None, expires: timedelta, state: str
) -> None:
    """A person who writes a proposal without chatctl can choose any time for its creation and its end."""
    now = datetime.now(UTC)
    times = {"at": at and now + at, "expires": now + expires}
    suspend = Update("User", (typed.ADA,), {"status": Set("ACTIVE", "SUSPENDED")})
    typed.propose(database, typed.PROPOSAL, "mallory", Plan("users suspend ada", [[suspend]]))
    database["chatctl_proposals"].update_one({"_id": typed.PROPOSAL}, {"$set": times})
    for wanted in ("open", "expired"):
        listed = office("proposals", "list", "--state", wanted, "-o", "ids").stdout.split()
        assert listed == ([str(typed.PROPOSAL)] if wanted == state else [])
    shown = json.loads(office("proposals", "show", typed.PROPOSAL, "-o", "json").stdout)
    assert shown["state"] == state
    assert state != "open" or shown["expires"] <= f"{now + timedelta(days=14):%Y-%m-%dT%H:%M:%S.999Z}"
    office("proposals", "approve", typed.PROPOSAL, "--yes", code=0 if state == "open" else 4)


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
@pytest.mark.parametrize("data", [b"", b"{}", b"\x05\x00\x00\x00\x00", None, 7])
def test_a_broken_proposal_is_an_error_and_not_a_bug(office: Chatctl, database: Documents, data: Any) -> None:
    database["chatctl_proposals"].insert_one(
        {
            "_id": typed.PROPOSAL,
            "kind": "proposal",
            "parts": 1,
            "data": data,
            "at": datetime.now(UTC),
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
def test_documents_added_after_the_review_do_not_change_the_proposal(
    office: Chatctl, database: Documents, as_user: Callable[[str], None]
) -> None:
    """A database user who can only propose can add documents after the review, but cannot change existing documents."""
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
def test_a_proposal_with_a_broken_decision_can_no_longer_be_decided(
    office: Chatctl, database: Documents, fields: dict[str, Any]
) -> None:
    proposal = propose(office, "users", "suspend", "cyd")
    for name in (f"decision:{proposal}", "decision:another"):
        database["chatctl_proposals"].insert_one({"_id": name, "kind": "decision", **fields})
    for state in (*proposals.STATES, "all"):
        listed = office("proposals", "list", "--state", state, "-o", "ids").stdout.split()
        assert listed == ([proposal] if state == "all" else [])
    office("proposals", "show", proposal)
    office("proposals", "reject", proposal, "--yes", code=4)


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_an_environment_variable_cannot_change_who_proposes(office: Chatctl) -> None:
    office("users", "suspend", "cyd", *WHY, env={"LOGNAME": "kay"})
    [proposal] = json.loads(office("proposals", "list", "-o", "json").stdout)
    assert proposal["by"].startswith("ada@")


@pytest.mark.parametrize("server_or_mock", ["mongomock"])
def test_a_proposal_names_its_changes_of_settings_and_audit_records(office: Chatctl, database: Documents) -> None:
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
def test_a_proposal_is_shown_completely_whatever_its_author_has_written(office: Chatctl, database: Documents) -> None:
    [support] = database["Role"].distinct("_id", {"name": "support"})
    many = tuple(person(database, f"user{number}") for number in range(20))
    changes: list[Change] = [
        Update("User", (typed.ADA,), {"rolesIds": Take((support,))}),
        Update("User", many, {"rolesIds": Add((support,))}),
        Update("Role", (support,), {"userIds": Take((typed.ADA,))}),
        Update("Role", (support,), {"userIds": Add(many)}),
    ]
    plan = Plan("users show \x1b[2J", [changes], lifted=frozenset({"last-member"}), undoable=False)
    typed.propose(database, typed.PROPOSAL, "mallory", plan)
    said = office("proposals", "show", typed.PROPOSAL).stdout
    assert "~ User ada: rolesIds -support" in said
    assert all(f"user{number}" in said for number in range(20))
    assert "a protected role may lose its last active member" in said
    assert "This cannot be undone" in said
    assert "\x1b" not in said
    assert re.search(r"DOCUMENTS +22\n", said)  # the author of the proposal cannot change this number
    assert [one["documents"] for one in json.loads(office("proposals", "list", "-o", "json").stdout)] == [22]
    report = office("proposals", "show", typed.PROPOSAL, "-o", "markdown").stdout
    assert "! User ada: rolesIds -support" in report
    assert "- by: `mallory@office`" in report
    document = json.loads(office("proposals", "show", typed.PROPOSAL, "-o", "json").stdout)
    assert document["changes"][0]["fields"] == [{"field": "rolesIds", "taken": [str(support)]}]


@pytest.mark.parametrize("part", [{}, {"ids": []}, {"ids": 7, "collection": "User"}])
def test_a_forged_hold_is_refused(part: dict[str, Any]) -> None:
    hold = {"_id": ObjectId(), "kind": "hold", "name": "case", "users": [], "conversations": []}
    records = [hold, {"_id": ObjectId(), "kind": "part", "hold": hold["_id"], **part}]
    with pytest.raises(InvalidInputError):
        list(holds.rules_of([Insert("chatctl_holds", record) for record in records]))
