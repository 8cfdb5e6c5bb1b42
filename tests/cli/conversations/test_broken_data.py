"""Broken conversations, which the application cannot load, are listed and shown."""

import json
from typing import Any

import pytest
from people import Documents, minute_after
from talk import ADA, BOB, GHOST, PLACES

from tests.conftest import Chatctl

WHOLE: dict[str, Any] = {"created_at": minute_after(0), "lastMessageAt": minute_after(9), "userIds": [ADA, BOB]}
WRONG: list[dict[str, Any]] = [
    {"userIds": None},
    {"userIds": "x"},
    {"userIds": []},
    {"userIds": [None, 5, {"a": 1}, [ADA], str(BOB), GHOST, BOB, BOB]},
    {"name": 5, "isGroup": "yes"},
    {"name": ["a"], "isGroup": None},
    {"name": "", "isGroup": True},
    {"lastMessageAt": None, "created_at": None},
    {"lastMessageAt": "2026-01-01", "created_at": 5},
    {"messagesIds": None},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_broken_conversation_is_listed_and_shown(
    talking: Chatctl, database: Documents, wrong: dict[str, Any]
) -> None:
    id_ = database["Conversation"].insert_one(WHOLE | wrong).inserted_id
    said = {"conversationId": id_, "senderId": ADA, "createAt": minute_after(9), "seenIds": None}
    database["Message"].insert_one(said)
    for form in ("table", "json", "ndjson", "yaml", "csv", "ids"):
        assert str(id_) in talking("conversations", "list", "-o", form).stdout
        assert str(id_) in talking("conversations", "show", id_, "-o", form).stdout
    assert str(id_) in talking("messages", "list", "--conversation", id_, "-o", "csv").stdout
    for sort in ("lastMessageAt", "-lastMessageAt", "name", "-created_at"):
        listed = talking("conversations", "list", "-o", "ids", "--sort", sort).stdout.split()
        assert len(listed) == len(PLACES) + 1
        assert str(id_) in listed
    database["Message"].delete_one(said)
    assert str(id_) in talking("conversations", "list", "--empty").stdout
    talking("conversations", "list", "--user", "ada", "--search", "a")


def test_a_conversation_with_only_an_id_is_shown(talking: Chatctl, database: Documents) -> None:
    id_ = database["Conversation"].insert_one({}).inserted_id
    assert talking("conversations", "show", id_).stdout == (
        f"ID            {id_}\nCONVERSATION  no participants\nGROUP         no\nMESSAGES      0\n"
    )
    assert talking("conversations", "list").stdout.splitlines()[-1] == f"{id_}  no participants"


def test_participants_with_ids_as_text_are_counted(talking: Chatctl, database: Documents) -> None:
    id_ = database["Conversation"].insert_one(WHOLE | {"userIds": [str(ADA), BOB]}).inserted_id
    for number, seen in enumerate(([ADA], [str(BOB)], [])):
        said = {"conversationId": str(id_), "senderId": str(ADA), "seenIds": seen, "createAt": minute_after(number)}
        database["Message"].insert_one(said)
    shown = json.loads(talking("conversations", "show", id_, "-o", "json").stdout)
    assert (shown["title"], shown["messages"]) == ("ada, bob", 3)
    assert shown["unread"] == [{"id": str(BOB), "username": "bob", "messages": 1}]
    listed = talking("conversations", "list", "--user", "ada", "--columns", "id,unread,messages").stdout
    assert [line.split() for line in listed.splitlines() if str(id_) in line] == [[str(id_), "ada,", "bob", "3"]]
    assert str(id_) not in talking("conversations", "list", "--empty", "-o", "ids").stdout
    assert str(id_) in talking("conversations", "list", "--between", "bob", "ada", "-o", "ids").stdout
