"""Changes between the plan of a command and its write are noticed."""

from dataclasses import replace

import pytest
from bson import ObjectId
from people import Documents, links

from actions import users
from actions.errors import LastMemberError
from actions.rules.lockout import PROTECTED
from changes import apply
from database.errors import ConflictError
from database.own_collections import STATE

pytestmark = pytest.mark.usefixtures("chatctl")


@pytest.mark.parametrize(("first", "then"), [("grant", "revoke"), ("revoke", "grant")])
@pytest.mark.parametrize("half", ["User", "Role"])
def test_a_changed_unwritten_side_of_a_link_causes_a_new_plan(
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


def test_a_user_who_got_a_protected_role_meanwhile_is_not_suspended_as_its_last_member(database: Documents) -> None:
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


def test_a_changed_email_is_not_verified_instead_of_the_old_one(database: Documents) -> None:
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
