"""The zip file of `users export-data` contains all data of the user, and no secrets or messages of other users."""

import hashlib
import json
from typing import Any

import pytest
from bson import ObjectId, Regex

from models.schema import FIELDS
from tests.cli.users.export_data.conftest import (
    HASH,
    NEW_YEAR,
    SECRETS,
    Documents,
    People,
    exported,
    message,
    read,
    user,
)
from tests.conftest import Chatctl


def test_the_zip_has_all_personal_data_of_the_user(either: Chatctl, people: People) -> None:
    files = exported(either)
    times = dict.fromkeys(("createdAt", "updatedAt"), "2026-01-01T10:30:00.000Z")
    conversations = [str(people.direct), str(people.group)]
    mine = read(files, "user")
    assert mine == {
        "id": str(people.ada),
        "email": "ada@example.org",
        "username": "ada",
        "name": "Ada Lovelace",
        "status": "ACTIVE",
        **times,
        "lastLogin": None,
        "emailVerified": None,
        "profileId": None,
        "rolesIds": mine["rolesIds"],
        "conversationIds": conversations,
        "seenMessageIds": [],
        "hasPassword": True,
    }
    assert [profile["address"] for profile in read(files, "profile")] == ["12 St James's Square"]
    assert {key: value for key, value in read(files, "accounts")[0].items() if value and key != "id"} == {
        "type": "oauth",
        "provider": "github",
        "providerAccountId": "8123",
        "hasAccessToken": True,
        "hasRefreshToken": True,
        "hasIdToken": True,
        "hasSessionState": True,
    }
    role = {"id": mine["rolesIds"][0], "name": "support", "permissions": ["user.read"]}
    assert read(files, "roles") == {"roles": [role], "permissions": ["user.read"]}
    assert read(files, "events") == []


def test_messages_are_in_order_and_other_people_have_numbers(either: Chatctl, people: People) -> None:
    files = exported(either)
    direct, group = str(people.direct), str(people.group)
    messages = [{key: value for key, value in one.items() if key != "id"} for one in read(files, "messages")]
    assert messages == [
        {"conversationId": where, "createAt": f"2026-01-0{when}:00.000Z", "body": body, "image": image, "seen": seen}
        for where, when, body, image, seen in (
            (direct, "1T10:31", "hello", None, ["participant 1"]),
            (group, "1T10:32", None, "https://img.example.org/1.png", []),
            (group, "2T10:30", "one\ntwo", None, ["participant 2", "participant 1"]),
        )
    ]
    common = {"created_at": "2026-01-01T10:30:00.000Z", "member": True, "gone": False}
    assert read(files, "conversations") == [
        {"id": direct, "name": None, "isGroup": None, **common, "participants": ["participant 1"], "ownMessages": 1},
        {
            "id": group,
            "name": "Lunch",
            "isGroup": True,
            **common,
            "participants": ["participant 2", "participant 1"],
            "ownMessages": 2,
        },
    ]


def test_the_manifest_describes_every_other_file(either: Chatctl, people: People) -> None:
    files = exported(either)
    manifest = json.loads(files.pop("manifest.json"))
    assert (manifest["schemaVersion"], manifest["id"], manifest["withNames"]) == (1, str(people.ada), False)
    assert [(one["name"], one["bytes"], one["sha256"]) for one in manifest["files"]] == [
        (name, len(text.encode()), hashlib.sha256(text.encode()).hexdigest()) for name, text in files.items()
    ]
    records = {one["name"]: one.get("records") for one in manifest["files"]}
    counts = {"user.json": 1, "profile.json": 1, "accounts.json": 1, "roles.json": 1, "conversations.json": 2}
    assert records == {**counts, "events.json": 0, "messages.ndjson": 3, "index.html": None}
    assert all(left["what"] and left["why"] for left in manifest["leftOut"])


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("options", [(), ("--with-names",)])
def test_the_zip_has_no_secrets_and_no_messages_of_others(either: Chatctl, options: tuple[str, ...]) -> None:
    text = "\n".join(exported(either, *options).values())
    for secret in (HASH, HASH[7:], *SECRETS.values(), "a-session-state", "what only Bob may tell", "hashedPassword"):
        assert secret not in text


