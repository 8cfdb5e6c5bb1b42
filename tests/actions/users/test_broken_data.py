"""Broken users, which the application cannot load, are listed and shown."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database
from staff import IDS, PERMISSIONS, ROLES, day, person, settle

from actions.users import Filters, access, find, listing, show
from database import connection
from tests.conftest import Chatctl

Documents = Database[dict[str, Any]]

WRONG: list[dict[str, Any]] = [
    {"rolesIds": None},
    {"rolesIds": 5},
    {"rolesIds": [None, "abc", {"a": 1}, [ObjectId()]]},
    {"rolesIds": [ROLES["viewer"], ROLES["viewer"], ObjectId(), str(ROLES["support"])]},
    {"conversationIds": None, "seenMessageIds": "x"},
    {"username": None, "email": None, "name": None},
    {"username": 5, "email": ["a"], "name": {"a": 1}},
    {"status": "WEIRD", "createdAt": "2026-03-01T10:00:00Z", "lastLogin": "yesterday", "emailVerified": True},
    {"status": None, "createdAt": None, "updatedAt": 0, "hashedPassword": 7},
]


@pytest.fixture(autouse=True)
def here(either: Chatctl, database: Documents) -> Iterator[None]:
    settle(database)
    connection.choose()
    yield
    connection.choose()


@pytest.mark.parametrize("wrong", WRONG, ids=" ".join)
def test_a_broken_user_is_listed_and_shown(either: Chatctl, database: Documents, wrong: dict[str, Any]) -> None:
    id_ = database["User"].insert_one(person("eve") | wrong).inserted_id
    assert [row["id"] for row in find().rows(columns=listing.RESOLVED)] == [*IDS.values(), id_]
    assert either("users", "show", id_).stdout.startswith(f"ID               {id_}\n")
    assert json.loads(either("users", "show", id_, "-o", "json").stdout)["id"] == str(id_)
    for form in ("table", "yaml", "csv"):
        assert str(id_) in either("users", "list", "-o", form).stdout
    either("users", "can", id_, "message.delete", code=1)


def test_a_user_with_only_an_id_is_shown(either: Chatctl, database: Documents) -> None:
    id_ = database["User"].insert_one({}).inserted_id
    assert (
        either("users", "show", id_).stdout
        == f"""\
ID               {id_}
STATUS           none
ROLES            -
LAST SIGN-IN     never
E-MAIL VERIFIED  no
HAS PASSWORD     no
CONVERSATIONS    0
MESSAGES         0
"""
    )


def test_a_deleted_role_gives_no_permissions_and_a_duplicate_role_counts_once(database: Documents) -> None:
    held = [ROLES["viewer"], ObjectId(), ROLES["viewer"]]
    database["User"].insert_one(person("eve", rolesIds=held))
    row = show("eve")
    assert (row["roles"], row["permissions"], row["rolesIds"]) == (["viewer"], ["user.read"], held)


def test_roles_without_a_name_are_shown_by_their_id(database: Documents) -> None:
    nameless = ObjectId()
    database["Role"].insert_one({"_id": nameless, "permissionsIds": [PERMISSIONS["user.read"], ObjectId(), "x"]})
    database["User"].insert_one(person("eve", rolesIds=[nameless]))
    assert show("eve")["access"] == [{"permission": "user.read", "roles": [str(nameless)]}]
    assert access.can("eve", "user.read")["through"] == [str(nameless)]


def test_the_first_of_two_profiles_is_shown_and_a_list_is_not_a_reference(database: Documents) -> None:
    database["Profile"].insert_many([{"userId": IDS["dan"], "address": name} for name in ("first", "second")])
    database["Profile"].insert_one({"userId": [IDS["cyd"]], "address": "a list"})
    database["Account"].insert_one({"userId": [IDS["dan"]], "provider": "github"})
    found = {row["username"]: row for row in find().rows(columns=listing.RESOLVED)}
    assert found["dan"]["profile"]["address"] == "first"
    assert (found["cyd"]["profile"], found["dan"]["accounts"]) == (None, [])


def test_an_empty_list_of_roles_counts_like_null_and_absent(database: Documents) -> None:
    eve, fay = person("eve"), person("fay", rolesIds=[ObjectId()])
    del eve["rolesIds"]
    database["User"].insert_many([eve, fay])
    assert [row["username"] for row in find(Filters(no_roles=True)).rows()] == ["cyd", "dan", "eve"]


@pytest.mark.parametrize("sort", ["lastLogin", "-lastLogin"])
def test_pages_skip_no_user_if_a_time_has_another_type(database: Documents, sort: str) -> None:
    wrong = [person(f"wrong{number}", lastLogin=value) for number, value in enumerate(("x", 5, "y", True, day(7)))]
    database["User"].insert_many(wrong)
    whole = [row["id"] for row in find().rows(sort)]
    assert len(set(whole)) == len(whole) == 9
    for size in (1, 2, 4):
        paged: list[ObjectId] = []
        while page := [row["id"] for row in find().rows(sort, str(paged[-1]) if paged else None, size)]:
            paged += page
        assert paged == whole
