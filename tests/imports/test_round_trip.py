"""An export that is imported into an empty database gives the same users, whatever their names are."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from bson import Int64, ObjectId
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from actions.users.creating import new_user
from actions.users.listing import TOKENS
from models.names import USER_TEXTS, user_flaw
from tests.conftest import Chatctl

Documents = Database[dict[str, Any]]

HOSTILE = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
    st.text("'=+-@;,\\|\"\t\r\n \u202e\u200d\ufeff{}[]#:&*!%🦄é", min_size=1, max_size=8),
    st.sampled_from(
        ["=1+1", "'=1", "''", "'", "null", "~", "true", "012", "2026-03-01", "<<", "\\;", ";", "\r\n", "- "]
    ),
)
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2037, 1, 1)).map(  # noqa: DTZ001 - hypothesis requires naive times
    lambda time: time.replace(tzinfo=UTC, microsecond=time.microsecond // 1000 * 1000)
)
ACCOUNTS = st.lists(
    st.fixed_dictionaries(
        {"provider": HOSTILE, "providerAccountId": HOSTILE, "type": st.sampled_from(["oauth", "oidc", "email"])},
        optional={"expires_at": st.integers(-(2**63), 2**63 - 1), "token_type": HOSTILE, "scope": HOSTILE}
        | {"access_token": st.just("a token that stays"), "session_state": st.just("a token that stays")},
    ),
    max_size=3,
)


def texts(field: str) -> st.SearchStrategy[str]:
    """Generate valid texts for a field. An invalid text is replaced, because a filter would discard too many texts."""
    return HOSTILE.map(lambda text: f"x{crc32(text.encode())}" if user_flaw(field, text) else text)


def people(text: Callable[[str], st.SearchStrategy[str]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    fields = {field: text(field) for field in USER_TEXTS if field not in {"email", "username"}}
    times = dict.fromkeys(("emailVerified", "createdAt", "lastLogin"), TIMES)
    return st.lists(
        st.fixed_dictionaries(
            {"username": text("username"), "roles": st.sets(st.integers(0, 3)), "accounts": ACCOUNTS},
            optional=fields | times | {"hashedPassword": st.just("$2b$12$" + "a" * 53)},
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda person: person["username"],
    )


LONG_AGO = datetime(1999, 1, 1, tzinfo=UTC)
ROLES = st.lists(HOSTILE, min_size=4, max_size=4, unique=True)


def fill(database: Documents, people: list[dict[str, Any]], roles: list[str]) -> None:
    for name in ("User", "Profile", "Role", "Account"):
        database[name].delete_many({})
    pairs = set()
    documents = [{"_id": ObjectId(), "name": role, "userIds": [], "permissionsIds": []} for role in roles]
    for number, given_person in enumerate(people):
        person = dict(given_person)
        held = [documents[index]["_id"] for index in sorted(person.pop("roles"))]
        profile = {key: person.pop(key) for key in ("phoneNumber", "address", "imageUrl") if key in person}
        accounts = person.pop("accounts")
        user = new_user(f"user{number}@example.org", rolesIds=held, **person)
        user |= {"status": "EMAIL_VERIFIED"} if "emailVerified" in person else {}
        for account in accounts:
            pair = account["provider"], account["providerAccountId"]
            if pair not in pairs:
                pairs.add(pair)
                whole = {"_id": ObjectId(), "userId": user["_id"], **account}
                database["Account"].insert_one(
                    whole | ({"expires_at": Int64(account["expires_at"])} if "expires_at" in account else {})
                )
        if profile:
            profile |= {"_id": ObjectId(), "userId": user["_id"]}
            user["profileId"] = profile["_id"]
            database["Profile"].insert_one(profile)
        database["User"].insert_one(user)
        for role in documents:
            if role["_id"] in held:
                role["userIds"].append(user["_id"])
    database["Role"].insert_many(documents)


def known(database: Documents) -> list[dict[str, Any]]:
    """Return all fields that an import can write, with names instead of ids. Check that links have both sides."""
    roles = {role["_id"]: role for role in database["Role"].find()}
    users = list(database["User"].find().sort("email", 1))
    for user in users:
        assert {role for role in roles if user["_id"] in roles[role]["userIds"]} == set(user["rolesIds"])
        user["accounts"] = [
            {key: value for key, value in account.items() if key not in {"_id", "userId", *TOKENS, "session_state"}}
            for account in database["Account"].find({"userId": user["_id"]}).sort("_id", 1)
        ]
        profile = database["Profile"].find_one({"userId": user.pop("_id")}) or {}
        assert profile.pop("_id", None) == user.pop("profileId", None)
        profile.pop("userId", None)
        user["profile"] = profile
        user["roles"] = sorted(roles[role]["name"] for role in user.pop("rolesIds"))
        del user["updatedAt"]
    return users


FORMS = pytest.mark.parametrize("form", ["csv", "json", "ndjson", "yaml"])
QUICK = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FORMS
def test_an_import_of_an_export_restores_the_same_users(
    chatctl: Chatctl, database: Documents, workspace: Path, form: str
) -> None:
    @QUICK
    @given(given_people=people(texts), roles=ROLES)
    @example([{"username": "'=", "name": "é\u200dé", "roles": {0, 1}, "accounts": []}], ["a;b", "\\", "'", "=x;"])
    def check(given_people: list[dict[str, Any]], roles: list[str]) -> None:
        fill(database, given_people, roles)
        before, file = known(database), workspace / f"people.{form}"
        chatctl("users", "export", "--with-password-hashes", "--to", file, "--overwrite")
        assert "a token that stays" not in file.read_text()
        assert chatctl("users", "import", file, "--on-conflict", "update", "--yes").stderr.endswith("nothing to do\n")
        for name in ("User", "Profile", "Account"):
            database[name].delete_many({})
        database["Role"].update_many({}, {"$set": {"userIds": []}})
        chatctl("users", "import", "-", input=file.read_bytes().decode())
        assert known(database) == before
        assert chatctl("users", "export", "--with-password-hashes", "-o", form).stdout == file.read_bytes().decode()

    check()


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_user_whose_name_is_now_refused_can_be_exported_and_updated(
    chatctl: Chatctl, database: Documents, workspace: Path, form: str
) -> None:
    @settings(QUICK, max_examples=10)
    @given(given_people=people(lambda _: HOSTILE), roles=ROLES)
    @example([{"username": "'=\r", "name": "\ufeff", "roles": {0, 1}, "accounts": []}], ["a;b", "\\", "'", "=x;"])
    def check(given_people: list[dict[str, Any]], roles: list[str]) -> None:
        fill(database, given_people, roles)
        before, file = known(database), workspace / f"people.{form}"
        chatctl("users", "export", "--with-password-hashes", "--to", file, "--overwrite")
        assert chatctl("users", "import", file, "--on-conflict", "update", "--yes").stderr.endswith("nothing to do\n")
        assert chatctl("users", "import", file, "--on-conflict", "skip").stderr.endswith("nothing to do\n")
        database["User"].update_many({}, {"$set": {"rolesIds": [], "lastLogin": LONG_AGO}})
        database["Role"].update_many({}, {"$set": {"userIds": []}})
        chatctl("users", "import", file, "--on-conflict", "update", "--yes", code=0)
        for user, was in zip(known(database), before, strict=True):
            assert user == {"lastLogin": LONG_AGO} | was

    check()
