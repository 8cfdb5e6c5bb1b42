"""`chatctl db check`."""

import csv
import io
import json
from typing import Any

import pymongo
import pytest
import yaml
from bson import ObjectId
from people import BEGAN, Documents
from planting import Ids, settle

from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl


@pytest.fixture
def ids(database: Documents) -> Ids:
    return settle(database)


def break_it(database: Documents, ids: Ids) -> str:
    """Insert four faults: one fault of severity E, two of severity W and one of severity I."""
    database["User"].update_one({"_id": ids["ada"]}, {"$set": {"status": "BANNED", "hashedPassword": "x"}})
    database["User"].update_one({"_id": ids["grace"]}, {"$set": {"hashedPassword": "xy"}})
    database["Message"].update_one({"_id": ids["one"]}, {"$push": {"seenIds": ids["alan"]}})
    database["User"].update_one({"_id": ids["alan"]}, {"$push": {"seenMessageIds": ids["one"]}})
    return str(ids["ada"])


def test_correct_data_has_no_findings(either: Chatctl, ids: Ids) -> None:
    result = either("db", "check", code=0)
    assert (result.stdout, result.stderr) == ("", "no fault was found\n")
    assert either("db", "check", "-o", "json").stdout == "[]\n"


def test_findings_are_a_table_followed_by_effects_and_commands(either: Chatctl, database: Documents, ids: Ids) -> None:
    ada = break_it(database, ids)
    result = either("db", "check", code=1)
    assert result.stderr == "E: the application fails; W: the application may behave wrongly; I: information only\n"
    assert (
        result.stdout
        == f"""\
SEVERITY  RULE               COUNT  EXAMPLE
E         unknown-status         1  User {ada} status: BANNED
W         bad-password-hash      2  User {ada} hashedPassword: 1 character
I         foreign-seen           1  Message {ids["one"]} seenIds: {ids["alan"]}

unknown-status: The application cannot load this user, or any list that contains this user.
  User {ada} status: BANNED
  to do: chatctl users reinstate id:{ada}, or chatctl users suspend id:{ada} to keep the user out

bad-password-hash: The user cannot sign in with a password.
  User {ada} hashedPassword: 1 character
  User {ids["grace"]} hashedPassword: 2 characters
  to do: chatctl users set-password id:{ada}

foreign-seen: The reader, who may have left, is shown among those who have seen the message.
  Message {ids["one"]} seenIds: {ids["alan"]}
  to do: chatctl conversations add CONVERSATION USER, if the reader should take part again
"""
    )


def test_every_format_for_programs_has_the_same_findings(either: Chatctl, database: Documents, ids: Ids) -> None:
    break_it(database, ids)
    rows = json.loads(either("db", "check", "-o", "json", code=1).stdout)
    assert [(row["rule"], row["severity"], row["count"]) for row in rows] == [
        ("unknown-status", "E", 1),
        ("bad-password-hash", "W", 2),
        ("foreign-seen", "I", 1),
    ]
    assert list(rows[0]) == ["rule", "severity", "count", "examples", "effect", "fix"]
    ada = str(ids["ada"])
    fault = {"collection": "User", "id": ada, "field": "status", "value": "BANNED"}
    assert rows[0]["examples"] == [{**fault, "fix": rows[0]["fix"]}]
    lines = either("db", "check", "-o", "ndjson", code=1).stdout.splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert yaml.safe_load(either("db", "check", "-o", "yaml", code=1).stdout) == rows
    table = list(csv.DictReader(io.StringIO(either("db", "check", "-o", "csv", code=1).stdout)))
    assert [row["rule"] for row in table] == [row["rule"] for row in rows]
    assert json.loads(table[0]["examples"]) == rows[0]["examples"]


def test_findings_for_information_do_not_fail_the_check(either: Chatctl, database: Documents, ids: Ids) -> None:
    break_it(database, ids)
    assert either("db", "check", "--rule", "foreign-seen", code=0).stdout
    assert either("db", "check", "--rule", "foreign-seen", "--rule", "unknown-status", code=1).stdout


def test_options_choose_the_rules_and_collections(either: Chatctl, database: Documents, ids: Ids) -> None:
    break_it(database, ids)
    database["Role"].update_one({"_id": ids["viewer"]}, {"$push": {"userIds": ObjectId()}})

    def rules(*options: str, code: int = 1) -> list[str]:
        rows = json.loads(either("db", "check", *options, "-o", "json", code=code).stdout)
        return [row["rule"] for row in rows]

    assert rules("--collection", "Role") == ["dangling-link"]
    assert rules("--collection", "Message", code=0) == ["foreign-seen"]
    assert rules("--collection", "User", "--rule", "dangling-link", code=0) == []
    assert rules("--collection", "Role", "--collection", "User") == [
        "unknown-status",
        "bad-password-hash",
        "dangling-link",
    ]
    assert rules("--sample", "100") == ["unknown-status", "bad-password-hash", "dangling-link", "foreign-seen"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--rule", "one-sided-links"),
            'error: unknown rule "one-sided-links"\nhint: did you mean "one-sided-link"?\n',
        ),
        (("--collection", "user"), 'error: unknown collection "user"\nhint: did you mean "User"?\n'),
    ],
)
def test_a_wrong_name_gets_the_nearest_valid_name(chatctl: Chatctl, options: tuple[str, ...], said: str) -> None:
    for command in ("check", "repair"):
        result = chatctl("db", command, *options, code=2)
        assert (result.stdout, result.stderr) == ("", said)


