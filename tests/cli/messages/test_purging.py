"""A purge deletes old messages in batches and keeps all others, and an undo restores everything."""

import json
import signal
import subprocess
import time
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from engines import undone
from people import BEGAN, Documents, conversation, links, messages, person, stored

from database.own_collections import IMAGES
from tests.cli.conftest import PROGRAM, Terminal
from tests.conftest import Chatctl

Ids = dict[str, ObjectId]

OLD = "2026-01-01T00:10Z"


def settle(database: Documents) -> Ids:
    """Insert a group with later messages, a conversation that ended earlier, and an empty one."""
    ids = {name: person(database, name) for name in ("ada", "grace", "alan")}
    ids["group"] = conversation(database, ids["ada"], ids["grace"], ids["alan"], name="engines")
    ids["direct"] = conversation(database, ids["ada"], ids["grace"])
    ids["silent"] = conversation(database, ids["ada"], ids["alan"])
    messages(database, ids["group"], ids["ada"], *(f"a{n}" for n in range(1, 6)), seen=(ids["grace"],))
    messages(database, ids["group"], ids["grace"], *(f"g{n}" for n in range(8, 13)), seen=(ids["ada"],), after=7)
    messages(database, ids["direct"], ids["grace"], *(f"d{n}" for n in range(1, 5)), seen=(ids["ada"],))
    return ids


@pytest.fixture
def world(either: Chatctl, database: Documents) -> Ids:
    return settle(database)


def left(database: Documents) -> str:
    return " ".join(sorted(message["body"] for message in database["Message"].find()))


@pytest.mark.parametrize(
    ("options", "stay", "said"),
    [
        ([], "g10 g11 g12", ["engines: purged (7 messages)", "{direct}: purged (4 messages)"]),
        (["--conversation", "engines"], "d1 d2 d3 d4 g10 g11 g12", ["engines: purged (7 messages)"]),
        (
            ["--sender", "grace"],
            "a1 a2 a3 a4 a5 g10 g11 g12",
            ["{direct}: purged (4 messages)", "engines: purged (2 messages)"],
        ),
        (
            ["--keep-last", "3"],
            "d2 d3 d4 g10 g11 g12",
            ["engines: purged (7 messages)", "{direct}: purged (1 message)"],
        ),
        (["--keep-last", "4"], "d1 d2 d3 d4 g10 g11 g12 g9", ["engines: purged (6 messages)"]),
        (
            ["--keep-last", "1", "--sender", "grace"],
            "a1 a2 a3 a4 a5 d4 g10 g11 g12",
            ["{direct}: purged (3 messages)", "engines: purged (2 messages)"],
        ),
        (
            ["--keep-last", "7", "--sender", "ada"],
            "a4 a5 d1 d2 d3 d4 g10 g11 g12 g8 g9",
            ["engines: purged (3 messages)"],
        ),
        (["--keep-last", "100"], "a1 a2 a3 a4 a5 d1 d2 d3 d4 g10 g11 g12 g8 g9", []),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_only_old_messages_are_deleted(
    either: Chatctl, database: Documents, *, world: Ids, options: list[str], stay: str, said: list[str]
) -> None:
    before = stored(database)
    done = either("messages", "purge", "--before", OLD, *options, "--yes")
    assert done.stdout.splitlines() == [line.format(**world) for line in said]
    assert left(database) == stay
    links(database)
    for place in database["Conversation"].find():
        times = [message["createAt"] for message in database["Message"].find({"conversationId": place["_id"]})]
        assert place["lastMessageAt"] == max([BEGAN, *times])
        assert len(place["messagesIds"]) == len(times)
    again = either("messages", "purge", "--before", OLD, *options, "--yes")
    assert (again.stdout, again.stderr) == ("", "nothing to do\n")
    if said:
        undone(either, done)
    assert stored(database) == before


def test_a_purge_with_a_time_in_the_future_keeps_only_the_last_messages(
    either: Chatctl, database: Documents, world: Ids
) -> None:
    either("messages", "purge", "--before", "2400-01-01", "--keep-last", "1", "--yes")
    assert left(database) == "d4 g12"
    either("messages", "purge", "--before", "2400-01-01", "--yes")
    assert left(database) == ""
    assert {place["lastMessageAt"] for place in database["Conversation"].find()} == {BEGAN}


def test_messages_of_the_same_time_are_ordered_by_their_ids(either: Chatctl, database: Documents, world: Ids) -> None:
    database["Message"].update_many({}, {"$set": {"createAt": BEGAN}})
    ids = sorted(message["_id"] for message in database["Message"].find({"conversationId": world["group"]}))
    either("messages", "purge", "--before", OLD, "--keep-last", "2", "--conversation", "engines", "--yes")
    assert sorted(one["_id"] for one in database["Message"].find({"conversationId": world["group"]})) == ids[-2:]


def test_the_option_max_limits_the_number_of_messages(either: Chatctl, database: Documents, world: Ids) -> None:
    before = stored(database)
    purge = ("messages", "purge", "--before", OLD, "--yes")
    assert "this would change 11 items, but --max allows only 10" in either(*purge, "--max", "10", code=7).stderr
    assert stored(database) == before
    either(*purge[:-1], "--conversation", "engines", "--keep-last", "7", code=7)
    either(*purge, "--max", "11")


def test_programs_get_a_result_for_each_conversation(chatctl: Chatctl, database: Documents) -> None:
    ids = settle(database)
    before = stored(database)
    outcome = json.loads(chatctl("messages", "purge", "--before", OLD, "-n", "-o", "json").stdout)
    assert outcome == {
        "event": None,
        "changed": 2,
        "unchanged": 0,
        "results": [
            {"id": str(ids["group"]), "ref": "engines", "outcome": "purged", "message": "7 messages"},
            {"id": str(ids["direct"]), "ref": str(ids["direct"]), "outcome": "purged", "message": "4 messages"},
        ],
    }
    assert chatctl("messages", "purge", "--before", OLD, "-n").stdout.count("- Message ") == 11
    assert stored(database) == before


def test_the_preview_says_how_much_is_deleted_and_what_stays(terminal: Terminal, database: Documents) -> None:
    settle(database)
    before = stored(database)
    screen = terminal(
        *("messages", "purge", "--before", OLD, "--keep-last", "4", "--forever"), typed="n\n", env={"NO_COLOR": "1"}
    )
    assert (
        "  delete 6 messages\n"
        "  6 messages in 1 conversation\n"
        "  oldest: 2026-01-01 00:01Z, newest: 2026-01-01 00:08Z\n"
        "  --keep-last keeps 5 older messages\n"
        "  This cannot be undone: nothing is kept for an undo.\n"
        "Delete 6 messages? [y/N] n\n"
    ) in screen.text
    assert screen.code == 7
    assert stored(database) == before


def test_forever_keeps_no_image_for_an_undo(either: Chatctl, database: Documents, world: Ids) -> None:
    done = either("messages", "purge", "--before", OLD, "--forever", "--yes")
    assert "undo:" not in done.stderr
    assert database[IMAGES].count_documents({}) == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 2),
        (["--before", "soon"], 2),
        (["--before", OLD, "--keep-last", "0"], 2),
        (["--before", OLD, "--keep-last", "-1"], 2),
        (["--before", OLD, "--conversation", "nowhere"], 3),
        (["--before", OLD, "--sender", "nobody"], 3),
        (["--before", OLD], 7),
    ],
    ids=str,
)
def test_a_refused_purge_changes_nothing(
    either: Chatctl, database: Documents, *, world: Ids, options: list[str], code: int
) -> None:
    before = stored(database)
    either("messages", "purge", *options, code=code)
    assert stored(database) == before


