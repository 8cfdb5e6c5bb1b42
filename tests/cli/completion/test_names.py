"""Completion of names in the database."""

from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from actions import completion
from tests.cli.completion.conftest import HOSTILE, Complete
from tests.conftest import Chatctl
from tests.people import conversation, person

Documents = Database[dict[str, Any]]


@pytest.fixture
def people(database: Documents) -> None:
    """Insert two users, a group, and their roles and permissions."""
    ada = person(database, "ada")
    person(database, "adam", email="adam@example.com")
    person(database, "bob")
    conversation(database, ada, name="night-shift")
    conversation(database, ada, name="Night shift")
    database["Role"].insert_many([{"name": "admin"}, {"name": "support"}])
    database["Permission"].insert_many([{"name": "user.read"}, {"name": "user.suspend"}])


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chatctl users show ", ["ada", "adam", "bob"]),
        ("chatctl users show ada", ["ada", "adam"]),
        ("chatctl users show 'ada", ["ada", "adam"]),
        ("chatctl users suspend bob ada", ["ada", "adam"]),
        ("chatctl users suspend -n -- ada", ["ada", "adam"]),
        ("chatctl users show username:b", ["username:bob"]),
        ("chatctl users show ada@", ["ada@example.org"]),
        ("chatctl users show email:ad", ["email:ada@example.org", "email:adam@example.com"]),
        ("chatctl users show id:", []),
        ("chatctl users show hashedPassword:", []),
        ("chatctl users show ada b", []),
        ("chatctl users grant ada --role ", ["admin", "support"]),
        ("chatctl users grant ada --role=s", ["--role=support"]),
        ("chatctl users list --permission user.", ["user.read", "user.suspend"]),
        ("chatctl users can ada user.r", ["user.read"]),
        ("chatctl roles grant s", ["support"]),
        ("chatctl roles show name:s", ["name:support"]),
        ("chatctl roles grant support user.read user.s", ["user.suspend"]),
        ("chatctl roles rename support ", []),
        ("chatctl conversations show ", ["night-shift"]),
        ("chatctl conversations add night-shift b", ["bob"]),
        ("chatctl conversations list --between ada b", ["bob"]),
        ("chatctl messages send --conversation night-shift --from b", ["bob"]),
        ("chatctl audit list --target b", ["bob"]),
        ("chatctl users show $", []),
        ("chatctl users show .*", []),
    ],
)
def test_names_from_the_database_are_completed(complete: Complete, line: str, words: list[str]) -> None:
    assert complete(line) == words


def test_holds_and_open_proposals_complete(complete: Complete, chatctl: Chatctl, people: None) -> None:
    chatctl("holds", "add", "case-12", "--user", "ada", "--reason", "a letter")
    for who in ("bob", "adam"):
        chatctl("users", "suspend", who, "--propose", "--reason", "spam")
    adam, bob = chatctl("proposals", "list", "-o", "ids").stdout.split()
    assert complete("chatctl proposals approve ") == [adam, bob]
    assert complete(f"chatctl proposals show {bob}") == [bob]
    chatctl("proposals", "withdraw", bob, "--yes")
    assert complete("chatctl proposals reject ") == [adam]
    for verb in ("show", "release", "check", "export"):
        assert complete(f"chatctl holds {verb} ca") == ["case-12"]
    assert complete("chatctl holds add ca") == []


@pytest.mark.parametrize("begun", ["", "ad", "$", "`", "-", "~", "'", ":", "username:", "name:ad"])
def test_a_hostile_name_is_never_given_to_a_shell(complete: Complete, database: Documents, begun: str) -> None:
    for number, name in enumerate(["ada", *HOSTILE]):
        person(database, name, email=f"{number}@example.org")
        database["Role"].insert_one({"name": name})
        conversation(database, name=name)
    found = [
        word
        for command in ("users show", "roles show", "conversations show")
        for word in complete(f"chatctl {command} -- {begun}")
    ]
    assert {word.rpartition(":")[2] for word in found} <= {"ada"}


