"""Users who write to each other, and the exported personal data of one user."""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from bson import ObjectId
from pymongo.database import Database

from tests.conftest import Chatctl

Documents = Database[dict[str, Any]]

NEW_YEAR = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
SECRETS = {"access_token": "an-access-token", "refresh_token": "a-refresh-token", "id_token": "an-id-token"}
HASH = f"$2b$12${'x' * 53}"


class People(NamedTuple):
    ada: ObjectId
    bob: ObjectId
    eve: ObjectId
    direct: ObjectId
    group: ObjectId


def user(name: str, **fields: Any) -> dict[str, Any]:
    known = {"_id": ObjectId(), "email": f"{name}@example.org", "username": name, "status": "ACTIVE"}
    lists: dict[str, Any] = {"rolesIds": [], "conversationIds": [], "seenMessageIds": []}
    return {**known, "createdAt": NEW_YEAR, "updatedAt": NEW_YEAR, **lists, **fields}


def message(sender: Any, conversation: Any, minutes: int = 0, **fields: Any) -> dict[str, Any]:
    sent = {"_id": ObjectId(), "senderId": sender, "conversationId": conversation, "seenIds": [sender]}
    return {**sent, "createAt": NEW_YEAR + timedelta(minutes=minutes), **fields}


@pytest.fixture
def people(chatctl: Chatctl, database: Documents) -> People:
    """Insert messages between Ada and Bob, and messages in a group of Ada, Bob and Eve."""
    ada, bob, eve = (user(name, hashedPassword=HASH) for name in ("ada", "bob-the-builder", "eve-dropper"))
    some = People(ada["_id"], bob["_id"], eve["_id"], ObjectId(), ObjectId())
    role, permission = ObjectId(), ObjectId()
    ada |= {"name": "Ada Lovelace", "rolesIds": [role], "conversationIds": [some.direct, some.group]}
    account = {"userId": some.ada, "type": "oauth", "provider": "github", "providerAccountId": "8123", **SECRETS}
    database["User"].insert_many([ada, bob, eve])
    database["Profile"].insert_one({"userId": some.ada, "address": "12 St James's Square"})
    database["Account"].insert_one({**account, "session_state": "a-session-state"})
    database["Role"].insert_one({"_id": role, "name": "support", "permissionsIds": [permission], "userIds": [some.ada]})
    database["Permission"].insert_one({"_id": permission, "name": "user.read", "rolesIds": [role]})
    times = {"created_at": NEW_YEAR, "lastMessageAt": NEW_YEAR}
    database["Conversation"].insert_many(
        [
            {"_id": some.direct, **times, "userIds": [some.ada, some.bob]},
            {"_id": some.group, **times, "userIds": [some.eve, some.bob, some.ada], "isGroup": True, "name": "Lunch"},
        ]
    )
    database["Message"].insert_many(
        [
            message(some.ada, some.group, 2, image="https://img.example.org/1.png"),
            message(some.ada, some.direct, 1, body="hello", seenIds=[some.ada, some.bob]),
            message(some.bob, some.direct, 3, body="what only Bob may tell"),
            message(some.ada, some.group, 24 * 60, body="one\ntwo", seenIds=[some.ada, some.eve, some.bob]),
        ]
    )
    return some


def unpacked(path: str | Path = "ada.zip") -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info).decode() for info in archive.infolist()}


def exported(chatctl: Chatctl, *options: str, user: object = "ada") -> dict[str, str]:
    chatctl("users", "export-data", user, "--to", "ada.zip", "--overwrite", *options)
    return unpacked()


def read(files: dict[str, str], name: str) -> Any:
    if name == "messages":
        return [json.loads(line) for line in files["messages.ndjson"].splitlines()]
    return json.loads(files[f"{name}.json"])
