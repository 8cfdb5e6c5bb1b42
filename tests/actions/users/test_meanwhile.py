"""A command notices changes that other programs make after its plan and before its write."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from people import Documents, links

from actions import users
from actions.errors import LastMemberError
from actions.rules.lockout import PROTECTED
from actions.users.importing import Policy
from changes import Changeset, apply, writing
from changes.change import FieldChange
from database.errors import ConflictError
from database.own_collections import STATE
from imports import importing

pytestmark = pytest.mark.usefixtures("chatctl")


@pytest.mark.parametrize(("first", "then"), [("grant", "revoke"), ("revoke", "grant")])
@pytest.mark.parametrize("half", ["User", "Role"])
def test_a_change_of_the_side_of_a_link_that_is_not_written_causes_a_new_plan(
    database: Documents, first: str, then: str, half: str
) -> None:
    role, ada = ObjectId(), ObjectId()
    database["Role"].insert_one({"_id": role, "name": "support", "userIds": [ada] if half == "Role" else []})
    held = [role] if half == "User" else []
    database["User"].insert_one({"_id": ada, "username": "ada", "email": "a", "status": "ACTIVE", "rolesIds": held})
    planned = getattr(users, first)(["ada"], ["support"])
    apply(getattr(users, then)(["ada"], ["support"]))
    with pytest.raises(ConflictError, match="was changed while this command ran"):
        apply(replace(planned, replan=None))
    apply(planned)
    assert links(database)["rolesIds"] == ({(ada, role)} if first == "grant" else set())


def test_a_user_who_got_a_protected_role_after_the_plan_is_not_suspended_as_its_last_member(
    database: Documents,
) -> None:
    role, members = ObjectId(), {name: ObjectId() for name in ("ada", "grace")}
    database[STATE].insert_one({"_id": PROTECTED, "ids": [role]})
    database["Role"].insert_one({"_id": role, "name": "admin", "userIds": [members["ada"]], "permissionsIds": []})
    for name, member in members.items():
        user = {"_id": member, "username": name, "email": name, "status": "ACTIVE", "rolesIds": []}
        database["User"].insert_one(user | ({"rolesIds": [role]} if name == "ada" else {}))

    planned = users.suspend(["grace"])
    apply(users.grant(["grace"], ["admin"]))
    apply(users.revoke(["ada"], ["admin"]))
    with pytest.raises(LastMemberError):
        apply(planned)
    assert database["User"].find_one({"rolesIds": role, "status": "ACTIVE"})


def test_an_email_changed_after_the_plan_is_not_verified(database: Documents) -> None:
    user = {"username": "ada", "email": "ada@example.org", "status": "ACTIVE"}
    database["User"].insert_one(user)
    planned = users.verify_email(["ada"])
    apply(users.update("ada", email="new@example.org"))
    with pytest.raises(ConflictError, match="user ada was changed while this command ran"):
        apply(planned)
    other = users.update("ada", email="newer@example.org")
    apply(users.verify_email(["ada"]))
    with pytest.raises(ConflictError, match="user ada was changed while this command ran"):
        apply(other)


GUEST, INTERN, ADA = ObjectId(), ObjectId(), ObjectId()


def write_as_the_application(database: Documents, *, linked: bool) -> None:
    """Link ada and the role guest on both sides, or remove this link on both sides."""
    operator = "$addToSet" if linked else "$pull"
    database["User"].update_one({"_id": ADA}, {operator: {"rolesIds": GUEST}})
    database["Role"].update_one({"_id": GUEST}, {operator: {"userIds": ADA}})


def plan_import(database: Documents, file: Path, *, linked: bool) -> Changeset:
    """Plan an import that grants the role guest to ada, or revokes this role from ada."""
    database["Role"].insert_one({"_id": GUEST, "name": "guest", "userIds": [], "permissionsIds": []})
    database["Role"].insert_one({"_id": INTERN, "name": "intern", "userIds": [ADA], "permissionsIds": []})
    ada = {"username": "ada", "email": "ada@example.org", "status": "ACTIVE", "rolesIds": [INTERN]}
    database["User"].insert_one({"_id": ADA, **ada})
    write_as_the_application(database, linked=not linked)
    file.write_text(f"email,username,roles\nada@example.org,ada,intern{';guest' if linked else ''}\n")
    found = importing.read(str(file), BytesIO())
    found.compare(Policy.UPDATE)
    return found.changeset(Policy.UPDATE)


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("at", ["before the write", "between the two reads of a retry"])
def test_an_import_writes_both_sides_of_a_link_that_another_program_changes_and_changes_back(
    database: Documents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, linked: bool, at: str
) -> None:
    write, decide, left = writing.write, writing._still_needed, ["once"]

    def change_back() -> None:
        if left and left.pop():
            write_as_the_application(database, linked=not linked)

    def write_later(*arguments: Any) -> None:
        change_back()
        write(*arguments)

    def decide_and_change_back(*arguments: Any) -> FieldChange | None:
        needed = decide(*arguments)
        change_back()
        return needed

    planned = plan_import(database, tmp_path / "people.csv", linked=linked)
    write_as_the_application(database, linked=linked)
    if at == "before the write":
        monkeypatch.setattr(writing, "write", write_later)
    else:
        monkeypatch.setattr(writing, "_still_needed", decide_and_change_back)
    apply(planned)
    assert not left
    assert links(database)["rolesIds"] == {(ADA, INTERN)} | ({(ADA, GUEST)} if linked else set())
