"""What is exported and imported into an empty database is the same, whatever people have called themselves."""

from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from actions.users.documents import new_user
from tests.conftest import Chatctl

Documents = Database[dict[str, Any]]

HOSTILE = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20),
    st.text("'=+-@;,\\|\"\t\r\n \u202e\u200d\ufeff{}[]#:&*!%🦄é", min_size=1, max_size=8),
    st.sampled_from(
        ["=1+1", "'=1", "''", "'", "null", "~", "true", "012", "2026-03-01", "<<", "\\;", ";", "\r\n", "- "]
    ),
)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {"username": HOSTILE, "roles": st.sets(st.integers(0, 3))},
        optional={"name": HOSTILE, "phoneNumber": HOSTILE, "address": HOSTILE, "imageUrl": HOSTILE}
        | {"emailVerified": st.just(True), "hashedPassword": st.just("$2b$12$" + "a" * 53)},
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda person: person["username"],
)
ROLES = st.lists(HOSTILE, min_size=4, max_size=4, unique=True)


def fill(database: Documents, people: list[dict[str, Any]], roles: list[str]) -> None:
    for name in ("User", "Profile", "Role"):
        database[name].delete_many({})
    documents = [{"_id": ObjectId(), "name": role, "userIds": [], "permissionsIds": []} for role in roles]
    for number, given_person in enumerate(people):
        person = dict(given_person)
        held = [documents[index]["_id"] for index in sorted(person.pop("roles"))]
        profile = {key: person.pop(key) for key in ("phoneNumber", "address", "imageUrl") if key in person}
        user = new_user(f"user{number}@example.org", rolesIds=held, **person)
        user |= {"emailVerified": user["createdAt"], "status": "EMAIL_VERIFIED"} if "emailVerified" in person else {}
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
    """Return all that an import can bring, by names instead of ids, after a look at both sides of the links."""
    roles = {role["_id"]: role for role in database["Role"].find()}
    users = list(database["User"].find().sort("email", 1))
    for user in users:
        assert {role for role in roles if user["_id"] in roles[role]["userIds"]} == set(user["rolesIds"])
        profile = database["Profile"].find_one({"userId": user.pop("_id")}) or {}
        assert profile.pop("_id", None) == user.pop("profileId", None)
        profile.pop("userId", None)
        user["profile"] = profile
        user["roles"] = sorted(roles[role]["name"] for role in user.pop("rolesIds"))
        del user["createdAt"], user["updatedAt"]
    return users


@pytest.mark.parametrize("form", ["csv", "json", "ndjson", "yaml"])
def test_export_then_import_is_the_identity(chatctl: Chatctl, database: Documents, workspace: Path, form: str) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(people=PEOPLE, roles=ROLES)
    @example([{"username": "'=\r", "name": "\ufeff", "roles": {0, 1}}], ["a;b", "\\", "'", "=x;"])
    def check(people: list[dict[str, Any]], roles: list[str]) -> None:
        fill(database, people, roles)
        before, file = known(database), workspace / f"people.{form}"
        chatctl("users", "export", "--with-password-hashes", "--to", file, "--overwrite")
        assert chatctl("users", "import", file, "--on-conflict", "update", "--yes").stderr.endswith("nothing to do\n")
        for name in ("User", "Profile"):
            database[name].delete_many({})
        database["Role"].update_many({}, {"$set": {"userIds": []}})
        chatctl("users", "import", "-", input=file.read_bytes().decode())
        assert known(database) == before
        assert chatctl("users", "export", "--with-password-hashes", "-o", form).stdout == file.read_bytes().decode()

    check()
