"""Broken messages and conversations can be deleted, and an undo restores them exactly."""

from datetime import datetime
from typing import Any

import bson
import pytest
from bson import ObjectId
from people import SEVEN, Documents, conversation, messages, minute_after, person

from tests.conftest import Chatctl

ADA, BOB, DIRECT = ObjectId("a" * 24), ObjectId("b" * 24), ObjectId("d" * 24)

WHOLE: dict[str, Any] = {
    "body": "a kettle",
    "createAt": minute_after(99),
    "senderId": ADA,
    "conversationId": DIRECT,
    "seenIds": [ADA],
}
WRONG: list[dict[str, Any]] = [
    {"seenIds": [None, 5, {"a": 1}, [ADA], str(BOB), BOB, BOB]},
    {"senderId": str(ADA), "conversationId": str(DIRECT), "seenIds": "x"},
    {"senderId": None, "conversationId": None, "seenIds": None},
    {"senderId": [ADA], "conversationId": {"a": DIRECT}},
    {"senderId": {"a": 1}, "conversationId": [DIRECT]},
    {"conversationId": [[DIRECT], None]},
    {"body": ["a kettle", None], "image": ["x"]},
    {"createAt": None, "body": None, "image": None},
    {"createAt": "2026-01-01T10:00:00Z", "body": 5},
    {"createAt": [minute_after(3)], "body": {"text": "a kettle"}},
    {"_id": "text"},
    {"_id": 7, "createAt": 0},
]


def stored(database: Documents) -> list[bytes]:
    """Return all documents. Lists are sorted, because an undo may change their order."""
    found = [document for name in SEVEN for document in database[name].find().sort("_id")]
    return [
        bson.encode({k: sorted(v, key=str) if isinstance(v, list) else v for k, v in document.items()})
        for document in found
    ]


@pytest.fixture
def world(database: Documents) -> None:
    """Insert messages of Ada and Bob, in a one-to-one conversation and in a group."""
    person(database, "ada", _id=ADA)
    person(database, "bob", _id=BOB)
    group = conversation(database, ADA, BOB, name="engines")
    times = {"created_at": minute_after(0), "lastMessageAt": minute_after(0)}
    database["Conversation"].insert_one({"_id": DIRECT, **times, "messagesIds": [], "userIds": [ADA, BOB]})
    database["User"].update_many({}, {"$push": {"conversationIds": DIRECT}})
    messages(database, DIRECT, ADA, "one", "two", "three", seen=(BOB,))
    messages(database, group, BOB, "four", "five", seen=(ADA,))


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize(
    "command",
    [
        "messages delete {id}",
        "messages redact {id}",
        "messages purge --before 2400-01-01",
        "messages purge --before 2400-01-01 --keep-last 2",
        "messages purge --before 2400-01-01 --keep-last 1 --sender ada --conversation {direct}",
        "conversations delete {direct}",
        "users delete ada",
        "users merge ada --into bob",
        "users merge ada --into bob --keep-conversations",
    ],
)
def test_broken_messages_are_deleted_and_restored(
    chatctl: Chatctl, database: Documents, world: None, wrong: dict[str, Any], command: str
) -> None:
    message = {"_id": ObjectId(), **WHOLE, **wrong}
    identifier = database["Message"].insert_one(message).inserted_id
    if isinstance(message["createAt"], datetime):
        database["Conversation"].update_one({"_id": DIRECT}, {"$set": {"lastMessageAt": message["createAt"]}})
    before = stored(database)
    words = command.format(id=identifier, direct=DIRECT).split()
    if isinstance(identifier, ObjectId) or "{id}" not in command:
        chatctl(*words, "-n")
        done = chatctl(*words, "--yes")
        assert stored(database) != before
        chatctl("audit", "show", done.stderr.split()[-1])
        chatctl("audit", "undo", done.stderr.split()[-1], "--yes")
        assert stored(database) == before
