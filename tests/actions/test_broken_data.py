"""Broken roles and permissions, which the application cannot load, can be shown, changed and undone."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import bson
import pytest
from bson import Binary, ObjectId, Regex
from pymongo.database import Database

from actions import audit, permissions, roles
from actions.errors import LastMemberError
from actions.rules import lockout
from changes import Changeset, Draft, apply
from database import connection
from database.own_collections import STATE

Documents = Database[dict[str, Any]]
WRONG = [5, "abc", {"a": 1}, [{"a": 1}], [["a"]], [None, 5]]


@pytest.fixture(autouse=True)
def here(url: str) -> Iterator[None]:
    connection.choose(url)
    yield
    connection.choose()


def stored(database: Documents) -> list[bytes]:
    names = ("User", "Role", "Permission")
    return [bson.encode(document) for name in names for document in database[name].find().sort("_id")]


def assert_done_and_undone(database: Documents, planned: Changeset) -> None:
    was = stored(database)
    assert list(planned.lines())
    event = apply(planned).event
    assert stored(database) != was
    assert audit.lines(audit.show(str(event)))
    apply(audit.undo(str(event)))
    assert stored(database) == was


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_an_invalid_list_of_ids_counts_as_empty_and_its_change_can_be_undone(database: Documents, wrong: Any) -> None:
    role = {"_id": ObjectId(), "name": "support", "userIds": wrong, "permissionsIds": wrong}
    database["Role"].insert_one(dict(role))
    database["Permission"].insert_one({"_id": ObjectId(), "name": "user.read", "rolesIds": wrong})

    assert roles.show("support")["permissions"] == permissions.show("user.read")["roles"] == []
    assert roles.matrix()[1][0]["roles"] == roles.diff("support", "support") == []
    assert_done_and_undone(database, roles.grant("support", ["user.read"]))
    assert_done_and_undone(database, roles.delete(["support"]))
    assert_done_and_undone(database, permissions.delete(["user.read"]))


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_protected_role_stays_protected_if_lists_are_broken(database: Documents, wrong: Any) -> None:
    role = ObjectId()
    people = [
        {"_id": ObjectId(), "username": name, "email": name, "rolesIds": held}
        for name, held in (("ada", [role]), ("bob", wrong))
    ]
    database["User"].insert_many([dict(one) for one in people])
    database["Role"].insert_one({"_id": role, "name": "admin", "userIds": wrong})
    database[STATE].insert_one({"_id": lockout.PROTECTED, "ids": [role]})
    draft = Draft()
    for one in people:
        draft.delete("User", one)
    with pytest.raises(LastMemberError):
        lockout.member_rules(draft.changes)


def test_a_role_without_a_name_or_with_an_id_of_another_type_is_found_by_id(database: Documents) -> None:
    nameless, other = ObjectId(), {"_id": "abc", "name": "support", "userIds": [], "permissionsIds": []}
    database["Role"].insert_many([{"_id": nameless}, other])
    database["Permission"].insert_many([{"_id": ObjectId(), "name": "user.read", "rolesIds": []}])

    assert roles.matrix()[0] == [str(nameless), "support"]
    assert roles.diff(str(nameless), "support") == []
    for planned in (
        lambda: roles.rename(str(nameless), "viewer"),
        lambda: roles.copy(str(nameless), "viewer"),
        lambda: roles.grant(str(nameless), ["user.read"]),
        lambda: roles.grant("support", ["user.read"]),
    ):
        assert_done_and_undone(database, planned())


def test_an_unknown_field_may_contain_any_bson_type(database: Documents) -> None:
    unknown = {
        "uuid": Binary.from_uuid(uuid4()),
        "regex": Regex("a"),
        "nan": float("nan"),
        "nested": {"$a": {"b.c": 1}},
    }
    database["Role"].insert_one({"_id": ObjectId(), "name": "support", **unknown})
    was = database["Role"].find_one()
    event = apply(roles.delete(["support"])).event
    apply(audit.undo(str(event)))
    assert str(database["Role"].find_one()) == str(was)


def test_an_undo_shows_the_names_of_the_documents_that_it_restores(database: Documents) -> None:
    database["Role"].insert_one({"_id": ObjectId(), "name": "support", "userIds": [], "permissionsIds": []})
    database["Permission"].insert_one({"_id": ObjectId(), "name": "user.read", "rolesIds": []})
    granted = apply(roles.grant("support", ["user.read"])).event
    undone = apply(audit.undo(str(granted))).event
    assert audit.lines(audit.show(str(undone))) == [
        "~ Permission user.read: rolesIds -support",
        "~ Role support: permissionsIds -user.read",
    ]
