"""A conversation is active if it has recent messages. The field `lastMessageAt` of the conversation does not matter."""

from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents, conversation, messages, minute_after, person

from tests.conftest import Chatctl

SINCE = "2026-01-01T00:30Z"


@pytest.fixture
def places(either: Chatctl, database: Documents) -> dict[str, str]:
    """Insert one conversation of each kind, for example without messages. Return id → name."""
    ada, bob = person(database, "ada"), person(database, "bob")
    known: dict[str, ObjectId] = {}

    def place(name: str, after: int | None = None, **fields: Any) -> None:
        known[name] = conversation(database, ada, bob, name=name)
        if after is not None:
            messages(database, known[name], ada, "hello", after=after)
        if fields:
            database["Conversation"].update_one({"_id": known[name]}, {"$set": fields})

    place("written since", after=59)
    place("written before", after=1)
    place("created since", lastMessageAt=minute_after(50), created_at=minute_after(50))
    place("its last message was deleted", after=1, lastMessageAt=minute_after(50))
    place("it says too early a time", after=59, lastMessageAt=BEGAN)
    place("it says no time", after=59, lastMessageAt=None)
    place("its message names it as text", after=59)
    text = {"conversationId": str(known["its message names it as text"])}
    database["Message"].update_one({"conversationId": known["its message names it as text"]}, {"$set": text})
    return {str(identifier): name for name, identifier in known.items()}


ACTIVE = {"written since", "it says too early a time", "it says no time", "its message names it as text"}


@pytest.mark.parametrize("sort", [(), ("--sort", "id"), ("--sort", "-name")], ids=str)
def test_active_since_finds_conversations_with_later_messages_and_idle_since_all_others(
    either: Chatctl, places: dict[str, str], sort: tuple[str, ...]
) -> None:
    def listed(*options: str) -> set[str]:
        found = either("conversations", "list", *options, *sort, "-o", "ids").stdout.split()
        assert len(found) == int(either("conversations", "list", *options, "--count").stdout)
        return {places[identifier] for identifier in found}

    assert listed("--active-since", SINCE) == ACTIVE
    assert listed("--idle-since", SINCE) == {*places.values()} - ACTIVE
    assert listed("--idle-since", SINCE, "--empty") == {"created since"} == listed("--empty")
    assert listed("--active-since", SINCE, "--empty") == set()
    assert listed("--active-since", "2026-01-01T00:01Z", "--idle-since", SINCE) == {
        "written before",
        "its last message was deleted",
    }
    assert listed("--active-since", SINCE, "--user", "ada", "--search", "early") == {"it says too early a time"}


@pytest.mark.parametrize(
    ("created", "said", "expected"),
    [
        (BEGAN, BEGAN, None),
        (BEGAN, minute_after(0).replace(second=9), None),
        (BEGAN, minute_after(5), BEGAN),
        (minute_after(5), BEGAN, minute_after(5)),
        (None, minute_after(5), None),
        ("2026-01-01", minute_after(5), None),
    ],
)
def test_without_messages_the_creation_counts_as_the_last_message(
    either: Chatctl, database: Documents, created: Any, said: Any, expected: Any
) -> None:
    place = conversation(database, person(database, "ada"), person(database, "bob"))
    database["Conversation"].update_one({"_id": place}, {"$set": {"created_at": created, "lastMessageAt": said}})
    rule = ("--rule", "stale-last-message")
    either("db", "check", *rule, code=0 if expected is None else 1)
    either("db", "repair", *rule, "--yes")
    assert (database["Conversation"].find_one() or {})["lastMessageAt"] == (said if expected is None else expected)
    either("db", "check", *rule, code=0)


@pytest.mark.parametrize("odd", ["createAt", "conversationId"])
def test_a_message_counts_without_a_usable_date_or_with_a_reference_as_text(
    either: Chatctl, database: Documents, odd: str
) -> None:
    ada = person(database, "ada")
    place = conversation(database, ada, person(database, "bob"))
    messages(database, place, ada, "hello", after=4)
    value = {"createAt": "2026-01-01T00:05:00Z", "conversationId": str(place)}[odd]
    database["Message"].update_one({}, {"$set": {odd: value}})
    either("db", "check", "--rule", "stale-last-message", code=0)
