"""After messages are redacted or deleted, all lists, times and events are right, and an undo restores everything."""

import json
from datetime import timedelta

import pytest
from bson import ObjectId
from engines import Ids, last, settle, undone
from people import BEGAN, Documents, links, messages, stored

from database.own_collections import IMAGES
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl


@pytest.fixture
def world(either: Chatctl, database: Documents) -> Ids:
    """Insert Ada and Grace, who write in a group with Alan. Edith is not in the group."""
    return settle(database)


def test_a_redacted_message_loses_its_text_and_is_kept(either: Chatctl, database: Documents, world: Ids) -> None:
    database["Message"].update_one({"_id": world["first"]}, {"$set": {"image": "https://x.org/a.png"}})
    before = stored(database)
    done = either("messages", "redact", world["first"], world["second"], "--yes", "--reason", "a telephone number")
    assert done.stdout.splitlines() == [
        f"{world['first']}: redacted",
        "delete this image where it is stored: https://x.org/a.png",
        f"{world['second']}: redacted",
    ]
    for one in ("first", "second"):
        message = database["Message"].find_one({"_id": world[one]}) or {}
        assert (message["body"], "image" in message) == ("[removed by an administrator]", False)
    again = either("messages", "redact", world["first"], "--yes")
    assert (again.stdout, again.stderr) == (f"{world['first']}: unchanged (already redacted)\n", "nothing to do\n")
    undone(either, done)
    assert stored(database) == before


def test_with_forever_a_message_gets_another_text_and_no_copy_is_kept(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    done = either("messages", "redact", world["first"], "--text", "[gone]", "--forever", "--yes")
    assert "This cannot be undone: nothing is kept for an undo." in done.stderr
    assert (database["Message"].find_one({"_id": world["first"]}) or {})["body"] == "[gone]"
    assert database[IMAGES].count_documents({}) == 0
    assert "first" not in str([one.get("changes") for one in database["chatctl_audit"].find()])
    either("messages", "redact", world["second"], "--text", " ", "--yes", code=5)


def test_messages_with_values_of_any_type_are_redacted(either: Chatctl, database: Documents) -> None:
    shapes = [{}, {"body": None, "image": None}, {"body": 7, "image": ["a"]}, {"image": "https://x.org"}]
    ids = [ObjectId() for _ in shapes]
    database["Message"].insert_many([{"_id": one, **shape} for one, shape in zip(ids, shapes, strict=True)])
    before = stored(database)
    done = either("messages", "redact", *ids, "--yes")
    assert all(message["body"] == "[removed by an administrator]" for message in database["Message"].find())
    assert database["Message"].count_documents({"image": {"$ne": None}}) == 0
    undone(either, done)
    assert stored(database) == before


def test_after_a_deletion_the_last_remaining_message_is_the_last_one(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    before = stored(database)
    done = either("messages", "delete", world["second"], world["third"], world["hello"], "--yes")
    assert done.stdout == "".join(f"{world[one]}: deleted\n" for one in ("second", "third", "hello"))
    assert [message["body"] for message in database["Message"].find()] == ["first"]
    assert last(database, world["group"]) == BEGAN + timedelta(minutes=1)
    assert last(database, world["direct"]) == BEGAN
    assert (database["Conversation"].find_one({"name": "engines"}) or {})["messagesIds"] == [world["first"]]
    links(database)
    undone(either, done)
    assert stored(database) == before


def test_an_unknown_message_stops_the_command(either: Chatctl, database: Documents, world: Ids) -> None:
    before, gone = stored(database), ObjectId()
    for verb in ("delete", "redact"):
        assert f'no message "{gone}"' in either("messages", verb, world["first"], gone, "--yes", code=3).stderr
        either("messages", verb, "engines", "--yes", code=2)
        either("messages", verb, world["first"], code=7)
    assert stored(database) == before
    for verb in ("redact", "delete"):
        said = either("messages", verb, gone, "--yes", "--skip-missing").stderr
        assert said == f"1 skipped: {gone}\nnothing to do\n"
        either("messages", verb, world["first"], gone, "--yes", "--skip-missing", "--forever")
    assert database[IMAGES].count_documents({}) == 0


def test_the_preview_of_a_deletion_names_the_conversations(terminal: Terminal, database: Documents) -> None:
    ids = settle(database)
    stray = ObjectId()
    database["Message"].insert_one({"_id": stray, "conversationId": ids["ada"], "senderId": ids["ada"]})
    before = stored(database)
    line = ("messages", "delete", ids["first"], ids["second"], ids["hello"], stray)
    screen = terminal(*line, typed="n\n", env={"NO_COLOR": "1"}, columns=200)
    assert (
        "  delete 4 messages\n"
        "  engines: 2 messages\n"
        "  ada, grace: 1 message\n"
        f"  conversation {ids['ada']}: 1 message\n"
        "Delete 4 messages? [y/N] n\n"
    ) in screen.text.replace("\r", "")
    assert screen.code == 7
    assert stored(database) == before


def test_dry_runs_show_all_changes_and_write_nothing(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    sent = either("messages", "send", "--conversation", "engines", "--from", "ada", "--body", "\x1b[2Jx", "-n").stdout
    assert "body \\x1b[2Jx" in sent
    assert sent.count("\n") == 4
    assert either("messages", "redact", world["first"], "-n").stdout == (
        f"~ Message {world['first']}: body first -> [removed by an administrator]\n"
    )
    assert f"- Message {world['first']}" in either("messages", "delete", world["first"], "-n").stdout
    outcome = json.loads(either("messages", "delete", world["first"], "-n", "-o", "json").stdout)
    assert outcome["results"] == [{"id": str(world["first"]), "ref": str(world["first"]), "outcome": "deleted"}]
    assert stored(database) == before


def test_many_messages_are_redacted_and_deleted_by_ids_from_standard_input(
    chatctl: Chatctl, database: Documents
) -> None:
    ids = settle(database)
    many = messages(database, ids["group"], ids["alan"], *map(str, range(1_234)), seen=(ids["ada"],), after=9)
    before = stored(database)
    given = "".join(f"{one}\n" for one in many)
    redacted = chatctl("messages", "redact", "-", "--yes", input=given)
    assert redacted.stdout == "1,234 redacted\n"
    deleted = chatctl("messages", "delete", "-", "--yes", input=given)
    assert deleted.stdout == "1,234 deleted\n"
    assert database["Message"].count_documents({}) == 4
    assert last(database, ids["group"]) == BEGAN + timedelta(minutes=3)
    links(database)
    undone(chatctl, deleted)
    undone(chatctl, redacted)
    assert stored(database) == before
