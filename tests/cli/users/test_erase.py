"""`chatctl users erase`: its question, preview, result and report."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
from bson import ObjectId
from history import HERS, WRITTEN, History, everything, found, user, write
from pymongo.database import Database

from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

PICTURES = [text for text in HERS if text.startswith("https")]


@pytest.fixture
def past(database: Database[dict[str, Any]], chatctl: Chatctl) -> History:
    return write(database)


def test_the_output_says_what_was_erased_and_which_images_to_delete_elsewhere(
    chatctl: Chatctl, database: Database[dict[str, Any]], past: History
) -> None:
    label = f"erased-{past.ada['_id']}"
    done = chatctl("users", "erase", "later.ada@example.org", "--yes")
    told = [f"delete this image where it is stored: {url}" for url in PICTURES]
    assert done.stdout.splitlines()[0] == f"{label}: erased"
    assert sorted(done.stdout.splitlines()[1:]) == sorted(told)
    assert "undo" not in done.stderr.splitlines()[-1]
    assert all(f"{line}\n" in done.stderr for line in told)
    assert found(database, HERS) == []
    assert chatctl("users", "erase", past.ada["_id"], "--yes") == (
        f"{label}: unchanged (already erased)\n",
        "nothing to do\n",
        0,
    )
    chatctl("users", "erase", "later.ada@example.org", "--yes", code=3)


def test_json_output_has_the_urls_of_images_too(chatctl: Chatctl, past: History) -> None:
    done = chatctl("users", "erase", "ada_later", "--with-messages", "--yes", "--max", "1", "-o", "json")
    outcome = json.loads(done.stdout)
    assert (outcome["changed"], outcome["results"][0]["outcome"], done.stderr) == (1, "erased", "")
    assert set(outcome["results"][0]["elsewhere"]) == {
        *PICTURES,
        *(text for text in WRITTEN if text.startswith("https")),
    }


def test_an_erasure_requires_confirmation_and_a_dry_run_writes_nothing(
    chatctl: Chatctl, database: Database[dict[str, Any]], past: History
) -> None:
    was = everything(database)
    chatctl("users", "erase", "ada_later", code=7)
    shown = chatctl("users", "erase", "ada_later", "--with-messages", "--dry-run")
    assert "Kept: 3 messages, without text and image\n" in shown.stderr
    assert shown.stderr.endswith("nothing was written: this was a dry run\n")
    assert f"~ User erased-{past.ada['_id']}: " in shown.stdout
    assert "body Notes on the engine -> [removed by an administrator]\n" in shown.stdout
    assert everything(database) == was


def test_an_event_without_the_erased_data_is_shown_and_cannot_be_undone(chatctl: Chatctl, past: History) -> None:
    chatctl("users", "erase", "ada_later", "--yes")
    event = past.events["update"]
    refused = chatctl("audit", "undo", event, "--yes", code=7).stderr
    assert refused.startswith(f"error: event {event} cannot be undone: a user whom it changed has been erased\nhint: ")
    shown = chatctl("audit", "show", event).stdout
    assert f"users update erased-{past.ada['_id']} --username erased-{past.ada['_id']}" in shown
    assert "email (erased) -> (erased)" in shown


def test_the_question_says_what_will_be_erased(
    chatctl: Chatctl, terminal: Terminal, database: Database[dict[str, Any]], past: History
) -> None:
    screen = terminal("users", "erase", "ada_later", typed="n\n", columns=200)
    assert screen.code == 7
    lines = [line.strip() for line in screen.text.splitlines()]
    for line in (
        "delete 1 account",
        "delete 1 profile",
        "Kept: 3 messages, unchanged. --with-messages removes their text and images.",
        "No longer undoable: 8 events",
        "This cannot be undone. Backups are not changed.",
        *(f"delete this image where it is stored: {url}" for url in PICTURES),
    ):
        assert line in lines
    assert found(database, HERS) == list(HERS)
    assert terminal("users", "erase", "ada_later", typed="y\n").code == 0
    assert found(database, HERS) == []


def test_the_help_says_that_it_cannot_be_undone_and_names_the_alternatives(chatctl: Chatctl) -> None:
    said = " ".join(chatctl("users", "erase", "--help").stdout.split())
    assert "This cannot be undone." in said
    assert "To only block sign-ins, use suspend." in said


KILLED = """
import os, signal
from actions import users
from changes import Watch, apply

class Killed(Watch):
    def wrote(self, documents, total):
        os.kill(os.getpid(), signal.SIGKILL)

apply(users.erase("ada@example.org", with_messages=True), watch=Killed())
"""


def test_the_next_run_finishes_a_killed_erasure(
    environment: dict[str, str], database: Database[dict[str, Any]], process: Process
) -> None:
    ada = user("ada", name="Ada Lovelace")
    said = {"senderId": ada["_id"], "conversationId": ObjectId(), "createAt": ada["createdAt"], "seenIds": []}
    database["User"].insert_one(ada)
    database["Message"].insert_many([{"_id": ObjectId(), "body": f"secret {n}", **said} for n in range(2_500)])
    killed = subprocess.run([sys.executable, "-c", KILLED], env=environment, check=False)  # noqa: S603
    assert killed.returncode == -signal.SIGKILL
    assert database["Message"].count_documents({"body": {"$regex": "^secret"}}) == 1_500
    assert database["User"].find_one()["username"] == "ada"

    done = process("users", "erase", "ada@example.org", "--with-messages", "--yes")

    assert (done.returncode, done.stdout) == (0, f"erased-{ada['_id']}: erased\n".encode())
    assert found(database, ("secret", "ada@example.org", "Lovelace")) == []


@pytest.mark.parametrize("field", ["a.b", "$secret", "a.$b"])
def test_a_field_with_a_dot_in_its_name_is_erased_too(
    chatctl: Chatctl, database: Database[dict[str, Any]], field: str
) -> None:
    chatctl("users", "create", "--email", "jane@example.org", "--username", "jane", "--no-password")
    user = database["User"].find_one({"username": "jane"}) or {}
    database["User"].delete_one({"_id": user["_id"]})
    database["User"].insert_one({**user, field: "SECRET"})
    chatctl("users", "erase", "jane", "--yes")
    assert "SECRET" not in str(database["User"].find_one({"_id": user["_id"]}))
