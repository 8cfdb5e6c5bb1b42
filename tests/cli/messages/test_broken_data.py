"""Broken messages, which the application cannot load, are listed, searched and shown."""

import json
from typing import Any

import pytest
from people import Documents, minute_after
from talk import ADA, BOB, CYD, DIRECT, GHOST, MESSAGES

from tests.conftest import Chatctl

WHOLE: dict[str, Any] = {
    "body": "a kettle",
    "createAt": minute_after(99),
    "senderId": ADA,
    "conversationId": DIRECT,
    "seenIds": [ADA],
}
WRONG: list[dict[str, Any]] = [
    {"seenIds": None},
    {"seenIds": "x", "image": 5},
    {"seenIds": [None, 5, {"a": 1}, [ADA], str(BOB), GHOST, BOB, BOB]},
    {"senderId": GHOST},
    {"senderId": str(ADA), "conversationId": str(DIRECT)},
    {"senderId": None, "conversationId": None},
    {"senderId": [ADA], "conversationId": {"a": DIRECT}},
    {"conversationId": GHOST},
    {"body": 5, "image": ["x"]},
    {"body": None, "image": None},
    {"body": {"text": "a kettle"}},
    {"body": ["a kettle", None]},
    {"body": "", "image": ""},
    {"createAt": None},
    {"createAt": "2026-01-01T10:00:00Z"},
    {"createAt": 0},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_broken_message_is_listed_and_shown(talking: Chatctl, database: Documents, wrong: dict[str, Any]) -> None:
    id_ = database["Message"].insert_one(WHOLE | wrong).inserted_id
    everything = {*map(str, MESSAGES), str(id_)}
    for form in ("table", "json", "ndjson", "yaml", "csv", "ids"):
        assert str(id_) in talking("messages", "list", "-o", form).stdout
        assert str(id_) in talking("messages", "show", id_, "-o", form).stdout
    for sort in ("createAt", "-createAt"):
        paged: list[str] = []
        while page := talking(
            "messages", "list", "-o", "ids", "--sort", sort, "--limit", "3", *(["--after", paged[-1]] if paged else [])
        ).stdout.split():
            paged += page
        assert len(paged) == len(everything)
        assert {*paged} == everything
    for form in ("table", "csv"):
        talking("messages", "search", "kettle", "-o", form)
        talking("messages", "list", "--unseen-by", "bob", "-o", form)
    talking("conversations", "list")
    talking("conversations", "show", DIRECT)
    talking("conversations", "show", DIRECT, "-o", "json")


def test_a_message_with_only_an_id_is_shown(talking: Chatctl, database: Documents) -> None:
    id_ = database["Message"].insert_one({}).inserted_id
    assert talking("messages", "show", id_).stdout == (
        f"""\
ID            {id_}
SENDER        unknown author
CONVERSATION  deleted conversation
SEEN BY       -
NOT SEEN BY   -
"""
    )
    words = f"{id_} unknown author deleted conversation (no text)".split()
    assert talking("messages", "list").stdout.splitlines()[-1].split() == words


def test_references_stored_as_text_are_found_too(talking: Chatctl, database: Documents) -> None:
    wrong = {"senderId": str(CYD), "conversationId": str(DIRECT), "seenIds": [str(CYD)]}
    id_ = database["Message"].insert_one(WHOLE | wrong).inserted_id

    def first(*filters: object) -> str:
        return talking("messages", "list", "-o", "ids", *filters).stdout.split()[0]

    assert first("--conversation", DIRECT) == first("--sender", "cyd") == first("--unseen-by", "ada") == str(id_)
    assert first("--unseen-by", "ada", "--sender", "cyd") == str(id_)
    shown = json.loads(talking("messages", "show", id_, "-o", "json").stdout)
    assert (shown["sender"]["username"], shown["conversation"]["title"]) == ("cyd", "ada, bob")
    assert [person["username"] for person in shown["seen"]] == ["cyd"]


def test_a_body_that_is_a_number_is_shown(talking: Chatctl, database: Documents) -> None:
    id_ = database["Message"].insert_one(WHOLE | {"body": 5}).inserted_id
    assert talking("messages", "show", id_).stdout.endswith("\n\n5\n")
    assert json.loads(talking("messages", "show", id_, "-o", "json").stdout)["body"] == 5


def test_a_body_that_is_a_list_with_the_searched_text_is_found(talking: Chatctl, database: Documents) -> None:
    id_ = database["Message"].insert_one(WHOLE | {"body": ["a kettle", 7]}).inserted_id
    assert f"{id_}  2026-01-01 01:39Z  ada     ada, bob      ['a «kettle»', 7]\n" in (
        talking("messages", "search", "kettle").stdout
    )
