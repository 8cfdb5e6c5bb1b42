"""A write to a protected database requires the name of the database, and a read of messages can record an event."""

import json
from pathlib import Path
from typing import Any

import pytest
import typed
from people import SEVEN, Documents

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

MESSAGE = str(typed.MESSAGE)
REFUSED = 'error: Not changed: this database is protected as "prod".\n'
QUESTION = 'Type "prod" to confirm: '


@pytest.fixture
def protected(chatctl: Chatctl, database: Documents, workspace: Path) -> Chatctl:
    typed.settle(database)
    typed.lay_out(workspace)
    chatctl("db", "protect", "prod")
    return chatctl


def contents(database: Documents) -> dict[str, Any]:
    return {name: list(database[name].find().sort("_id", 1)) for name in sorted(database.list_collection_names())}


@pytest.mark.parametrize("words", typed.WRITES)
def test_every_write_requires_the_name(protected: Chatctl, database: Documents, words: str) -> None:
    if words == "db generate":
        for name in SEVEN:
            database[name].drop()
    line = (*words.split(), *(("other",) if words == "db protect" else typed.WRITES[words]))
    before = contents(database)
    for answered in ((), ("--yes",), ("-o", "json"), ("--yes", "--reason", "prod")):
        refused = protected(*line, *answered, code=7)
        assert refused.stdout == ""
        assert "Not changed: this database is protected as " in refused.stderr
    assert "the target database is" in protected(*line, "--yes", "--expect", database.name, code=7).stderr
    protected(*line, "--dry-run")
    assert contents(database) == before
    assert json.loads(protected(*line, "--expect", "prod", "-o", "json").stdout)["event"]


def test_every_command_that_writes_is_in_the_table_of_writes() -> None:
    assert typed.WRITES.keys() == {words for words, command in typed.commands() if typed.is_write(command)}


def test_the_refusal_says_what_to_type(protected: Chatctl) -> None:
    assert protected("users", "suspend", "ada", "--yes", code=7).stderr == (
        f"{REFUSED}hint: Preview it with --dry-run, confirm it with --expect prod. --yes is not enough here.\n"
    )


def test_variables_can_replace_the_options_expect_and_reason(protected: Chatctl) -> None:
    env = {"CHATCTL_EXPECT": "prod", "CHATCTL_REASON": "case 4711"}
    assert protected("users", "suspend", "ada", env=env).stdout == "ada: suspended\n"
    [event] = json.loads(protected("audit", "list", "--sort", "-at", "--limit", "1", "-o", "json").stdout)
    assert (event["command"], event["reason"]) == ("users suspend ada", "case 4711")
    other = {"CHATCTL_EXPECT": "test", "CHATCTL_REASON": ""}
    assert "the target database is" in protected("users", "list", env=other, code=7).stderr
    protected("--expect", "prod", "users", "list", env=other)
    protected("users", "reinstate", "ada", env={"CHATCTL_EXPECT": ""}, code=7)
    protected("users", "reinstate", "ada", "--reason", "found", env={**env, "CHATCTL_REASON": "not this"})
    [event] = json.loads(protected("audit", "list", "--sort", "-at", "--limit", "1", "-o", "json").stdout)
    assert event["reason"] == "found"


def test_the_reason_for_reading_messages_may_come_from_a_variable(protected: Chatctl) -> None:
    protected("db", "protect", "prod", "--mask-bodies", "--expect", "prod")
    line = ("messages", "show", MESSAGE, "--reveal")
    assert "kettle" in protected(*line, env={"CHATCTL_REASON": "case 4711"}).stdout
    assert "--reason" in protected(*line, env={"CHATCTL_REASON": " "}, code=2).stderr


@pytest.mark.parametrize(
    ("answer", "code"),
    [("prod\n", 0), (" prod \n", 0), ("y\n", 7), ("yes\n", 7), ("PROD\n", 7), ("\n", 7), ("\x04", 7)],
)
def test_on_a_terminal_the_user_types_the_name_of_the_protected_database(
    protected: Chatctl, terminal: Terminal, database: Documents, answer: str, code: int
) -> None:
    screen = terminal("users", "verify-email", "cyd", "--yes", answers={QUESTION: answer})
    assert screen.code == code
    question = "Mark the e-mail of cyd (cyd@example.org) as verified? This database is protected."
    assert f"{question} {QUESTION}" in screen.text.replace("\n", " ")
    assert f"changing {database.name} on " in screen.text
    assert ("cyd: verified" in screen.text) == (code == 0)
    assert ("\nCancelled. Nothing was changed.\n" in screen.text) == (code == 7)


def test_a_write_that_changes_nothing_does_not_ask(protected: Chatctl) -> None:
    assert protected("users", "suspend", "bob").stdout == "bob: unchanged (already suspended)\n"


def test_the_protection_is_replaced_shown_and_removed(protected: Chatctl) -> None:
    def marker() -> Any:
        return json.loads(protected("db", "status", "-o", "json").stdout)["protected"]

    assert marker() == {"name": "prod", "maskBodies": False, "auditReads": False, "twoPeople": False}
    assert protected("db", "protect", "prod").stdout == "prod: unchanged (already protected)\n"
    changed = protected("db", "protect", "live", "--audit-reads", "--mask-bodies", "--expect", "prod")
    assert changed.stdout == "live: protected\n"
    assert marker() == {"name": "live", "maskBodies": True, "auditReads": True, "twoPeople": False}
    protected("audit", "undo", changed.stderr.split()[-1], "--expect", "live")
    assert marker() == {"name": "prod", "maskBodies": False, "auditReads": False, "twoPeople": False}
    assert protected("db", "unprotect", "--expect", "prod").stdout == "prod: unprotected\n"
    assert marker() is None
    assert protected("db", "unprotect").stdout.endswith(": unchanged (already unprotected)\n")
    [event] = json.loads(protected("audit", "list", "--command", "db unprotect", "-o", "json").stdout)
    assert protected("audit", "undo", event["id"], "--yes").stdout == "db unprotect: undone\n"
    assert marker() == {"name": "prod", "maskBodies": False, "auditReads": False, "twoPeople": False}