def test_the_zip_has_names_of_others_only_with_an_option(chatctl: Chatctl, people: People) -> None:
    chatctl("users", "suspend", "bob-the-builder", "ada", "--yes", "--reason", "eve-dropper complained")
    chatctl("users", "reinstate", "ada")
    files = exported(chatctl)
    text = "\n".join(files.values())
    for name in ("bob-the-builder", "eve-dropper", "example.org", str(people.bob), str(people.eve)):
        assert name not in text.replace("ada@example.org", "").replace("img.example.org", "")
    assert [(one["command"], one["state"]) for one in read(files, "events")] == [
        ("users suspend", "done"),
        ("users reinstate", "done"),
    ]
    named = exported(chatctl, "--with-names")
    assert [one["participants"] for one in read(named, "conversations")] == [
        ["bob-the-builder"],
        ["eve-dropper", "bob-the-builder"],
    ]
    assert "With <bdi>bob-the-builder</bdi>" in named["index.html"]
    assert read(named, "events")[0]["reason"] == "eve-dropper complained"
    assert read(named, "manifest")["withNames"] is True


LISTS: list[Any] = [[{"a": 1}], [["a"], None, 5]]
WRONG = [5, 1.5, True, None, "abc", "", b"x", {"a": {"b": 1}}, *LISTS, NEW_YEAR, ObjectId("a" * 24), Regex("a")]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_odd_values_do_not_stop_the_export(chatctl: Chatctl, people: People, database: Documents, wrong: Any) -> None:
    mine = {"userId", "senderId", "username"}
    for collection, fields in FIELDS.items():
        values = {field: wrong for field in fields - mine if collection != "Message" or field != "conversationId"}
        database[collection].update_many({}, {"$set": values})
    files = exported(chatctl, "--with-names")
    assert len(read(files, "messages")) == 3
    assert str(people.ada) in files["index.html"]
    database["Message"].update_many({}, {"$set": {"conversationId": wrong}})
    assert sum(one["ownMessages"] for one in read(exported(chatctl), "conversations")) == 3


def test_broken_data_is_exported_too(either: Chatctl, database: Documents) -> None:
    ada = user("ada", conversationIds=None, rolesIds=None, seenMessageIds="x", resetToken="not for anybody")
    here, gone, text = ObjectId(), ObjectId(), ObjectId()
    database["User"].insert_one(ada)
    database["Conversation"].insert_one({"_id": here, "userIds": None})
    database["Conversation"].insert_one({"_id": text, "userIds": [str(ada["_id"])], "isGroup": "yes"})
    database["Message"].insert_many(
        [
            message(ada["_id"], here, 1, body=5, image=7, seenIds=None),
            message(ada["_id"], gone, 4, body="to nobody", seenIds=[str(ObjectId()), None, 5]),
            {"_id": "abc", "senderId": ada["_id"]},
            {**message(str(ada["_id"]), str(here), 3, body="by text"), "createAt": NEW_YEAR},
            message(ada["_id"], str(text), createAt="yesterday"),
            message(ada["_id"], {"$a": 1}, 6, body="", mood="glad"),
        ]
    )
    files = exported(either)
    assert [(one["createAt"], one["body"]) for one in read(files, "messages")[-4:]] == [
        ("2026-01-01T10:30:00.000Z", "by text"),
        ("2026-01-01T10:31:00.000Z", 5),
        ("2026-01-01T10:34:00.000Z", "to nobody"),
        ("2026-01-01T10:36:00.000Z", ""),
    ]
    found = [(one["id"], one["member"], one["gone"], one["ownMessages"]) for one in read(files, "conversations")]
    assert sorted(found, key=str) == sorted(
        [
            *[(str(here), False, False, 2), (str(text), True, False, 1)],
            *[(str(gone), False, True, 1), ("(document)", False, True, 1), (None, False, True, 1)],
        ],
        key=str,
    )
    for shown in ("A deleted conversation", "to nobody", "by text", "yesterday", "Without a date"):
        assert shown in files["index.html"]
    assert "not for anybody" not in "".join(files.values())
    left = read(files, "manifest")["leftOut"][-1]["what"]
    assert left == "Fields that are not in the schema: Message.mood, User.resetToken"
