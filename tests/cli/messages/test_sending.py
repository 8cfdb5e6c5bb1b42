"""After a message is sent, all lists and times are right. Users who may not send are refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from engines import Ids, last, settle, undone
from people import BEGAN, Documents, links, stored

from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl


@pytest.fixture
def world(either: Chatctl, database: Documents) -> Ids:
    """Insert Ada and Grace, who write in a group with Alan. Edith is not in the group."""
    return settle(database)


def test_a_message_is_sent_as_the_application_does(either: Chatctl, database: Documents, world: Ids) -> None:
    before, began = stored(database), datetime.now(UTC)
    done = either("messages", "send", "--conversation", "engines", "--from", "ada", "--body", "Hello.")
    identifier = ObjectId(done.stdout.split(":")[0])
    assert done.stdout == f"{identifier}: sent\n"
    message = database["Message"].find_one({"_id": identifier}) or {}
    assert message == {
        "_id": identifier,
        "body": "Hello.",
        "createAt": message["createAt"],
        "seenIds": [world["ada"]],
        "conversationId": world["group"],
        "senderId": world["ada"],
    }
    assert began - timedelta(milliseconds=1) <= message["createAt"] <= datetime.now(UTC)
    group = database["Conversation"].find_one({"name": "engines"}) or {}
    assert group["lastMessageAt"] == message["createAt"]
    assert group["messagesIds"][-1] == identifier
    ada = database["User"].find_one({"username": "ada"}) or {}
    assert ada["seenMessageIds"][-1] == identifier
    assert ada["updatedAt"] == BEGAN
    links(database)
    undone(either, done)
    assert stored(database) == before


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (b"Hello.\n", "Hello."),
        (b"Hello.\r\n", "Hello."),
        (b"Hello.", "Hello."),
        (b"one\n\ntwo\n\n", "one\n\ntwo\n"),
        ("\u202e größe \U0001f469\u200d\U0001f4bb\x1b[31m".encode(), "\u202e größe \U0001f469\u200d\U0001f4bb\x1b[31m"),
        (b"x" * 1024 * 1024 + b"\n", "x" * 1024 * 1024),
    ],
    ids=range(6),
)
def test_the_text_comes_from_standard_input(process: Process, database: Documents, given: bytes, body: str) -> None:
    settle(database)
    done = process("messages", "send", "--conversation", "engines", "--from", "ada", given=given)
    assert done.returncode == 0, done
    assert (database["Message"].find_one({"_id": ObjectId(done.stdout.split(b":")[0].decode())}) or {})["body"] == body


def test_with_an_image_no_text_is_needed_or_read(process: Process, database: Documents) -> None:
    settle(database)
    url = "https://images.example/a.png?b=c"
    send = ("messages", "send", "--conversation", "engines", "--from", "ada", "--image", url)
    done = process(*send, given=b"not this")
    message = database["Message"].find_one({"image": url}) or {}
    assert message.keys() == {"_id", "image", "createAt", "seenIds", "conversationId", "senderId"}
    assert done.returncode == 0
    process(*send, "--body", "look")
    assert database["Message"].count_documents({"image": url, "body": "look"}) == 1


@pytest.mark.parametrize(
    ("options", "given", "said"),
    [
        (["--body", ""], b"", "the message is empty"),
        (["--body", " \n\t"], b"", "the message is empty"),
        ([], b"", "the message is empty"),
        ([], b"\n", "the message is empty"),
        ([], b"a\0b", "the message contains a NUL character"),
        ([], b"caf\xe9\n", "standard input is not UTF-8"),
        ([], b"x" * (1024 * 1024 + 1), "the message is longer than 1,048,576 bytes"),
        ([], b"x" * (3 * 1024 * 1024), "the message is longer than 1,048,576 bytes"),
        ([], ("é" * 600_000).encode(), "the message is longer than 1,048,576 bytes"),
        (["--image", "ftp://x.org/a"], b"", '"ftp://x.org/a" is not a valid image URL'),
        (["--image", "javascript:alert(1)"], b"", "is not a valid image URL"),
        (["--image", "https://"], b"", "is not a valid image URL"),
        (["--image", "https://[x"], b"", "is not a valid image URL"),
        (["--image", "https://x.org/a b"], b"", "is not a valid image URL"),
        (["--image", "https://x.org/a\nb"], b"", "is not a valid image URL"),
        (["--image", ""], b"", "is not a valid image URL"),
        (["--image", "https://x.org", "--body", " "], b"", "the message is empty"),
    ],
    ids=range(17),
)
def test_a_message_that_the_application_cannot_read_is_not_sent(
    process: Process, database: Documents, *, options: list[str], given: bytes, said: str
) -> None:
    settle(database)
    before = stored(database)
    done = process("messages", "send", "--conversation", "engines", "--from", "ada", *options, given=given)
    assert done.returncode == 5, done
    assert said in done.stderr.decode()
    assert stored(database) == before


def test_a_terminal_shows_how_to_end_a_message(terminal: Terminal, database: Documents) -> None:
    settle(database)
    ending = "Ctrl-C cancels\r\n"
    send = ("messages", "send", "--conversation", "engines", "--from", "ada")
    screen = terminal(*send, answers={ending: "Hello,\nGrace.\n\x04"})
    assert screen.code == 0, screen
    assert "type the message; Ctrl-D on an empty line sends it, Ctrl-C cancels\n" in screen.text
    assert database["Message"].count_documents({"body": "Hello,\nGrace."}) == 1
    before = stored(database)
    assert terminal(*send, answers={ending: "\x04"}).code == 5
    assert "type the message" not in terminal("messages", "send", "--conversation", "x", "--from", "ada").text
    assert stored(database) == before


@pytest.mark.parametrize(
    ("place", "who", "code", "said"),
    [
        (
            "engines",
            "edith",
            7,
            "edith is not a participant of engines\nhint: add the sender first: chatctl conversations add",
        ),
        ("engine", "ada", 3, 'no conversation "engine"\nhint: did you mean "engines"?'),
        ("engines", "adda", 3, 'no user "adda"'),
    ],
)
def test_only_participants_can_send(
    either: Chatctl, database: Documents, *, world: Ids, place: str, who: str, code: int, said: str
) -> None:
    before = stored(database)
    refused = either("messages", "send", "--conversation", place, "--from", who, "--body", "x", code=code)
    assert said in refused.stderr
    assert stored(database) == before


def test_a_one_sided_participant_and_a_suspended_one_get_different_notes(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    send = ("messages", "send", "--conversation", "engines", "--body", "x", "--from")
    database["User"].update_one({"username": "edith"}, {"$push": {"conversationIds": world["group"]}})
    either(*send, "edith", code=7)
    database["User"].update_one({"username": "ada"}, {"$set": {"status": "SUSPENDED"}})
    assert "Warning: ada is suspended. The message will still be sent.\n" in either(*send, "ada").stderr
    database["User"].update_one({"username": "ada"}, {"$pull": {"conversationIds": world["group"]}})
    assert f"chatctl conversations add {world['group']} {world['ada']}" in either(*send, "ada").stderr


@pytest.mark.parametrize("copies", [None, "absent", "long"])
def test_the_copy_of_the_message_ids_is_updated_if_it_is_short(
    either: Chatctl, database: Documents, world: Ids, copies: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = {"$unset": {"messagesIds": 1}} if copies == "absent" else {"$set": {"messagesIds": None}}
    if copies == "long":
        monkeypatch.setattr("actions.messages.changing.MOST_COPIED_IDS", 3)
    else:
        database["Conversation"].update_one({"name": "engines"}, change)
    database["User"].update_one({"username": "alan"}, {"$set": {"seenMessageIds": None}})
    before = stored(database)
    done = either("messages", "send", "--conversation", "engines", "--from", "alan", "--body", "x")
    group = database["Conversation"].find_one({"name": "engines"}) or {}
    assert group.get("messagesIds", "absent") in ([world["first"], world["second"], world["third"]], copies)
    links(database)
    undone(either, done)
    assert stored(database) == before


@pytest.mark.parametrize("time", ["yesterday", None, datetime(2400, 1, 1, tzinfo=UTC)], ids=str)
def test_an_invalid_or_future_last_time_is_harmless(
    either: Chatctl, database: Documents, world: Ids, time: Any
) -> None:
    database["Conversation"].update_one({"name": "engines"}, {"$set": {"lastMessageAt": time}})
    before = stored(database)
    done = either("messages", "send", "--conversation", "engines", "--from", "ada", "--body", "x")
    if isinstance(time, datetime):
        assert last(database, world["group"]) == time
    undone(either, done)
    assert stored(database) == before
