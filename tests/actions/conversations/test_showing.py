"""Two ways to count the unread messages of a user, in Python and on the server, give the same number."""

from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import Documents, minute_after
from reads import listening

from actions import queries
from actions.conversations import listing, show

PEOPLE = [ObjectId() for _ in range(4)]
PLACE = ObjectId()

forms = st.sampled_from([*PEOPLE, *map(str, PEOPLE), ObjectId(), None, 5])
written = st.fixed_dictionaries(
    {"senderId": forms, "createAt": st.integers(0, 4).map(minute_after)},
    optional={"seenIds": st.none() | st.just("x") | st.lists(forms, max_size=3)},
)


@pytest.fixture
def here(url: str, database: Documents) -> Iterator[Documents]:
    with listening(url):
        yield database


def expected(messages: list[dict[str, Any]], person: str) -> int:
    ordered = sorted(messages, key=lambda message: (message["createAt"], message["_id"]), reverse=True)
    for number, message in enumerate(ordered):
        seen = message.get("seenIds")
        if person in map(str, [message["senderId"], *(seen if isinstance(seen, list) else ())]):
            return number
    return len(messages)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=st.lists(written, max_size=12), newest=st.integers(1, 13))
def test_unread_messages_are_the_same_if_they_are_read_or_counted_by_the_server(
    here: Documents, messages: list[dict[str, Any]], newest: int
) -> None:
    here["Message"].delete_many({})
    documents = [{"_id": ObjectId(), "conversationId": PLACE, **message} for message in messages]
    if documents:
        here["Message"].insert_many(documents)
    where = queries.refers_to("Message", "conversationId", PLACE)
    people = [str(person) for person in PEOPLE]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "RECENT", newest)
        found = listing.unread_counts(where, people, len(documents))
    assert found == {person: expected(documents, person) for person in people}


def test_showing_a_conversation_reads_only_as_many_messages_as_needed(url: str, database: Documents) -> None:
    many = [
        {"conversationId": PLACE, "senderId": PEOPLE[0], "seenIds": PEOPLE[:2], "createAt": minute_after(number)}
        for number in range(30)
    ]
    many[5]["seenIds"] = PEOPLE[:3]
    database["Message"].insert_many(many)
    database["Conversation"].insert_one({"_id": PLACE, "userIds": PEOPLE})
    with listening(url) as sent, pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "RECENT", 10)
        shown = show(f"id:{PLACE}")
    assert [one["unread"] for one in shown["people"]] == [0, 0, 24, 30]
    assert [one["messages"] for one in shown["people"]] == [30, 0, 0, 0]
    counted = [command for command in sent.commands if command.get("aggregate") == "Message"]
    assert (
        len(counted) == 3
        # There are three queries: messages of each sender, the last seen message of the others, and the number of later
        # messages.
    )