@pytest.mark.parametrize("options", [("--sample", "0"), ("--sample", "x"), ("-o", "ids")])
def test_invalid_options_are_refused(chatctl: Chatctl, options: tuple[str, ...]) -> None:
    chatctl("db", "check", *options, code=2)


def test_text_of_users_is_harmless_on_a_terminal(chatctl: Chatctl, database: Documents, ids: Ids) -> None:
    hostile = "\x1b[2JA\u202e@[red]x.org"
    database["User"].update_one({"_id": ids["ada"]}, {"$set": {"email": hostile, "status": hostile}})
    said = chatctl("db", "check", code=1).stdout
    assert "\x1b" not in said
    assert "status: \\x1b[2JA\\u202e@[red]x.org" in said
    assert "\x1b" not in chatctl("db", "check", "-o", "csv", code=1).stdout.replace("\x1b[2JA", "")
    assert "\x1b" not in chatctl("db", "check", "-o", "json", code=1).stdout


def test_a_narrow_terminal_cuts_no_id_and_breaks_text_between_words(
    terminal: Terminal, database: Documents, ids: Ids
) -> None:
    ada = break_it(database, ids)
    screen = terminal("db", "check", "--rule", "unknown-status", columns=60, env={"NO_COLOR": "1"})
    assert screen.code == 1
    assert (
        screen.text
        == f"""\
SEVERITY  RULE            COUNT  EXAMPLE
E         unknown-status      1  User {ada[:21]}…

unknown-status: The application cannot load this user, or
                any list that contains this user.
  User {ada} status: BANNED
  to do: chatctl users reinstate id:{ada},
         or
         chatctl users suspend id:{ada} to keep the user out
E: the application fails; W: the application may behave
wrongly; I: information only
"""
    )


def test_a_collection_that_may_not_be_read_is_reported(
    chatctl: Chatctl, database: Documents, ids: Ids, monkeypatch: Any
) -> None:
    find = pymongo.collection.Collection.find

    def refuse(self: Any, *args: Any, **options: Any) -> Any:
        if self.name == "Account":
            raise pymongo.errors.OperationFailure("not authorized on it", 13)
        return find(self, *args, **options)

    monkeypatch.setattr(pymongo.collection.Collection, "find", refuse)
    result = chatctl("db", "check", code=6)
    assert "does not allow this" in result.stderr
    assert chatctl("db", "check", "--collection", "Role", "--rule", "missing-field").stdout == ""
    assert chatctl("db", "repair", "--yes", code=6).stdout == ""


def test_in_an_empty_database_only_the_indexes_are_missing(either: Chatctl) -> None:
    rows = json.loads(either("db", "check", "-o", "json", code=1).stdout)
    assert [(row["rule"], row["count"]) for row in rows] == [("missing-index", 6)]


def test_a_check_ends_quietly_if_the_pipe_is_closed(process: Process, database: Documents, ids: Ids) -> None:
    break_it(database, ids)
    database["User"].insert_one(
        {"email": "x", "username": "x", "status": "ACTIVE", "createdAt": BEGAN, "updatedAt": BEGAN}
    )
    assert process("db", "check", line="| head -1").stdout.startswith(b"SEVERITY")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--rule", "status-mismatch"),
            (
                "User: 2 of 3 documents were checked. If a rule found no fault in them,"
                " at most 100 % of all documents have this fault (95 % confidence).\n"
            ),
        ),
        (("--rule", "status-mismatch", "--collection", "Role"), ""),
    ],
)
def test_a_sample_says_how_many_faults_may_remain(
    chatctl: Chatctl, ids: Ids, options: tuple[str, ...], said: str
) -> None:
    del ids
    result = chatctl("db", "check", "--sample", "2", *options)
    assert result.stderr == f"no fault was found\n{said}"
    assert chatctl("db", "check", "--sample", "2", *options, "-o", "json").stderr == ""


def test_a_sample_of_links_says_that_long_lists_were_checked_in_part(chatctl: Chatctl, ids: Ids) -> None:
    del ids
    result = chatctl("db", "check", "--sample", "100", "--rule", "dangling-link")
    assert result.stderr == "no fault was found\ndangling-link: at most 20 ids of each list were checked.\n"


def test_a_larger_sample_leaves_room_for_fewer_faults(chatctl: Chatctl, database: Documents) -> None:
    database["Permission"].insert_many({"name": f"p{number}", "rolesIds": []} for number in range(301))
    said = chatctl("db", "check", "--sample", "300", "--rule", "null-list", "--collection", "Permission").stderr
    assert "Permission: 300 of 301 documents were checked." in said
    assert "at most 1 % of all documents" in said