@pytest.mark.parametrize("options", [[], ["--keep-last", "1"]], ids=str)
def test_broken_data_is_purged_by_its_date_only(either: Chatctl, database: Documents, *, options: list[str]) -> None:
    ada = person(database, "ada")
    group = conversation(database, ada, name="engines")
    odd: list[dict[str, Any]] = [
        {"createAt": BEGAN, "conversationId": None, "body": "null"},
        {"createAt": BEGAN, "body": "absent"},
        {"createAt": BEGAN, "conversationId": str(group), "senderId": str(ada), "body": "text"},
        {"createAt": BEGAN, "conversationId": ObjectId(), "senderId": ObjectId(), "seenIds": None, "body": "stray"},
        {"createAt": BEGAN - timedelta(1), "conversationId": group, "seenIds": "x", "body": "first"},
        {"createAt": BEGAN, "conversationId": group, "senderId": ada, "body": "second"},
        {"createAt": "2020-01-01", "conversationId": group, "senderId": ada, "body": "no date"},
        {"conversationId": group, "senderId": ada, "body": "no time"},
    ]
    database["Message"].insert_many([{"_id": ObjectId(), **one} for one in odd])
    database["Conversation"].update_one({}, {"$set": {"messagesIds": None}})
    either("messages", "purge", "--before", OLD, *options, "--yes")
    assert left(database) == ("absent no date no time second stray" if options else "no date no time")


def test_messages_with_references_as_text_are_purged_too(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada")
    group = conversation(database, ada, name="engines")
    texts = {"conversationId": str(group), "senderId": str(ada)}
    database["Message"].insert_one({"_id": ObjectId(), "createAt": BEGAN, "body": "x", **texts})
    messages(database, group, ada, "y")
    either("messages", "purge", "--before", OLD, "--sender", "ada", "--conversation", "engines", "--yes")
    assert left(database) == ""


@pytest.mark.parametrize(("by", "options"), [(signal.SIGINT, []), (signal.SIGTERM, ["--keep-last", "50"])], ids=str)
def test_an_interrupted_purge_is_finished_by_the_same_command_and_can_be_undone(
    chatctl: Chatctl, environment: dict[str, str], database: Documents, by: signal.Signals, options: list[str]
) -> None:
    ada, grace = person(database, "ada"), person(database, "grace")
    places = [conversation(database, ada, grace, name=f"g{number}") for number in range(4)]
    for place in places:
        messages(database, place, ada, *map(str, range(400)), seen=(grace,))
    before = stored(database)
    command = ["messages", "purge", "--before", "2400-01-01", *options, "--yes"]
    started = subprocess.Popen(  # noqa: S603
        [PROGRAM, *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while database["Message"].count_documents({}) == 1_600 and started.poll() is None:
        time.sleep(0.01)
    started.send_signal(by)
    said = started.communicate()[1].splitlines()[-1]
    assert (started.returncode, said) in {(130, b"error: interrupted"), (143, b"error: terminated")}
    assert 0 < database["Message"].count_documents({}) < 1_600
    links(database)
    [event] = [
        one for one in json.loads(chatctl("audit", "list", "-o", "json").stdout) if one["state"] == "interrupted"
    ]
    done = chatctl(*command)
    assert database["Message"].count_documents({}) == (200 if options else 0)
    links(database)
    undone(chatctl, done)
    chatctl("audit", "undo", event["id"], "--yes")
    assert stored(database) == before
