"""A transcript uses its index, and reads only the messages that it shows."""

from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from bson import ObjectId
from people import BEGAN, Documents, conversation, messages, person
from pymongo import monitoring
from pymongo.errors import OperationFailure
from reads import heard

from actions.conversations import lacks_index, transcript
from database import connection
from database.indexes import QUERIES

[INDEX] = [index for index in QUERIES if index.name == "chatctl_conversation"]
ORDER = ["createAt", "_id"]
WANTED: dict[str, dict[str, Any]] = {
    "all": {},
    "last": {"last": 3},
    "since": {"since": BEGAN},
    "between": {"since": BEGAN, "until": BEGAN.replace(hour=1)},
    "last since": {"since": BEGAN, "last": 3},
}


class Sent(monitoring.CommandListener):
    """Records the queries for messages."""

    def __init__(self) -> None:
        self.queries: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command.get("find") == "Message":
            self.queries.append(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Do nothing: the query is already recorded."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing: the query is already recorded."""


@pytest.fixture
def place(database: Documents) -> ObjectId:
    ada, bob = (person(database, name) for name in ("ada", "bob"))
    place = conversation(database, ada, bob, name="Lobby")
    messages(database, place, ada, *map(str, range(30)))
    messages(database, conversation(database, ada, bob), bob, "elsewhere")
    return place


@pytest.fixture
def sent(url: str, place: ObjectId) -> Iterator[Sent]:
    del place
    listener = Sent()
    with heard(listener):
        connection.choose(url)
        yield listener
        connection.choose()


def said(where: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return all conditions of a filter: field → condition."""
    found: dict[str, dict[str, Any]] = {}
    for part in where.get("$and", [where]):
        for field, condition in part.items():
            found[field] = found.get(field, {}) | (condition if isinstance(condition, dict) else {"$eq": condition})
    return found


def assert_served(query: dict[str, Any], place: ObjectId) -> None:
    """Check that the index answers a query: the filter has values for its first keys, the query sorts by the others."""
    fields = said(query["filter"])
    assert "skip" not in query
    assert fields["conversationId"] == {"$eq": place, "$exists": True}
    order = query["sort"]
    assert len(set(order.values())) == 1
    assert list(order) == (ORDER[1:] if "$eq" in fields.get("createAt", {}) else ORDER)
    assert [field for field, _ in INDEX.keys] == ["conversationId", *ORDER]


@pytest.mark.parametrize("wanted", WANTED)
def test_all_queries_of_a_transcript_use_the_index(sent: Sent, place: ObjectId, wanted: str) -> None:
    assert list(transcript(str(place), **WANTED[wanted]).rows())
    queries = [query for query in sent.queries if "sort" in query]
    assert queries
    for query in queries:
        assert_served(query, place)


@pytest.mark.parametrize("number", [0, 5, 29])
def test_the_queries_around_a_message_use_the_index(
    sent: Sent, database: Documents, place: ObjectId, number: int
) -> None:
    marked = database["Message"].find_one({"body": str(number)}) or {}
    assert marked["_id"] in [row["id"] for row in transcript(str(place), around=str(marked["_id"])).rows()]
    for query in sent.queries:
        if "sort" in query:
            assert_served(query, place)


def test_the_end_of_a_long_conversation_is_read_as_fast_as_of_a_short_one(
    sent: Sent, database: Documents, place: ObjectId
) -> None:
    def asked() -> list[tuple[int, list[str]]]:
        sent.queries.clear()
        assert len(list(transcript(str(place), last=5).rows())) == 5
        return [(query.get("limit", 0), sorted(query.get("projection", ()))) for query in sent.queries]

    few = asked()
    assert all(limit for limit, _ in few)
    messages(database, place, ObjectId(), *map(str, range(2_000)), after=100)
    assert asked() == few


def test_an_index_is_not_reported_as_missing_if_listing_is_refused(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, place: ObjectId
) -> None:
    del sent, place
    monkeypatch.setitem(lacks_index.__globals__, "MANY_MESSAGES", 0)
    assert lacks_index()
    for code, text, missing in ((13, "not authorized", False), (8000, "not allowed", False), (8000, "bad auth", None)):

        def refuse(*_: object, code: int = code, text: str = text) -> None:
            raise OperationFailure(text, code)

        monkeypatch.setattr(pymongo.collection.Collection, "index_information", refuse)
        if missing is None:
            with pytest.raises(OperationFailure):
                lacks_index()
        else:
            assert not lacks_index()
