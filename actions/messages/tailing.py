"""Messages as they come, are changed, and go."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from time import monotonic
from typing import Any, Final

from pymongo import DESCENDING
from pymongo.errors import ExecutionTimeout

from actions import finding
from actions.messages.listing import MessageRows
from actions.messages.redacting import REMOVED
from changes import Document
from database import connection
from database.following import Following, Say, lasting
from database.listing import PRESENT, Row
from database.references import forms, joined

TEXT: Final = ("body", "image")
"""What is changed when a message is; who has seen it changes all the time."""
PARENTS: Final = ("conversationId", "senderId")
NEWEST: Final = 10_000
"""Messages from before of which it is known where they were, if they are deleted."""
HELD: Final = 50_000
"""Messages of which that is known at most."""
PATIENCE: Final = 3_000
"""Milliseconds for reading those from before, where no index helps."""
FRESH: Final = 10
"""Seconds that the names of people and conversations are kept."""


def follow(conversation: str | None, sender: str | None, say: Say) -> Iterator[Row]:
    """Give the messages that come from now on, for ever: rows of `MessageRows` with the `event` that each has had.

    It is `sent`, `redacted`, `changed` or `deleted`; of a deleted message there is its id, and where it is known its
    conversation and sender. `say` is told what goes on otherwise. Raises `UnknownNameError`.
    """
    wanted: Document = {}
    if conversation is not None:
        wanted["conversationId"] = finding.one("Conversation", conversation, ["_id"])["_id"]
    if sender is not None:
        wanted["senderId"] = finding.user(sender, ["_id"])["_id"]
    tail = _Tail(wanted)
    where = {field: {"$in": forms(identifier)} for field, identifier in wanted.items()}
    changes = Following("Message", where, _pipeline(where), say)
    return lasting(lambda: tail.rows(changes()), say)


def _pipeline(where: Document) -> list[Document]:
    """Let through the changes of text that match, and all that is no change of a document's fields."""
    changed: list[Document] = [{f"updateDescription.updatedFields.{field}": PRESENT} for field in TEXT]
    changed.append({"updateDescription.removedFields": {"$in": list(TEXT)}})
    written = {"$or": [{"operationType": {"$in": ["insert", "replace"]}}, *changed]}
    matching = {f"fullDocument.{field}": ids for field, ids in where.items()}
    others = {"operationType": {"$nin": ["insert", "replace", "update"]}}
    return [{"$match": {"$or": [others, {**written, **matching}]}}]


class _Tail:
    """Make rows of changes, and remember where messages were: of a deletion servers tell the id alone."""

    def __init__(self, wanted: Document) -> None:
        self._wanted = wanted
        self._known: dict[Any, Document] | None = None
        self._rows = MessageRows()
        self._fresh = monotonic() + FRESH

    def rows(self, changes: Iterator[Document | None]) -> Iterator[Row | None]:
        for change in changes:
            if self._known is None:
                self._known = self._newest()
            yield self._row(change, self._known) if change else None

    def _row(self, change: Document, known: dict[Any, Document]) -> Row | None:
        operation, message = change["operationType"], change.get("fullDocument")
        if operation == "delete":
            return self._deleted(change["documentKey"]["_id"], known)
        if message is None:  # it is gone by now, which is told next; or nothing has happened to a message
            return None
        known.pop(message["_id"], None)
        known[message["_id"]] = {field: message.get(field) for field in ("_id", *PARENTS)}
        if len(known) > HELD:
            del known[next(iter(known))]
        event = "sent" if operation == "insert" else "redacted" if message.get("body") == REMOVED else "changed"
        return self._resolved(message) | {"event": event}

    def _deleted(self, identifier: Any, known: dict[Any, Document]) -> Row | None:
        message = known.pop(identifier, None)
        if message is None:
            return None if self._wanted else {"id": identifier, "event": "deleted"}
        row = self._resolved(message)
        return {key: row[key] for key in ("id", "sender", "conversation", *PARENTS)} | {"event": "deleted"}

    def _resolved(self, message: Document) -> Row:
        if monotonic() > self._fresh:
            self._rows = MessageRows()
            self._fresh = monotonic() + FRESH
        return next(self._rows([message]))

    def _newest(self) -> dict[Any, Document]:
        """Read where the newest messages are that match, the oldest first; some alone where that takes too long."""
        found = (finding.referring("Message", field, identifier) for field, identifier in self._wanted.items())
        where = joined({}, *found)
        order = [("createAt", DESCENDING)] if where else []
        order.append(("_id", DESCENDING))
        messages = connection.database()["Message"].find(where, PARENTS, sort=order, max_time_ms=PATIENCE)
        newest: list[Document] = []
        with suppress(ExecutionTimeout):
            newest.extend(islice(messages.limit(NEWEST), NEWEST))
        return {message["_id"]: message for message in reversed(newest)}
