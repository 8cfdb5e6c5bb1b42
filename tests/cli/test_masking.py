"""In a masked database, every command and every format shows only the length of a message."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import typed
from bson import ObjectId
from people import BEGAN, SEVEN, Documents

from changes import Changeset, Delete, Insert
from changes.plans import plan_of
from cli.group import Revealing
from cli.output.masking import MASKED
from cli.params import TESTS
from tests.conftest import Chatctl, Result

MESSAGE = str(typed.MESSAGE)
REDACTED = ObjectId("700000000000000000000002")
PROPOSED = ObjectId("730000000000000000000001")
IMAGE = "https://img.example.org/kettle.png"
SECRETS = ("kettle", "hello")
"""The texts and images of the messages in `hidden`, and the text that `messages send` sends."""
BROKEN = {"body": {"text": "the kettle"}, "image": {"url": IMAGE}, "name": "kettle", "markup": "<b>kettle</b>"}
"""A message with broken data, as another program may store it."""

LOOKS: dict[str, tuple[str, ...]] = {
    "users export-data": ("ada", "--to", "ada.zip"),
    "conversations show": ("Night shift",),
    "conversations transcript": ("Night shift",),
    "messages list": ("--columns", "body,image"),
    "messages show": (MESSAGE,),
    "audit show": (str(REDACTED),),
    "holds export": ("all", "--to", "all.zip"),
    "proposals show": (str(PROPOSED),),
}
"""Commands that read and can show messages. `messages tail` and `messages search` have their own tests."""

WRITES = {words: typed.WRITES[words] for words, command in typed.commands() if typed.is_write(command)}


@pytest.fixture
def hidden(chatctl: Chatctl, database: Documents, workspace: Path) -> Chatctl:
    """Insert messages (one message is broken), and an event with the text of a message. Then mask the database."""
    settle(database, workspace)
    chatctl("db", "protect", "prod", "--mask-bodies")
    return chatctl


def settle(database: Documents, workspace: Path) -> None:
    typed.settle(database)
    typed.lay_out(workspace)
    database["Message"].update_one({"_id": typed.MESSAGE}, {"$set": {"image": IMAGE}})
    said = database["Message"].find_one({"_id": typed.MESSAGE}) or {}
    database["Message"].insert_one({**said, "_id": ObjectId(), **BROKEN})
    head = {"_id": REDACTED, "kind": "event", "at": BEGAN, "actor": {}, "command": "messages send"}
    changes = [
        {
            "op": "insert",
            "collection": "Message",
            "ids": [typed.MESSAGE],
            "fields": [{"field": name, "to": said[name]} for name in ("body", "image", "createAt")],
        }
    ]
    hold = {
        "kind": "hold",
        "name": "all",
        "placed": BEGAN,
        "released": BEGAN,
        "users": [typed.ADA],
        "conversations": [],
    }
    database["chatctl_holds"].insert_one(hold)
    part = {"kind": "part", "event": REDACTED, "batch": 0, "targets": [], "changes": changes, "names": []}
    sent = Insert("Message", {**said, "_id": ObjectId(), "seenIds": []})
    typed.propose(database, PROPOSED, "zoe", plan_of(Changeset("messages", [], [[Delete("Message", said), sent]])))
    database["chatctl_audit"].insert_many([{**head, "summary": [], "whole": True, "undoable": True}, part])


def formats(command: str) -> list[tuple[str, ...]]:
    if command in {"users export-data", "holds export"}:
        return [("-o", form, "--overwrite") for form in ("table", "json")]
    parameters = dict(typed.commands())[command].params
    [forms] = [parameter.metavar for parameter in parameters if "-o" in parameter.opts]
    return [("-o", form) for form in forms.split("|")]


def shown(said: Result, workspace: Path) -> str:
    """Return everything that a command has printed or written to files."""
    text = said.stdout + said.stderr
    for file in workspace.glob("*.zip"):
        with zipfile.ZipFile(file) as archive:
            text += "".join(archive.read(name).decode() for name in archive.namelist())
    return text


def secrets_in(text: str) -> Iterator[str]:
    return (secret for secret in SECRETS if secret in text)


def test_every_command_that_can_show_messages_is_in_the_table() -> None:
    revealing = {words for words, command in typed.commands() if isinstance(command, Revealing)}
    assert revealing - WRITES.keys() == {*LOOKS, "messages search", "messages tail", "db copy"}


@pytest.mark.parametrize("command", LOOKS)
def test_messages_are_shown_as_their_length_in_every_format(hidden: Chatctl, workspace: Path, command: str) -> None:
    for form in formats(command):
        masked = hidden(*command.split(), *LOOKS[command], *form)
        assert not list(secrets_in(shown(masked, workspace))), form
        assert (MASKED in masked.stderr) == (form[1] not in {"json", "ids"}), form
        revealed = hidden(*command.split(), *LOOKS[command], *form, "--reveal", "--reason", "case 4711")
        assert (form[1] == "ids") != ("kettle" in shown(revealed, workspace)), form
        assert MASKED not in revealed.stderr


@pytest.mark.parametrize("form", TESTS)
def test_a_check_says_where_a_message_is_broken_and_not_what_it_says(hidden: Chatctl, form: str) -> None:
    said = hidden("db", "check", "-o", form, code=1).stdout
    assert "wrong-type" in said
    assert not list(secrets_in(said))


def test_the_length_of_a_message_replaces_its_text(hidden: Chatctl) -> None:
    lines = hidden("messages", "list", "--columns", "body,image").stdout.splitlines()
    assert lines == ["BODY             IMAGE", "(document)       (document)", "(19 characters)  (34 characters)"]
    [row] = [row for row in json.loads(hidden("messages", "list", "-o", "json").stdout) if row["id"] == MESSAGE]
    assert (row["body"], row["image"]) == ("(19 characters)", "(34 characters)")
    last = json.loads(hidden("conversations", "show", "Night shift", "-o", "json").stdout)["lastMessage"]
    assert last["body"] in {"(19 characters)", "(document)"}


@pytest.mark.parametrize("form", ["table", "json"])
@pytest.mark.parametrize("command", WRITES)
def test_no_preview_and_no_report_of_a_write_shows_messages(
    hidden: Chatctl, database: Documents, workspace: Path, command: str, form: str
) -> None:
    line = (*command.split(), *WRITES[command], "-o", form)
    if command == "db generate":
        for name in SEVEN:
            database[name].drop()
    for way in ("--dry-run", "--expect=prod"):
        said = hidden(*line, way)
        assert not list(secrets_in(shown(said, workspace))), way


def test_image_urls_that_users_must_delete_elsewhere_are_masked_without_reveal(hidden: Chatctl) -> None:
    def elsewhere(*args: str) -> list[str]:
        said = hidden("messages", "redact", MESSAGE, "--forever", "-n", "-o", "json", *args)
        return list(json.loads(said.stdout)["results"][0]["elsewhere"])

    assert elsewhere() == ["(34 characters)"]
    assert elsewhere("--reveal", "--reason", "case 4711") == [IMAGE]
    told = hidden("messages", "redact", MESSAGE, "--forever", "--expect", "prod")
    assert "delete this image where it is stored: (34 characters)" in told.stderr
    assert "delete this image where it is stored: (34 characters)" in told.stdout


@pytest.mark.parametrize("option", [(), ("--count",), ("-o", "ids"), ("--regex",), ("-o", "json")])
def test_a_search_is_refused_in_a_masked_database(hidden: Chatctl, option: tuple[str, ...]) -> None:
    said = hidden("messages", "search", "kettle", *option, code=7)
    assert said.stdout == ""
    assert said.stderr.count("Search is blocked here because messages are masked.") == 1
    assert "to search, add --reveal --reason TEXT" in said.stderr
    found = hidden("messages", "search", "who has", *option, "--reveal", "--reason", "case 4711")
    assert found.stdout.strip()


@pytest.mark.parametrize("reason", [(), ("--reason", ""), ("--reason", " ")])
def test_the_option_reveal_requires_a_reason(hidden: Chatctl, reason: tuple[str, ...]) -> None:
    said = hidden("messages", "list", "--reveal", *reason, code=2)
    assert said == (
        "",
        "error: --reveal requires --reason\nhint: add --reason TEXT, which is kept in the audit trail\n",
        2,
    )


def test_revealing_messages_leaves_an_event_with_the_reason(hidden: Chatctl, database: Documents) -> None:
    hidden("messages", "list", "--conversation", "Night shift", "--reveal", "--reason", "case 4711")
    [event] = json.loads(hidden("audit", "list", "--command", "messages list", "-o", "json").stdout)
    assert (event["command"], event["reason"]) == ("messages list --conversation Night shift", "case 4711")
    hidden("conversations", "transcript", "Night shift", "--last", "1", "--reveal", "--reason", "case 4711")
    place = (database["Conversation"].find_one() or {})["_id"]
    [event] = json.loads(hidden("audit", "list", "--target", place, "-o", "json").stdout)
    assert event["command"] == "conversations transcript Night shift --last 1"
    assert "never stored" in hidden("audit", "undo", event["id"], "--expect", "prod", code=7).stderr


def test_nothing_is_masked_without_the_marker(chatctl: Chatctl, database: Documents, workspace: Path) -> None:
    settle(database, workspace)
    before = database["chatctl_audit"].count_documents({})
    assert IMAGE in chatctl("messages", "show", MESSAGE, "--reveal", "--reason", "x").stdout
    chatctl("db", "protect", "prod")
    assert IMAGE in chatctl("messages", "show", MESSAGE).stdout
    # the event of `db protect` itself, and its changes
    assert database["chatctl_audit"].count_documents({}) == before + 2


def test_an_unreadable_marker_masks_messages(chatctl: Chatctl, database: Documents, workspace: Path) -> None:
    settle(database, workspace)
    data = {"failCommands": ["find"], "errorCode": 13}
    database.client.admin.command("configureFailPoint", "failCommand", mode={"skip": 1}, data=data)
    try:
        said = chatctl("messages", "show", MESSAGE, code=6)
    finally:
        database.client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert (said.stdout, said.code) == ("", 6)