@pytest.mark.parametrize("word", ["", "a b", "-x", "x" * 65, "prod\x1b[31m", "prod\n", "größe"])
def test_a_name_that_is_hard_to_type_is_refused(chatctl: Chatctl, database: Documents, word: str) -> None:
    said = chatctl("db", "protect", "--", word, code=5)
    assert "cannot be the name of a protected database" in said.stderr
    assert "\x1b" not in said.stderr
    assert database.list_collection_names() == []


@pytest.mark.parametrize("line", ["users list", "messages list --count", "messages list -o ids", "roles matrix"])
def test_reading_without_messages_leaves_no_event(protected: Chatctl, database: Documents, line: str) -> None:
    protected("db", "protect", "prod", "--audit-reads", "--expect", "prod")
    before = contents(database)
    protected(*line.split())
    assert contents(database) == before


def test_reading_messages_leaves_an_event_in_a_read_only_context_too(
    protected: Chatctl, database: Documents, url: str
) -> None:
    protected("db", "protect", "prod", "--audit-reads", "--expect", "prod")
    protected("context", "add", "live", "--url", url, "--read-only")
    assert "kettle" in protected("messages", "show", MESSAGE, "--context", "live", "--reason", "case 4711").stdout
    protected("messages", "search", "kettle", "--sender", "ada", "--context", "live")
    protected("users", "export-data", "ada", "--to", "ada.zip", "--context", "live")
    events = json.loads(protected("audit", "list", "--sort", "at", "-o", "json").stdout)
    assert [(event["command"], event["reason"], event["state"]) for event in events[-3:]] == [
        (f"messages show {MESSAGE}", "case 4711", "done"),
        ("messages search --sender ada", None, "done"),
        ("users export-data ada", None, "done"),
    ]
    [found] = json.loads(protected("audit", "list", "--target", MESSAGE, "--command", "messages", "-o", "json").stdout)
    assert found["id"] == events[-3]["id"]
    shown = protected("audit", "show", found["id"])
    assert shown.stderr == ""
    assert database["chatctl_images"].count_documents({"event": found["id"]}) == 0


@pytest.mark.parametrize("command", ["messages list", "messages show", "conversations transcript", "messages search"])
def test_messages_are_not_shown_if_the_event_cannot_be_written(
    protected: Chatctl, database: Documents, command: str
) -> None:
    protected("db", "protect", "prod", "--audit-reads", "--expect", "prod")
    argument = {"messages list": (), "messages show": (MESSAGE,), "messages search": ("kettle",)}
    data = {"failCommands": ["insert"], "errorCode": 13}
    database.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=data)
    said = protected(*command.split(), *argument.get(command, ("Night shift",)), code=6)
    assert said.stdout == ""
    assert "kettle" not in said.stderr


def test_after_unprotect_the_next_write_needs_no_name(protected: Chatctl, database: Documents) -> None:
    database["chatctl_state"].update_one({"_id": "marker"}, {"$set": {"maskBodies": "yes", "name": 5}})
    assert 'is protected as "5"' in protected("users", "suspend", "ada", "--yes", code=7).stderr
    assert "(19 characters)" in protected("messages", "list", "--columns", "body").stdout


@pytest.mark.parametrize("called", ["", None])
def test_a_marker_without_a_name_has_the_name_of_the_database(
    protected: Chatctl, database: Documents, called: Any
) -> None:
    database["chatctl_state"].update_one({"_id": "marker"}, {"$set": {"name": called}})
    assert f'is protected as "{database.name}"' in protected("users", "suspend", "ada", "--yes", code=7).stderr
    protected("users", "suspend", "ada", "--expect", "", code=7)
    assert protected("users", "suspend", "ada", "--expect", database.name).stdout == "ada: suspended\n"


def test_a_hint_is_harmless_whatever_the_marker_contains(protected: Chatctl, database: Documents) -> None:
    database["chatctl_state"].update_one({"_id": "marker"}, {"$set": {"name": "a; rm -rf ~"}})
    said = protected("users", "suspend", "ada", "--yes", code=7).stderr
    assert "confirm it with --expect 'a; rm -rf ~'. --yes is not enough here" in said


@pytest.mark.parametrize("line", ["messages search kettle", "messages list", "messages tail"])
def test_a_command_with_an_unknown_name_leaves_no_event(protected: Chatctl, database: Documents, line: str) -> None:
    protected("db", "protect", "prod", "--audit-reads", "--expect", "prod")
    before = contents(database)
    protected(*line.split(), "--sender", "the kettle is mine", code=3)
    assert contents(database) == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"messages redact {MESSAGE} --text kettle", f"messages redact {MESSAGE} --dry-run"),
        ("conversations delete", "conversations delete Night shift --dry-run"),
        ("users delete cyd ada nobody --skip-missing", "users delete cyd ada --dry-run"),
    ],
)
def test_a_preview_that_shows_messages_leaves_an_event_about_them(protected: Chatctl, line: str, said: str) -> None:
    protected("db", "protect", "prod", "--audit-reads", "--expect", "prod")
    protected(*line.split(), *(["Night shift"] if line.startswith("conv") else []), "--dry-run")
    [event] = json.loads(protected("audit", "list", "--sort", "-at", "--limit", "1", "-o", "json").stdout)
    assert event["command"] == said
