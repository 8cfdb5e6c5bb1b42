"""Users whose status is missing, null or invalid."""

import json
from typing import Any

import pytest
from people import BEGAN, Documents, person, stored, user

from tests.conftest import Chatctl

ODD: dict[str, dict[str, Any]] = {
    "absent": {},
    "null": {"status": None},
    "lower": {"status": "active"},
    "unknown": {"status": "BANNED"},
    "empty": {"status": ""},
    "number": {"status": 7},
    "list": {"status": ["ACTIVE"]},
}


@pytest.fixture
def people(either: Chatctl, database: Documents) -> Chatctl:
    """Insert three users with a valid status, and one user for each kind of invalid status."""
    for status in ("ACTIVE", "SUSPENDED", "EMAIL_VERIFIED"):
        person(database, status.lower(), status=status)
    for name, fields in ODD.items():
        database["User"].delete_one({"_id": person(database, name)})
        known = {"email": f"{name}@example.org", "username": name, "createdAt": BEGAN, "updatedAt": BEGAN}
        database["User"].insert_one({**known, **fields})
    return either


def test_status_none_lists_users_without_a_valid_status(people: Chatctl) -> None:
    listed = people("users", "list", "--status", "None", "--columns", "username", "-o", "csv").stdout.split()
    assert listed[1:] == [*ODD]
    assert people("users", "list", "--status", "none", "--count").stdout == f"{len(ODD)}\n"
    assert people("users", "list", "--status", "none", "--search", "null", "-o", "ids").stdout.count("\n") == 1


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize(("verified", "status"), [({}, "ACTIVE"), ({"emailVerified": BEGAN}, "EMAIL_VERIFIED")])
def test_reinstating_gives_users_a_valid_status(
    people: Chatctl, database: Documents, name: str, verified: dict[str, Any], status: str
) -> None:
    database["User"].update_one({"username": name}, {"$set": {"name": name, **verified}})
    was = stored(database)
    done = people("users", "reinstate", name)
    assert done.stdout == f"{name}: reinstated\n"
    assert user(database, name)["status"] == status
    assert people("users", "reinstate", name).stdout == f"{name}: unchanged (not suspended)\n"
    people("audit", "undo", done.stderr.split()[-1], "--yes")
    assert stored(database) == was


def test_a_valid_status_is_kept(people: Chatctl, database: Documents) -> None:
    done = people("users", "reinstate", "active", "email_verified")
    assert done.stdout == "active: unchanged (not suspended)\nemail_verified: unchanged (not suspended)\n"
    assert user(database, "email_verified")["status"] == "EMAIL_VERIFIED"


def test_a_user_without_a_status_has_the_access_of_an_active_one(people: Chatctl, database: Documents) -> None:
    people("permissions", "create", "user.read")
    people("roles", "create", "viewer", "--permission", "user.read")
    people("users", "grant", "absent", "active", "--role", "viewer")
    assert people("users", "can", "absent", "user.read").stdout == people(
        "users", "can", "active", "user.read"
    ).stdout.replace("active", "absent")
    shown = json.loads(people("users", "show", "absent", "-o", "json").stdout)
    assert (shown["status"], shown["permissions"]) == (None, ["user.read"])
    assert "STATUS" in people("users", "show", "absent").stdout


def test_an_absent_status_is_a_warning_with_a_repair_and_others_are_errors(
    people: Chatctl, database: Documents
) -> None:
    def found() -> list[tuple[str, str, int]]:
        rules = ("--rule", "missing-field", "--rule", "unknown-status", "--rule", "wrong-type")
        rows = json.loads(people("db", "check", *rules, "-o", "json", code=None).stdout)
        assert all("users reinstate" in example["fix"] for row in rows for example in row["examples"])
        return [(row["rule"], row["severity"], row["count"]) for row in rows]

    broken = [("missing-field", "E", 1), ("unknown-status", "E", 3), ("wrong-type", "E", 2)]
    assert found() == [*broken, ("missing-field", "W", 1)]
    people("db", "repair", "--rule", "missing-field", "--yes")
    assert user(database, "absent")["status"] == "ACTIVE"
    assert user(database, "absent")["updatedAt"] > BEGAN
    assert found() == broken
    people("users", "reinstate", *ODD)
    assert found() == []


def test_removing_a_password_requires_no_confirmation(people: Chatctl, database: Documents) -> None:
    database["User"].update_one({"username": "active"}, {"$set": {"hashedPassword": "$2b$12$" + "a" * 53}})
    people("users", "set-password", "active", "--no-password", "--allow-lockout")
    assert "hashedPassword" not in user(database, "active")


@pytest.mark.parametrize(
    "command", [("suspend",), ("verify-email",), ("update", "--name", "Ada"), ("update", "--email", "b@example.org")]
)
def test_an_undo_moves_updated_at_forward(people: Chatctl, database: Documents, command: tuple[str, ...]) -> None:
    verb, *options = command
    was = stored(database)
    times = [BEGAN]
    event = people("users", verb, "active", *options, "--yes").stderr.split()[-1]
    for _ in range(2):
        times.append(user(database, "active")["updatedAt"])
        event = people("audit", "undo", event, "--yes").stderr.split()[-1]
        if len(times) == 2:
            assert stored(database) == was
    times.append(user(database, "active")["updatedAt"])
    assert times == sorted(set(times))


def test_an_undo_that_changes_nothing_else_keeps_updated_at(people: Chatctl, database: Documents) -> None:
    event = people("users", "suspend", "active", "--yes").stderr.split()[-1]
    database["User"].update_one({"username": "active"}, {"$set": {"status": "ACTIVE", "updatedAt": BEGAN}})
    people("audit", "undo", event, "--yes")
    assert user(database, "active")["updatedAt"] == BEGAN


def test_a_restored_user_has_the_updated_at_from_before(people: Chatctl, database: Documents) -> None:
    event = people("users", "delete", "active", "--yes").stderr.split()[-1]
    people("audit", "undo", event, "--yes")
    assert user(database, "active")["updatedAt"] == BEGAN