def test_a_name_that_looks_like_an_id_or_address_is_not_offered(complete: Complete, database: Documents) -> None:
    identifier = str(ObjectId())
    person(database, "boss@example.org", email="mallory@example.org")
    person(database, identifier, email="x@example.org")
    database["Role"].insert_one({"name": identifier})
    assert complete("chatctl users show boss") == []
    assert complete("chatctl users show boss@") == []
    assert complete("chatctl users show username:boss") == ["username:boss@example.org"]
    assert complete(f"chatctl users show {identifier[:20]}") == []
    assert complete(f"chatctl users show {identifier}") == []
    assert complete(f"chatctl roles show {identifier[:20]}") == []


def test_valid_names_are_completed_although_other_data_is_broken(complete: Complete, database: Documents) -> None:
    database["Role"].insert_many([{"name": ["support"]}, {"name": None}, {"name": 7}, {}, {"name": "support"}])
    assert complete("chatctl roles show ") == ["support"]


def test_valid_names_are_found_after_many_names_that_cannot_be_completed(
    complete: Complete, database: Documents
) -> None:
    database["Role"].insert_many([{"name": f"a $(touch {number})"} for number in range(300)])
    database["Role"].insert_one({"name": "admin"})
    assert complete("chatctl roles show a") == ["admin"]


def test_a_common_prefix_of_the_first_names_is_not_completed_as_that_of_all(
    complete: Complete, database: Documents
) -> None:
    database["Role"].insert_many([{"name": f"team-a{number:02}"} for number in range(completion.AT_MOST + 5)])
    database["Role"].insert_one({"name": "team-b"})
    found = complete("chatctl roles show t")
    assert len(found) == completion.AT_MOST + 1
    assert found[-1] == "team-b"


def test_names_come_from_the_database_that_the_line_names(
    complete: Complete, chatctl: Chatctl, database: Documents, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database["Role"].insert_one({"name": "support"})
    monkeypatch.delenv("MONGODB_DATABASE_URL")
    assert complete("chatctl roles show ") == []
    assert complete(f"chatctl --url {url} roles show ") == ["support"]
    assert complete(f"chatctl roles --url={url} show ") == ["support"]
    assert complete(f"chatctl roles show --url {url} ") == ["support"]
    assert complete(f"chatctl --local --url {url} roles show ") == []
    chatctl("context", "add", "here", "--url", url)
    assert complete("chatctl roles show --context here ") == ["support"]
    assert complete("chatctl roles show ") == []
    chatctl("context", "use", "here")
    assert complete("chatctl roles show ") == ["support"]


def test_completion_reads_no_env_file_and_completes_no_names_if_there_is_one(
    complete: Complete, chatctl: Chatctl, database: Documents, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database["Role"].insert_one({"name": "support"})
    monkeypatch.delenv("MONGODB_DATABASE_URL")
    chatctl("context", "add", "here", "--url", url)
    chatctl("context", "use", "here")
    Path(".env").write_text(f"MONGODB_DATABASE_URL={url}")
    assert complete("chatctl roles show ") == []
    Path(".env").rename("other")
    assert complete("chatctl roles show ") == ["support"]
    assert complete("chatctl --env-file other roles show ") == []


def test_a_context_whose_url_a_command_prints_completes_no_names(
    complete: Complete, chatctl: Chatctl, url: str, database: Documents, workspace: Path
) -> None:
    database["Role"].insert_one({"name": "support"})
    (workspace / "say").write_text(f"#!/bin/sh\ntouch ran\necho {url}\n")
    (workspace / "say").chmod(0o755)
    chatctl("context", "add", "secret", "--url-command", "./say")
    assert complete("chatctl --context secret roles show ") == []
    assert not (workspace / "ran").exists()
