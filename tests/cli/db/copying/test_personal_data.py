"""`db copy` copies no personal data, except with `--as-is`."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bcrypt
import bson
import pymongo
import pymongo.collection
import pytest
from copies import COPY, ID, PUBLIC, SECRETS, everything, personal, texts, words_of
from people import SEVEN, Documents

from database import connection
from tests.cli.conftest import Process
from tests.conftest import Chatctl, start_server


def test_a_copy_contains_no_personal_data(chatctl: Chatctl, world: Documents, target: Documents) -> None:
    said = chatctl(*COPY, "--reason", "for tests")
    kept = everything(target)
    fields = {field for name in SEVEN for one in world[name].find() for field in one} | {"crm", "tags", "lead", "likes"}
    secrets = {text for name in SEVEN for one in world[name].find() for text in texts(one)} - PUBLIC - fields
    assert len(secrets) > 30
    parts = {word for text in secrets for word in words_of(text)}
    found = {text for text in secrets | parts if text.encode() in kept or text.lower().encode() in kept}
    assert found == set()
    for private in (ID.binary, str(ID).encode(), b"31415926535", bson.encode({"": 31415926535})[6:14]):
        assert private not in kept
    assert said.stdout.splitlines()[2] == "users: copied (3)"
    [event] = target["chatctl_audit"].find({"kind": "event"})
    assert event["command"] == f"db copy --from {world.name} --anonymize"
    assert "create 7 messages" in event["summary"]
    assert set(target.list_collection_names()) == {*SEVEN, "chatctl_audit", "chatctl_images", "chatctl_state"}
    assert "chatctl_audit" not in world.list_collection_names()


def test_no_byte_of_a_copy_of_generated_people_is_personal(
    monkeypatch: pytest.MonkeyPatch,
    process: Process,
    database: Documents,
    workspace: Path,
    environment: dict[str, str],
) -> None:
    environment["CHATCTL_LOCAL_DIR"] = str(workspace / "embedded")
    monkeypatch.setenv("CHATCTL_LOCAL_DIR", str(workspace / "embedded"))
    amounts = ("--users", "30", "--conversations", "15", "--messages", "150")
    assert process("db", "generate", *amounts, "--yes").returncode == 0
    database["Account"].update_many({}, {"$set": SECRETS})
    source = personal(database)
    assert len(source) > 500
    made = process("db", "copy", "--local-as", "play", "--reason", "for tests", "--yes")
    assert made.returncode == 0, made.stderr
    connection.choose(context="play")
    documents = everything(connection.database())
    copied = personal(connection.database())
    connection.choose()
    process("--local", "db", "stop")
    files = b"".join(file.read_bytes() for file in (workspace / "embedded").rglob("*") if file.is_file())
    files = files.replace(bytes(64), b"")  # the server reserves space in its journal
    assert {text for text in source if text in documents} == set()
    assert {text for text in source if text in files} == set()
    assert len([text for text in copied if text in files]) > len(copied) / 2  # the files can be searched


def test_all_users_of_a_copy_can_have_one_password(chatctl: Chatctl, world: Documents, target: Documents) -> None:
    assert "too common" in chatctl(*COPY, "--password", "passwordpassword", code=5).stderr
    password = "seven kettles on a pier"
    chatctl(*COPY, "--password", password)
    assert all(bcrypt.checkpw(password.encode(), user["hashedPassword"].encode()) for user in target["User"].find())
    assert password.encode() not in everything(target)


def test_a_copy_with_the_option_as_is_has_every_byte_of_the_source(
    chatctl: Chatctl, world: Documents, target: Documents, url: str
) -> None:
    chatctl(*COPY, "--as-is", world.name, "--dry-run")
    assert "chatctl_audit" not in world.list_collection_names()
    said = chatctl(*COPY, "--as-is", world.name, "--reason", "load test")
    assert "warning: the copy has all personal data" in said.stderr
    [event] = world["chatctl_audit"].find({}, {"command": 1, "reason": 1, "summary": 1})
    host = urlsplit(url).netloc
    copied = [f"copy all personal data to {target.name} on {host}"]
    assert event == {
        "_id": event["_id"],
        "command": "db copy --to copy --as-is",
        "reason": "load test",
        "summary": copied,
    }
    assert copied[0] in chatctl("audit", "show", event["_id"]).stdout
    for name in SEVEN:
        one, other = (sorted(map(bson.encode, db[name].find())) for db in (world, target))
        assert one == other


def test_nothing_is_copied_as_it_is_if_the_source_does_not_accept_the_event(
    chatctl: Chatctl, target: Documents, secured: str
) -> None:
    env = {"MONGODB_DATABASE_URL": f"mongodb://reader:reader@{secured}/shop?authSource=admin"}
    said = chatctl(*COPY, "--as-is", "shop", env=env, code=6).stderr
    assert f"{secured} does not allow insert on chatctl_audit" in said
    assert target.list_collection_names() == []


def test_the_event_of_a_copy_as_it_is_names_the_user_of_the_source(
    chatctl: Chatctl, target: Documents, tmp_path: Path
) -> None:
    process, address = start_server(tmp_path, "--sync-on-commit")
    with pymongo.MongoClient[dict[str, Any]](f"mongodb://{address}/") as client:
        client.admin.command("createUser", "olga", pwd="olga", roles=["root"])
        chatctl(
            *COPY,
            "--as-is",
            "shop",
            env={"MONGODB_DATABASE_URL": f"mongodb://olga:olga@{address}/shop?authSource=admin"},
        )
        [event] = client["shop"]["chatctl_audit"].find()
    process.kill()
    process.wait()
    assert event["actor"]["database"] == "olga"
    assert "database" not in target["chatctl_audit"].find_one({"kind": "event"}, {})["actor"]


def test_masked_messages_are_copied_as_they_are_only_with_a_reason(
    chatctl: Chatctl, world: Documents, target: Documents
) -> None:
    chatctl("db", "protect", "prod", "--mask-bodies", "--yes")
    as_is = (*COPY, "--as-is", "prod")
    assert "add --reveal --reason TEXT, or leave out --as-is" in chatctl(*as_is, code=7).stderr
    assert target.list_collection_names() == []
    chatctl(*as_is, "--reveal", "--reason", "case 4711")
    assert world["chatctl_audit"].count_documents({"reason": "case 4711", "kind": "event"}) == 1
    target.client.drop_database(target.name)
    chatctl(*COPY)
