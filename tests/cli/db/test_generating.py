"""Generated data are realistic, consistent and reproducible, and have faults if the user asks for faults."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bcrypt
import mimesis
import pytest
from people import SEVEN, links, person
from pymongo.database import Database

from actions.database.checking import check
from actions.database.checking.rules import all_rules
from database import connection
from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

Documents = Database[dict[str, Any]]

SMALL = ("db", "generate", "--users", "15", "--conversations", "8", "--messages", "120")
LATE = ("invalid-text", "missing-index", "misnamed-index", "other-collection", "secret-in-trail")


def everything(database: Documents) -> dict[str, list[dict[str, Any]]]:
    return {name: list(database[name].find().sort("_id")) for name in SEVEN}


def faults() -> dict[str, int]:
    found = {row["rule"]: row["count"] for row in check() if row["rule"] not in LATE}
    connection.close()
    return found


def test_the_requested_number_is_generated_without_faults(either: Chatctl, database: Documents) -> None:
    done = either(*SMALL, "--yes")
    assert done.stdout.splitlines() == [
        "users: created (15)",
        "profiles: created (12)",
        "accounts: created (5)",
        "conversations: created (8)",
        "messages: created (120)",
    ]
    assert 'have the password "made up to try things out"' in done.stderr
    assert [database[name].count_documents({}) for name in ("User", "Conversation", "Message")] == [15, 8, 120]
    links(database)
    assert either("db", "check", code=0).stderr == "no fault was found\n"


def test_generated_data_looks_as_if_the_application_wrote_it(chatctl: Chatctl, database: Documents) -> None:
    chatctl("db", "generate", "--yes")
    made = everything(database)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for name, field in (("User", "createdAt"), ("Conversation", "created_at"), ("Message", "createAt")):
        assert all(one["_id"].generation_time == one[field].replace(microsecond=0) for one in made[name])
        assert all(midnight - timedelta(days=365) <= one[field] < midnight for one in made[name])
    users = {user["_id"]: user for user in made["User"]}
    assert {user["email"].partition("@")[2] for user in users.values()} == {
        "example.org",
        "example.com",
        "example.net",
    }
    assert all(user["email"] == user["email"].lower() for user in users.values())
    assert all(user["createdAt"] <= user["updatedAt"] for user in users.values())
    assert all(
        "hashedPassword" in user or database["Account"].find_one({"userId": user["_id"]}) for user in made["User"]
    )
    assert database["Account"].count_documents({"expires_at": {"$type": "long"}}) == len(made["Account"])
    for place in made["Conversation"]:
        assert ("name" in place, place.get("isGroup")) in {(True, True), (False, None)}
        assert len(place["userIds"]) > 2 if "name" in place else len(place["userIds"]) == 2
        assert all(users[person]["createdAt"] <= place["created_at"] for person in place["userIds"])
        assert len(place["messagesIds"]) == database["Message"].count_documents({"conversationId": place["_id"]})
    assert all(("body" in message) != ("image" in message) for message in made["Message"])
    assert not any(None in document.values() for documents in made.values() for document in documents)
    said = " ".join(message.get("body", "") + users[message["senderId"]]["name"] for message in made["Message"])
    assert not said.isascii()


def test_all_generated_users_have_the_same_password(chatctl: Chatctl, database: Documents) -> None:
    chatctl(*SMALL, "--yes")
    hashes = database["User"].distinct("hashedPassword")
    assert len(hashes) == 1
    assert bcrypt.checkpw(b"made up to try things out", hashes[0].encode())


def test_the_same_seed_gives_the_same_data_and_another_seed_other_data(chatctl: Chatctl, database: Documents) -> None:
    made = []
    for seed in ("1", "1", "2"):
        for name in SEVEN:
            database[name].drop()
        chatctl(*SMALL, "--yes", "--seed", seed, "--broken", "1")
        made.append(everything(database))
    assert made[0] == made[1]
    assert not {user["username"] for user in made[0]["User"]} & {user["username"] for user in made[2]["User"]}
    assert not {one["_id"] for one in made[0]["Message"]} & {one["_id"] for one in made[2]["Message"]}


def test_generated_users_get_all_roles_except_protected_ones(
    chatctl: Chatctl, database: Documents, workspace: Path
) -> None:
    (workspace / "seed.yaml").write_text("version: 1\nroles:\n  - name: viewer\n  - name: admin\n    protected: true\n")
    chatctl("seeds", "apply", "seed.yaml")
    chatctl("db", "generate", "--yes")
    members = {role["name"]: role["members"] for role in json.loads(chatctl("roles", "list", "-o", "json").stdout)}
    assert members["admin"] == 0
    assert 10 < members["viewer"] < 60
    links(database)


def test_a_database_that_has_users_is_refused(either: Chatctl, database: Documents) -> None:
    person(database, "ada")
    said = either(*SMALL, "--yes", code=7).stderr
    assert said.splitlines()[-2].endswith(
        " already has users; generated users are only added to an empty database or to the embedded database"
    )
    assert database["User"].count_documents({}) == 1


def test_generating_many_users_asks_and_a_dry_run_has_the_numbers(either: Chatctl, database: Documents) -> None:
    assert "confirmation is required" in either(*SMALL, code=7).stderr
    assert (
        "this would change 160 items, but --max allows only 159"
        in either(*SMALL, "--yes", "--max", "159", code=7).stderr
    )
    planned = either(*SMALL, "--dry-run")
    assert planned.stdout.splitlines() == [
        "create 15 users",
        "create 12 profiles",
        "create 5 accounts",
        "create 8 conversations",
        "create 120 messages",
        "create indexes: 6",
    ]
    assert planned.stderr.endswith("nothing was written: this was a dry run\n")
    assert database.list_collection_names() == []
    few = ("db", "generate", "--users", "3", "--conversations", "1", "--messages", "2")
    outcome = json.loads(either(*few, "-o", "json").stdout)
    assert outcome["results"][0] == {"id": None, "ref": "users", "outcome": "created", "message": "3"}


def test_the_question_says_what_will_be_generated(terminal: Terminal, database: Documents) -> None:
    shown = terminal(*SMALL, typed="n\n")
    assert shown.code == 7
    assert "  create 120 messages\n" in shown.text
    assert database["User"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        (("1", "1", "0"), "a conversation requires at least two users"),
        (("2", "2", "0"), "two users can have only one conversation"),
        (("5", "0", "1"), "a message requires a conversation"),
        (("3", "1", "2000001"), "too many messages for one user: the limit is 650,000"),
        (("-1", "1", "1"), "must be 0 or more"),
    ],
)
def test_impossible_numbers_are_refused(chatctl: Chatctl, numbers: tuple[str, ...], why: str) -> None:
    users, conversations, messages = numbers
    line = ("db", "generate", "--yes", "--users", users, "--conversations", conversations, "--messages", messages)
    assert why in chatctl(*line, code=2).stderr


@pytest.mark.parametrize(
    "numbers",
    [("0", "0", "0"), ("1", "0", "0"), ("2", "1", "5"), ("3", "9", "0"), ("40", "1", "300"), ("4", "30", "1")],
)
def test_few_or_no_documents_can_be_generated(either: Chatctl, database: Documents, numbers: tuple[str, ...]) -> None:
    users, conversations, messages = numbers
    either("db", "generate", "--yes", "--users", users, "--conversations", conversations, "--messages", messages)
    found = [database[name].count_documents({}) for name in ("User", "Conversation", "Message")]
    assert found == [int(number) for number in numbers]
    assert faults() == {}


def test_the_audit_trail_has_the_numbers_of_generated_documents(chatctl: Chatctl, database: Documents) -> None:
    event = json.loads(chatctl(*SMALL, "--yes", "--reason", "a try", "-o", "json").stdout)["event"]
    shown = chatctl("audit", "show", event).stdout.splitlines()
    assert shown[-3:] == ["create 8 conversations", "create 120 messages", "create indexes: 6"]
    assert database["chatctl_audit"].count_documents({}) == 1
    assert database["chatctl_images"].count_documents({}) == 0
    chatctl("audit", "undo", event, "--yes", code=7)


def test_few_documents_are_written_in_one_transaction_with_their_faults(chatctl: Chatctl, database: Documents) -> None:
    chatctl(*SMALL, "--yes", "--broken", "1")
    assert [(one["kind"], one["whole"]) for one in database["chatctl_audit"].find()] == [("event", True)]


def test_users_without_latin_names_get_an_english_first_name_as_username(chatctl: Chatctl, database: Documents) -> None:
    chatctl("db", "generate", "--users", "40", "--conversations", "0", "--messages", "0", "--yes")
    others = [user["username"] for user in database["User"].find() if not re.search("[A-Za-z]", user["name"])]
    names = mimesis.Person(mimesis.Locale.EN)._extract(["names"])
    english = {name.lower() for some in names.values() for name in some}
    assert others
    assert english.issuperset(name.rstrip("0123456789") for name in others)


def test_without_the_library_the_error_says_what_to_install(process: Process, workspace: Path) -> None:
    (workspace / "mimesis.py").write_text("raise ImportError")
    done = process(*SMALL, "--yes", env={"PYTHONPATH": str(workspace)})
    assert done.returncode == 5
    assert done.stderr.decode().splitlines() == [
        "error: generated people require the Python package mimesis, which is not installed",
        "hint: run in the folder of chatctl's source: uv tool install '.[local]', or pipx install --force '.[local]'",
    ]


def test_each_kind_of_fault_is_generated_as_often_as_requested(chatctl: Chatctl, database: Documents) -> None:
    database.create_collection("Profile")  # the collection has no unique index
    done = chatctl(*SMALL, "--yes", "--broken", "2")
    assert "unique indexes" not in done.stderr
    kinds = {rule.name for rule in all_rules()}
    assert faults() == dict.fromkeys(kinds.difference(LATE), 2)


def test_faults_that_unique_indexes_prevent_are_not_generated(chatctl: Chatctl) -> None:
    done = chatctl(*SMALL, "--yes", "--broken", "1")
    assert "No faults are made for duplicate-key, second-profile: unique indexes prevent these faults." in done.stderr
    found = faults()
    assert set(found.values()) == {1}
    assert {rule.name for rule in all_rules()} - found.keys() == {"duplicate-key", "second-profile", *LATE}
    said = chatctl("db", "repair", "--yes").stdout.splitlines()
    repaired = {line.partition(":")[0] for line in said if ": repaired" in line}
    assert {"string-id", "null-list", "dangling-link", "stale-last-message"} <= repaired
    assert not repaired & faults().keys()
