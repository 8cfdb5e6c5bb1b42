"""Commands read and write a long list a fixed number of times, so their work grows as much as the list."""

from collections.abc import Callable

import bson
import pytest
from bson import ObjectId
from people import Documents, conversation, messages, person
from pymongo import monitoring
from reads import heard

from actions import cascading_deletion
from actions.database.checking.rules import links
from changes import draft
from tests.conftest import Chatctl

FEW, MANY = 50, 500
LINEAR = 1.25
"""Ten times as many ids may cost at most this many times ten times as much."""
IN_A_BATCH = 25
"""The number of ids or messages in a batch, instead of many thousands. So a short list needs many batches too."""

Plant = Callable[[Documents, Chatctl, int], tuple[object, ...]]


class Traffic(monitoring.CommandListener):
    """Counts the commands, and the bytes of the commands and of the answers."""

    def __init__(self) -> None:
        self.commands = self.bytes = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.commands += 1
        self.bytes += len(bson.encode(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self.bytes += len(bson.encode(event.reply))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing: a failed command has no long answer."""


def role_of_missing_users(database: Documents, _: Chatctl, number: int) -> None:
    ids = [ObjectId() for _ in range(number)]
    database["Role"].insert_one({"_id": ObjectId(), "name": "all", "userIds": ids, "permissionsIds": []})


def check(database: Documents, chatctl: Chatctl, number: int) -> tuple[object, ...]:
    role_of_missing_users(database, chatctl, number)
    return "db", "check", "--rule", "dangling-link"


def repair(database: Documents, chatctl: Chatctl, number: int) -> tuple[object, ...]:
    role_of_missing_users(database, chatctl, number)
    return "db", "repair", "--rule", "dangling-link", "--yes"


def undo(database: Documents, chatctl: Chatctl, number: int) -> tuple[object, ...]:
    words = repair(database, chatctl, number)
    return *chatctl(*words).stderr.rpartition("undo: chatctl ")[2].split(), "--yes"


def place_of_messages(database: Documents, number: int) -> ObjectId:
    ada, grace = (person(database, name) for name in ("ada", "grace"))
    place = conversation(database, ada, grace)
    messages(database, place, ada, *map(str, range(number)), seen=(grace,))
    return place


def delete_user(database: Documents, _: Chatctl, number: int) -> tuple[object, ...]:
    place_of_messages(database, number)
    return "users", "delete", "ada", "--yes"


def delete_conversation(database: Documents, _: Chatctl, number: int) -> tuple[object, ...]:
    return "conversations", "delete", place_of_messages(database, number), "--yes"


def purge(database: Documents, _: Chatctl, number: int) -> tuple[object, ...]:
    place_of_messages(database, number)
    return "messages", "purge", "--before", "2036-01-01", "--yes"


def erase(database: Documents, _: Chatctl, number: int) -> tuple[object, ...]:
    place_of_messages(database, number)
    return "users", "erase", "ada", "--yes"


@pytest.mark.parametrize("plant", [check, repair, undo, delete_user, delete_conversation, purge, erase])
def test_work_grows_at_most_as_much_as_a_list(
    database: Documents, chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch, plant: Plant
) -> None:
    monkeypatch.setattr(links.DanglingLink, "group_size", IN_A_BATCH // 5)
    monkeypatch.setattr(cascading_deletion, "MESSAGES_PER_BATCH", IN_A_BATCH)
    monkeypatch.setattr(draft, "BATCH", 2 * IN_A_BATCH)
    few, many = (traffic(database, chatctl, plant, number) for number in (FEW, MANY))
    assert many.commands <= LINEAR * MANY / FEW * few.commands
    assert many.bytes <= LINEAR * MANY / FEW * few.bytes


def traffic(database: Documents, chatctl: Chatctl, plant: Plant, number: int) -> Traffic:
    for name in database.list_collection_names():
        database[name].delete_many({})
    words = plant(database, chatctl, number)
    listener = Traffic()
    with heard(listener):
        chatctl(*words, code=1 if "check" in words else 0)
    return listener
