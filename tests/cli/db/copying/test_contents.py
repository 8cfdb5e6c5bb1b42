"""A copy has the same structure as its source."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from bson import ObjectId
from copies import COPY, SECRETS, texts
from people import SEVEN, Documents, conversation, links, messages, person
from samples import role

from database.decoding import AS_STORED
from tests.cli.conftest import Process
from tests.conftest import Chatctl
from tests.odd import VALUES


def test_a_copy_has_the_same_types_lengths_and_links_as_its_source(
    chatctl: Chatctl, world: Documents, target: Documents
) -> None:
    chatctl(*COPY)
    links(target)
    shift = {
        one["createAt"] - other["createAt"]
        for one, other in zip(*(db["Message"].find() for db in (world, target)), strict=True)
    }
    assert len(shift) == 1
    assert timedelta(days=7) <= min(shift) <= timedelta(days=28)
    for name in SEVEN:
        pairs = zip(world[name].find(), target[name].find(), strict=True)
        for one, other in pairs:
            for secret in {"hashedPassword", *SECRETS}:
                one.pop(secret, None)
            assert [*map(type, one.values())] == [*map(type, other.values())]
            assert list(map(len, texts(one))) == list(map(len, texts(other)))
            if isinstance(one["_id"], ObjectId):
                assert one["_id"].generation_time - other["_id"].generation_time == min(shift)
    read = target["Message"].distinct("readBy")
    [user] = target["User"].find({"_id": ObjectId(read[0])})
    assert user["username"] == target["User"].find_one({"email": user["email"]}, {})["username"]  # type: ignore[index]
    [account] = target["Account"].find()
    assert account.keys() & SECRETS.keys() == set()
    assert (account["userId"], account["provider"], account["type"]) == (user["_id"], "google", "oauth")
    assert account["expires_at"] == 1_770_000_000 - min(shift).total_seconds()
    assert {index for name in SEVEN for index in target[name].index_information()} - {"_id_"} >= {
        *("User_email_key", "User_username_key", "Account_provider_providerAccountId_key"),
        *("Profile_userId_key", "Role_name_key", "Permission_name_key"),
    }


def test_a_check_finds_the_same_faults_in_a_copy_and_in_its_source(chatctl: Chatctl, target: Documents) -> None:
    chatctl(*["db", "generate", "--users", "12", "--conversations", "6", "--messages", "60", "--broken", "1", "--yes"])
    chatctl(*COPY)

    def faults(*options: str) -> dict[str, int]:
        rows = json.loads(chatctl("db", "check", "-o", "json", *options, code=1).stdout)
        return {row["rule"]: row["count"] for row in rows}

    assert faults("--context", "copy") == faults()
    assert len(faults()) > 15


def test_a_value_of_any_type_can_be_copied(chatctl: Chatctl, database: Documents, target: Documents) -> None:
    for name in SEVEN:
        database[name].insert_many({"odd": value, "number": number} for number, value in enumerate(VALUES.values()))
    database["User"].insert_many({field: value} for value in VALUES.values() for field in ("name", "createdAt"))
    said = chatctl(*COPY, code=8).stderr
    assert "all documents were copied, but some indexes could not be created: User_email_key" in said
    for name in SEVEN:
        found = [db[name].with_options(AS_STORED).find() for db in (database, target)]
        here, there = (Counter(type(one.get("odd")) for one in documents) for documents in found)
        assert here == there


@pytest.mark.parametrize(
    ("options", "users", "texts_kept"),
    [
        ("--users 3", 3, 4),
        ("--conversation name:Night", 4, 3),
        ("--since 2026-01-01T01:00Z", 3, 2),
        ("--conversation name:Night --conversation Day --as-is", 5, 5),
    ],
)
def test_a_copied_part_has_complete_links_and_no_missing_documents(
    chatctl: Chatctl, database: Documents, target: Documents, *, options: str, users: int, texts_kept: int
) -> None:
    database["Role"].insert_one(role("support"))
    people = [person(database, name, roles=("support",)) for name in ("ada", "bob", "cyd", "dan", "eve", "fay")]
    ada, bob, cyd, dan, eve, _ = people
    database["Profile"].insert_many({"userId": one} for one in people)
    night = conversation(database, ada, bob, cyd, name="Night")
    day = conversation(database, ada, bob, eve, name="Day")
    messages(database, night, ada, "one", "two", seen=(bob, dan))
    messages(database, night, dan, "three", seen=(bob,))  # dan has left the conversation
    messages(database, day, eve, "four", "five", seen=(ada, bob), after=60)
    direct = conversation(database, ada, bob)
    messages(database, direct, bob, "six", "seven", seen=(ada,))
    chatctl(*COPY, *options.replace("--as-is", f"--as-is {database.name}").split())
    links(target)
    assert (target["User"].count_documents({}), target["Profile"].count_documents({})) == (users, users)
    assert target["Message"].count_documents({}) == texts_kept
    assert target["Role"].count_documents({}) == 1
    rules = {row["rule"] for row in json.loads(chatctl("--context", "copy", "db", "check", "-o", "json").stdout)}
    assert rules <= {"foreign-sender", "foreign-seen"}


def test_a_copy_can_be_a_database_of_the_embedded_server(
    process: Process, world: Documents, workspace: Path, environment: dict[str, str]
) -> None:
    environment["CHATCTL_LOCAL_DIR"] = str(workspace / "embedded")
    made = process(*["db", "copy", "--local-as", "play", "--yes"])
    assert made.returncode == 0, made.stderr
    assert b"to use the copy: add --context play to a command" in made.stderr
    found = json.loads(process("--context", "play", "users", "list", "-o", "json").stdout)
    assert len(found) == 3
    assert process("--local", "users", "list", "--count").stdout == b"0\n"
    shown = json.loads(process("context", "show", "play", "-o", "json").stdout)
    assert (shown["database"], shown["server"], shown["source"]) == ("play", "the embedded server", "local")
    assert b"is not empty" in process(*["db", "copy", "--local-as", "play", "--yes"]).stderr
    process("--local", "db", "stop")
