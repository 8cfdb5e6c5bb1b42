"""A seed creates or finds its users and grants roles to these users. A seed never revokes a role."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import bcrypt
import pytest

from database.errors import ConflictError, InvalidInputError, RefusedError
from seeds.planning import plan
from seeds.seed import Seed

Grow = Callable[..., Any]
ROLES = """
    permissions: [user.read, user.suspend]
    roles:
      - {name: support, permissions: [user.read]}
      - {name: admin, protected: true, permissions: ["*"]}
    users:
"""
ADA = """
      - email: ${ADA_EMAIL}
        username: ada
        name: "Ada ${SURNAME} $${literally}"
        password: {env: ADA_PASSWORD}
        roles: [support]
"""
ENVIRONMENT = {
    "ADA_EMAIL": "Ada@Example.org",
    "SURNAME": "Lovelace",
    "ADA_PASSWORD": "tangerine lamp orbit",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def add_user(database: Any, **fields: Any) -> Any:
    user = {"email": "ada@example.org", "username": "ada", "status": "ACTIVE", "rolesIds": [], **fields}
    return database.User.insert_one(user).inserted_id


def role(database: Any, name: str) -> Any:
    return database.Role.find_one({"name": name})


def test_a_user_is_created_as_the_application_creates_it(here: Any, grow: Grow) -> None:
    grow(ROLES + ADA)
    ada = here.User.find_one()
    support = role(here, "support")
    hashed = ada.pop("hashedPassword")
    assert len(hashed) == 60
    assert hashed.startswith("$2b$")
    assert bcrypt.checkpw(b"tangerine lamp orbit", hashed.encode())
    created = ada.pop("createdAt")
    assert isinstance(created, datetime)
    assert ada == {
        "_id": ada["_id"],
        "email": "ada@example.org",
        "username": "ada",
        "name": "Ada Lovelace ${literally}",
        "rolesIds": [support["_id"]],
        "status": "ACTIVE",
        "updatedAt": created,
        "conversationIds": [],
        "seenMessageIds": [],
    }
    assert support["userIds"] == [ada["_id"]]
    assert here.chatctl_state.find_one({"_id": "seed:default"})["users"] == [ada["_id"]]
    assert grow(ROLES + ADA).event is None


def test_a_user_without_a_password_in_the_seed_gets_none(here: Any, grow: Grow) -> None:
    grow(ROLES + "      - {email: ben@example.org, username: ben}")
    assert "hashedPassword" not in here.User.find_one()
    assert "name" not in here.User.find_one()


def test_a_user_is_found_in_upper_or_lower_case_and_only_gains_roles(
    here: Any, grow: Grow, environment: pytest.MonkeyPatch
) -> None:
    grow(ROLES.removesuffix("    users:\n"))
    admin = role(here, "admin")["_id"]
    ada = add_user(here, email="ADA@example.ORG", name="Countess", rolesIds=[admin], updatedAt=1)
    environment.delenv("ADA_PASSWORD")
    grow(ROLES + ADA)
    support = role(here, "support")
    assert here.User.find_one() == {
        "_id": ada,
        "email": "ADA@example.ORG",
        "username": "ada",
        "name": "Countess",
        "status": "ACTIVE",
        "updatedAt": 1,
        "rolesIds": [admin, support["_id"]],
    }
    assert support["userIds"] == [ada]
    assert here.chatctl_state.find_one({"_id": "seed:default"})["users"] == []
    assert grow(ROLES + ADA).event is None


def test_the_plan_shows_users(here: Any, grow: Grow, seed: Callable[[str], Seed]) -> None:
    grow(ROLES.removesuffix("    users:\n"))
    add_user(here)
    made = plan(seed(ROLES + ADA + "      - {email: ben@example.org, username: ben, roles: [support]}"))
    assert list(made.lines()) == [
        "~ user ada@example.org",
        "    + role support",
        "    1 user gains user.read",
        "+ user ben@example.org",
        "    + role support",
        "    1 user gains user.read",
        "Plan: create 1 user; change 1 user.",
    ]
    assert made.document()["changes"][1]["after"] == {
        "email": "ben@example.org",
        "username": "ben",
        "roles": ["support"],
    }
    assert not made.changeset.asks


def test_a_user_with_another_username_is_a_conflict(here: Any, grow: Grow) -> None:
    add_user(here, username="countess")
    with pytest.raises(ConflictError, match=r'"ada@example\.org" exists with the username "countess", not "ada"'):
        grow(ROLES + ADA)
    assert here.Role.count_documents({}) == 0


def test_a_username_of_another_user_is_a_conflict(here: Any, grow: Grow) -> None:
    add_user(here, email="other@example.org")
    with pytest.raises(ConflictError, match=r'"ada" belongs to "other@example\.org"'):
        grow(ROLES + ADA)


def test_two_users_whose_e_mails_differ_only_in_case_are_a_conflict(here: Any, grow: Grow) -> None:
    add_user(here)
    add_user(here, email="ADA@example.org", username="ada2")
    with pytest.raises(ConflictError, match="several users have the e-mail"):
        grow(ROLES + ADA)


def test_an_e_mail_is_not_a_pattern(here: Any, grow: Grow) -> None:
    add_user(here, email="adaxexample.org", username="x")
    grow(ROLES + "      - {email: a.a+b@example.org, username: ada}")
    assert here.User.count_documents({}) == 2


def test_a_protected_role_for_an_existing_user_requires_adopt(here: Any, grow: Grow) -> None:
    add_user(here)
    text = ROLES + ADA.replace("[support]", "[admin]")
    with pytest.raises(RefusedError, match=r'"admin" to "ada@example\.org"'):
        grow(text)
    assert here.Role.count_documents({}) == 0
    grow(text, adopt=True)
    assert here.User.find_one()["rolesIds"] == [role(here, "admin")["_id"]]
    assert grow(text).event is None


def test_a_protected_role_goes_to_users_the_seed_created(here: Any, grow: Grow) -> None:
    grow(ROLES + ADA)
    grow(ROLES + ADA.replace("[support]", "[support, admin]"))
    assert len(here.User.find_one()["rolesIds"]) == 2


def test_a_user_can_lose_a_pruned_role_and_gain_another(here: Any, grow: Grow) -> None:
    grow(ROLES + ADA)
    new = "permissions: [user.read]\nroles: [{name: helper, permissions: [user.read]}]\nusers:"
    grow(new + ADA.replace("[support]", "[helper]"), prune=True, allow_members=True)
    ada = here.User.find_one()
    assert ada["rolesIds"] == [role(here, "helper")["_id"]]
    assert role(here, "helper")["userIds"] == [ada["_id"]]
    assert here.Role.count_documents({}) == 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ADA_EMAIL": None}, ["the variable ADA_EMAIL is not set"]),
        ({"ADA_EMAIL": "", "SURNAME": None}, ["the variable ADA_EMAIL is not set", "the variable SURNAME is not set"]),
        ({"ADA_EMAIL": "nobody"}, ['"nobody" is not a valid e-mail address']),
        ({"ADA_EMAIL": "a\x1b@x.org"}, ['"a\x1b@x.org" contains an invisible character (U+001B)']),
        ({"ADA_PASSWORD": None}, ["the variable ADA_PASSWORD is not set"]),
        ({"ADA_PASSWORD": "short"}, ["the password has fewer than 15 characters"]),
        ({"ADA_PASSWORD": "ada@example.org"}, ["the password is the user's own name or e-mail"]),
    ],
)
def test_variables_are_read_when_the_seed_is_planned(
    here: Any,
    seed: Callable[[str], Seed],
    environment: pytest.MonkeyPatch,
    variables: dict[str, str | None],
    expected: list[str],
) -> None:
    for name, value in variables.items():
        if value is None:
            environment.delenv(name)
        else:
            environment.setenv(name, value)
    made = seed(ROLES + ADA)
    with pytest.raises(InvalidInputError) as raised:
        plan(made)
    assert [fault.message for fault in raised.value.faults] == expected
    assert here.list_collection_names() == []


@pytest.mark.parametrize("name", ["MONGODB_DATABASE_URL", "CHATCTL_ACTOR", "mongodb_x"])
def test_a_seed_cannot_use_the_variables_of_the_database(
    here: Any, seed: Callable[[str], Seed], environment: pytest.MonkeyPatch, name: str
) -> None:
    environment.setenv(name, "tangerine lamp orbit")
    for text in (ADA.replace("SURNAME", name), ADA.replace("ADA_PASSWORD", name)):
        with pytest.raises(InvalidInputError) as raised:
            plan(seed(ROLES + text))
        message = f"the variable {name} is reserved for chatctl and the database; a seed cannot use it"
        assert [fault.message for fault in raised.value.faults] == [message]
    assert here.list_collection_names() == []


def test_variables_cannot_make_two_users_equal(here: Any, seed: Callable[[str], Seed]) -> None:
    made = seed(ROLES + ADA + "      - {email: ada@example.org, username: other}")
    with pytest.raises(InvalidInputError) as raised:
        plan(made)
    assert [fault.message.partition(",")[0] for fault in raised.value.faults] == [
        'two users have the email "ada@example.org"'
    ]
    assert here.list_collection_names() == []
