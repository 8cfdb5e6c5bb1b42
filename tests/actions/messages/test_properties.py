"""After any commands about conversations and messages, all links have two sides, and undos restore the data."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import BEGAN, SEVEN, Documents, conversation, links, messages, person, stored

from actions import audit, conversations, users
from actions import messages as acting
from changes import Changeset, apply
from database.errors import ChatctlError

pytestmark = pytest.mark.usefixtures("either")

NAMES: Final = ("ada", "grace", "alan", "edith")
EITHER = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])

Words = tuple[list[str], list[str], list[str], int]
"""Random words for a command: users, conversations, messages, and a number."""

COMMANDS: Final[dict[str, Callable[[Words], Changeset]]] = {
    "create": lambda words: conversations.create(words[0]),
    "group": lambda words: conversations.create(words[0], name="looms"),
    "add": lambda words: conversations.add(words[1][0], words[0]),
    "remove": lambda words: conversations.remove(words[1][0], words[0]),
    "rename": lambda words: conversations.rename(words[1][0], f"name {words[3]}"),
    "delete conversation": lambda words: conversations.delete(words[1]),
    "send": lambda words: acting.send(words[1][0], words[0][0], body="new"),
    "image": lambda words: acting.send(words[1][0], words[0][0], image="https://images.example/a.png"),
    "redact": lambda words: acting.redact(words[2]),
    "delete": lambda words: acting.delete(words[2]),
    "purge": lambda words: acting.purge(BEGAN + timedelta(minutes=words[3])),
    "purge all": lambda words: acting.purge(BEGAN + timedelta(9_999), conversation=words[1][0]),
    "purge of one": lambda words: acting.purge(BEGAN + timedelta(minutes=words[3]), sender=words[0][0]),
    "purge but": lambda words: acting.purge(BEGAN + timedelta(minutes=words[3]), keep_last=2),
    "purge of one but": lambda words: acting.purge(BEGAN + timedelta(9_999), sender=words[0][0], keep_last=1),
    "delete user": lambda words: users.delete(words[0][:1]),
}

STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(COMMANDS)),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
        st.lists(st.integers(0, 9), min_size=2, max_size=2),
        st.integers(0, 12),
    ),
    max_size=10,
)


def settle(database: Documents) -> None:
    for name in SEVEN:
        database[name].delete_many({})
    ada, grace, alan, _ = (person(database, name) for name in NAMES)
    direct, group = conversation(database, ada, grace), conversation(database, ada, grace, alan, name="engines")
    conversation(database, grace, alan)
    messages(database, direct, ada, "one", "two", seen=(grace,))
    messages(database, group, grace, "three", "four", seen=(ada, alan))
    messages(database, group, alan, "five", "six", "seven", seen=(ada,), after=5)


def do(database: Documents, step: Any) -> ObjectId | None:
    """Run a step if it is possible. Return the id of its event, or None."""
    command, who, numbers, number = step
    places, said = (
        [str(one["_id"]) for one in database[name].find({}, ["_id"]).sort("_id")]
        for name in ("Conversation", "Message")
    )
    if not places or not said:
        return None
    words = who, *([listed[one % len(listed)] for one in numbers] for listed in (places, said)), number
    with suppress(ChatctlError):  # the user does not exist, or already exists
        return apply(COMMANDS[command](words)).event  # type: ignore[arg-type]
    return None


@EITHER
@given(steps=STEPS)
def test_any_commands_leave_complete_links_and_can_be_undone_in_reverse_order(
    database: Documents, steps: list[Any]
) -> None:
    settle(database)
    was, events = stored(database), []
    for step in steps:
        if event := do(database, step):
            events.append(event)
        check(database)
    for event in reversed(events):
        apply(audit.undo(str(event)))
        check(database)
    assert stored(database) == was


def check(database: Documents) -> None:
    """Check that links have two sides, messages have a conversation and a sender, and `lastMessageAt` is right."""
    links(database)
    said = list(database["Message"].find())
    places = {place["_id"]: place for place in database["Conversation"].find()}
    people = {user["_id"] for user in database["User"].find({}, ["_id"])}
    assert all(message["conversationId"] in places and message["senderId"] in people for message in said)
    for key, place in places.items():
        here = [message for message in said if message["conversationId"] == key]
        assert place["lastMessageAt"] == max([place["created_at"], *(message["createAt"] for message in here)])
        assert set(place["messagesIds"]) == {message["_id"] for message in here}
    pairs = [sorted(place["userIds"]) for place in places.values() if not place.get("isGroup")]
    assert all(len(pair) <= 2 for pair in pairs)
