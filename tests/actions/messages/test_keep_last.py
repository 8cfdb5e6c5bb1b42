"""With keep_last, the newest messages of each conversation are kept, for any data and with few queries."""

from datetime import timedelta

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import BEGAN, Documents
from reads import listening

from actions import messages as acting
from actions.messages import deleting
from changes import apply

PEOPLE = [ObjectId() for _ in range(3)]
PLACES = [ObjectId() for _ in range(4)]
CONVERSATION_IDS = st.sampled_from([*PLACES, str(PLACES[0]), "text", None])
"""The same conversation can be stored as an ObjectId and as a text."""
MESSAGES = st.lists(st.tuples(CONVERSATION_IDS, st.sampled_from(PEOPLE), st.integers(0, 9)), max_size=25)


@pytest.mark.usefixtures("either")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=MESSAGES, number=st.integers(1, 4), before=st.integers(0, 10), sender=st.sampled_from([None, "ada"]))
def test_exactly_the_old_messages_before_the_last_ones_are_deleted(
    database: Documents, sent: list[tuple[object, ObjectId, int]], number: int, before: int, sender: str | None
) -> None:
    for name in ("User", "Message"):
        database[name].delete_many({})
    database["User"].insert_one({"_id": PEOPLE[0], "username": "ada", "email": "ada@example.org"})
    documents = [
        {"_id": ObjectId(), "conversationId": place, "senderId": who, "createAt": BEGAN + timedelta(minutes=minute)}
        for place, who, minute in sent
    ]
    if documents:
        database["Message"].insert_many(documents)
    time = BEGAN + timedelta(minutes=before)
    expected = set()
    for place in {str(one["conversationId"]) for one in documents}:
        inside = [one for one in documents if str(one["conversationId"]) == place]
        inside.sort(key=lambda one: (one["createAt"], one["_id"]))
        old = [one for one in inside[:-number] if one["createAt"] < time]
        expected |= {one["_id"] for one in old if sender is None or one["senderId"] == PEOPLE[0]}
    old_messages = deleting.OldMessages(time, sender=sender, keep_last=number)
    assert old_messages.number == len(expected)
    apply(acting.purge(time, sender=sender, keep_last=number))
    kept = {one["_id"] for one in documents} - expected
    assert {one["_id"] for one in database["Message"].find()} == kept


def test_the_number_of_queries_does_not_depend_on_the_number_of_conversations(database: Documents, url: str) -> None:
    counts = []
    for number in (2, 60):
        database["Message"].insert_many(
            {"conversationId": place, "senderId": PEOPLE[0], "createAt": BEGAN + timedelta(minutes=minute)}
            for place in [ObjectId() for _ in range(number)]
            for minute in range(4)
        )
        with listening(url) as sent:
            assert acting.purge(BEGAN + timedelta(9), keep_last=2).items
        counts.append(len(sent.commands))
    assert counts[0] == counts[1]
