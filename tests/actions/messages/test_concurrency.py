"""Several processes write and delete at the same time. Each process runs this file as a script."""

# ruff: noqa: T201 - the processes print their answers to the test

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from people import Documents, conversation, links, person

from actions import conversations, messages
from changes import Changeset, apply
from database import connection
from database.errors import ChatctlError

WAYS: dict[str, Callable[[], Changeset]] = {
    "create": lambda: conversations.create(["ada", "grace"]),
    "create back": lambda: conversations.create(["grace", "ada"]),
    "send": lambda: messages.send("engines", "ada", body="hello"),
    "answer": lambda: messages.send("engines", "grace", body="hello yourself"),
    "delete": lambda: conversations.delete(["engines"]),
    "leave": lambda: conversations.remove("engines", ["ada"]),
    "add grace": lambda: conversations.add("alone", ["grace"]),
    "add alan": lambda: conversations.add("alone", ["alan"]),
}

Race = Callable[..., list[str]]


@pytest.fixture
def race(url: str) -> Iterator[Race]:
    """Start processes, wait until each process has planned its command, then let all processes write at once."""
    with ExitStack() as stack:
        known: list[tuple[str, subprocess.Popen[str]]] = []

        def start(way: str) -> subprocess.Popen[str]:
            command = [sys.executable, __file__, url, way]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            # the module `people` is in this folder
            shared = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
            one = stack.enter_context(subprocess.Popen(command, text=True, env=shared, **pipes))  # type: ignore[call-overload]  # noqa: S603
            stack.callback(one.kill)
            known.append((way, one))
            return one

        def run(*ways: str) -> list[str]:
            free = list(known)
            chosen = []
            for way in ways:
                there = next((pair for pair in free if pair[0] == way), None)
                if there:
                    free.remove(there)
                chosen.append(there[1] if there else start(way))
            answers: list[str] = []
            for _ in ("plan", "do"):
                for one in chosen:
                    one.stdin.write("\n")
                    one.stdin.flush()
                answers = [one.stdout.readline().strip() for one in chosen]
            return answers

        yield run


@pytest.fixture
def world(database: Documents) -> dict[str, Any]:
    return {name: person(database, name) for name in ("ada", "grace", "alan")}


def test_a_one_to_one_conversation_created_several_times_at_once_exists_once(
    database: Documents, world: dict[str, Any], race: Race
) -> None:
    for _ in range(10):
        answers = race("create", "create back", "create", "create back")
        assert sorted(answers) == ["done", "unchanged", "unchanged", "unchanged"]
        assert database["Conversation"].count_documents({}) == 1
        links(database)
        database["Conversation"].delete_many({})
        database["User"].update_many({}, {"$set": {"conversationIds": []}})


def test_a_message_sent_during_the_deletion_of_its_conversation_is_deleted_too(
    database: Documents, world: dict[str, Any], race: Race
) -> None:
    seen = set()
    for number in range(12):
        group = conversation(database, *world.values(), name="engines")
        if number % 2:
            database["Conversation"].update_one({"_id": group}, {"$unset": {"messagesIds": 1}})
        sent, answered, deleted = race("send", "answer", "delete")
        seen.add(deleted)
        there = database["Conversation"].count_documents({})
        assert there == (deleted != "done")
        assert database["Message"].count_documents({}) == (sent == "done") + (answered == "done") if there else True
        assert there or database["Message"].count_documents({}) == 0
        links(database)
        for name in ("Conversation", "Message"):
            database[name].delete_many({})
        database["User"].update_many({}, {"$set": {"conversationIds": [], "seenMessageIds": []}})
    assert seen <= {"done", "ConflictError", "ChangedMeanwhileError"}


def test_sending_and_leaving_a_conversation_at_the_same_time_wait_for_each_other(
    database: Documents, world: dict[str, Any], race: Race
) -> None:
    for _ in range(8):
        group = conversation(database, *world.values(), name="engines")
        sent, left = race("send", "leave")
        assert left == "done"
        assert sent in {"done", "NotParticipantError"}
        assert database["Message"].count_documents({"conversationId": group}) == (sent == "done")
        links(database)
        database["Conversation"].delete_many({})
        database["Message"].delete_many({})
        database["User"].update_many({}, {"$set": {"conversationIds": [], "seenMessageIds": []}})


def test_the_last_of_several_messages_sent_at_once_is_the_last_message(
    database: Documents, world: dict[str, Any], race: Race
) -> None:
    conversation(database, *world.values(), name="engines")
    for _ in range(6):
        assert race("send", "answer", "send", "answer") == ["done"] * 4
    group = database["Conversation"].find_one() or {}
    sent = list(database["Message"].find())
    assert len(sent) == 24
    assert group["lastMessageAt"] == max(message["createAt"] for message in sent)
    assert sorted(group["messagesIds"]) == sorted(message["_id"] for message in sent)
    links(database)


def test_if_two_people_are_added_at_once_to_a_one_to_one_conversation_one_is_refused(
    database: Documents, world: dict[str, Any], race: Race
) -> None:
    for _ in range(8):
        alone = conversation(database, world["ada"])
        database["Conversation"].update_one({"_id": alone}, {"$set": {"name": "alone"}})
        assert sorted(race("add grace", "add alan")) == ["OneToOneError", "done"]
        links(database)
        database["Conversation"].delete_many({})
        database["User"].update_many({}, {"$set": {"conversationIds": []}})


def work(url: str, way: str) -> None:
    """Plan a command after the first line of input, and apply the plan after the second line."""
    connection.choose(url)
    while sys.stdin.readline():
        planned = WAYS[way]()
        print("planned", flush=True)
        sys.stdin.readline()
        try:
            done = apply(planned)
        except ChatctlError as error:
            print(type(error).__name__, flush=True)
        else:
            print("done" if done.event else "unchanged", flush=True)
    connection.close()


if __name__ == "__main__":
    work(*sys.argv[1:])
