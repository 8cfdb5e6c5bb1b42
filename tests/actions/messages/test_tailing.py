"""The rows of `messages tail`, read one by one."""

from collections.abc import Iterator
from typing import Any

import pytest
from people import conversation, messages, person
from pymongo.change_stream import ChangeStream
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure

from actions.messages import follow, tailing
from database import following

Documents = Database[dict[str, Any]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "AWAIT", 0.05)
    monkeypatch.setattr(following, "PAUSES", (0.05, 0.1))
    monkeypatch.setattr(tailing, "SECONDS_TO_KEEP_NAMES", 0)


@pytest.fixture
def said() -> list[str]:
    return []


def begun(database: Documents, said: list[str], sender: str | None = None) -> tuple[Iterator[dict[str, Any]], Any]:
    """Start to follow messages. The first row is the next message that is inserted."""
    ada = person(database, "ada")
    place = conversation(database, ada, name="Lunch")
    messages(database, place, ada, "old")
    rows = follow(None, sender, said.append)
    original = following.Following.__call__

    def looked(self: following.Following) -> Iterator[Any]:
        for number, change in enumerate(original(self)):
            if number == 0:
                messages(database, place, ada, "first")
            yield change

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following.Following, "__call__", looked)
        assert next(rows)["body"] == "first"
    return rows, (place, ada)


@pytest.mark.usefixtures("either")
def test_a_changed_name_is_shown_in_its_current_form(database: Documents, said: list[str]) -> None:
    rows, (place, ada) = begun(database, said)
    database["User"].update_one({"_id": ada}, {"$set": {"username": "lovelace"}})
    database["Conversation"].update_one({"_id": place}, {"$set": {"name": "Dinner"}})
    messages(database, place, ada, "second")
    row = next(rows)
    assert (row["body"], row["sender"]["username"], row["conversation"]["title"]) == ("second", "lovelace", "Dinner")
    assert len(said) == (database.client.__class__.__module__.startswith("mongomock"))


@pytest.mark.usefixtures("chatctl")
@pytest.mark.parametrize("code", [59, 115, 303, 40573])
def test_a_server_without_change_streams_is_polled(
    database: Documents, said: list[str], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def watch(*_: object, **__: object) -> None:
        raise OperationFailure("no", code)

    monkeypatch.setattr(Collection, "watch", watch)
    rows, (place, ada) = begun(database, said, "ada")
    eve = person(database, "eve")
    messages(database, place, eve, "of eve")
    messages(database, place, ada, "a", "b")
    assert [next(rows)["body"], next(rows)["body"]] == ["a", "b"]
    assert [text.partition(":")[0] for text in said] == ["this server has no change streams"]


@pytest.mark.usefixtures("chatctl")
def test_the_number_of_remembered_messages_is_limited(
    database: Documents, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "MOST_KNOWN", 2)
    rows, (place, ada) = begun(database, said, "ada")
    ids = messages(database, place, ada, "a", "b", "c")
    assert [next(rows)["body"] for _ in ids] == ["a", "b", "c"]
    database["Message"].delete_one({"_id": ids[0]})
    database["Message"].delete_one({"_id": ids[2]})
    row = next(rows)
    assert (row["event"], row["id"]) == ("deleted", ids[2])


@pytest.mark.usefixtures("chatctl")
def test_a_refusal_by_the_server_is_not_reported_as_a_lost_connection(
    database: Documents, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, _ = begun(database, said)

    def refused(*_: object) -> None:
        raise OperationFailure("no", 13)

    monkeypatch.setattr(tailing._Follower, "_row", refused)
    messages(database, *_, "x")
    with pytest.raises(OperationFailure):
        next(rows)
    assert said == []


@pytest.mark.usefixtures("chatctl")
@pytest.mark.parametrize("code", [260, 280, 286])
def test_a_note_says_that_messages_may_be_missing(
    database: Documents, said: list[str], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    rows, (place, ada) = begun(database, said)
    original = ChangeStream.try_next

    def lost(_: object) -> None:
        monkeypatch.setattr(ChangeStream, "try_next", original)
        messages(database, place, ada, "missed")
        raise OperationFailure("lost", code)

    monkeypatch.setattr(ChangeStream, "try_next", lost)
    original_watch = Collection.watch

    def watch(*args: Any, **options: Any) -> Any:
        assert options["start_after"] is None
        stream = original_watch(*args, **options)
        messages(database, place, ada, "next")
        return stream

    monkeypatch.setattr(Collection, "watch", watch)
    assert next(rows)["body"] == "next"
    assert [text.rpartition(": ")[2] for text in said] == ["messages may be missing"]


@pytest.mark.usefixtures("chatctl")
def test_messages_sent_while_the_connection_was_lost_are_shown_afterwards(
    database: Documents, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, (place, ada) = begun(database, said)
    original = tailing._Follower._message_row

    def lost(*_: object) -> None:
        monkeypatch.setattr(tailing._Follower, "_message_row", original)
        raise AutoReconnect

    monkeypatch.setattr(tailing._Follower, "_message_row", lost)
    messages(database, place, ada, "a", "b")
    assert [next(rows)["body"], next(rows)["body"]] == ["a", "b"]
    assert said == ["connection lost, trying again", "connected again"]
