"""Follow messages: report each new, changed or deleted message immediately."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from time import monotonic
from typing import Any, Final

from pymongo import DESCENDING
from pymongo.errors import ExecutionTimeout

from actions import lookup, queries
from actions.messages.changing import REMOVED
from actions.messages.listing import MessageRows
from changes import Document
from database import connection
from database.following import Following, Say, lasting
from database.listing import PRESENT, Row
from database.references import forms, joined

CONTENT_FIELDS: Final = ("body", "image")
"""The fields whose changes are reported. Other fields, like `seenIds`, change too often."""
REFERENCE_FIELDS: Final = ("conversationId", "senderId")
KNOWN_AT_START: Final = 10_000
"""The number of newest messages whose conversation and sender are read at the start.

If one of these messages is deleted later, the report can name the conversation and the sender.
"""
MOST_KNOWN: Final = 50_000
"""The largest number of messages whose conversation and sender are kept in memory."""
MILLISECONDS_AT_START: Final = 3_000
"""The time limit for reading older messages at the start, in milliseconds. Only a missing index makes this slow."""
SECONDS_TO_KEEP_NAMES: Final = 10
"""The names of people and conversations are read again after this number of seconds."""


def follow(conversation: str | None, sender: str | None, say: Say) -> Iterator[Row]:
    """Yield a row for each message that is sent, changed or deleted. This function does not end by itself.

    A row is a row of `MessageRows`, with an `event`: `sent`, `redacted`, `changed` or `deleted`. The row of a deleted
    message has only its id and, if they are known, its conversation and sender. `say` is called with texts about the
    state of the connection. Raises `UnknownNameError` for an unknown conversation or sender.
    """
    wanted: Document = {}
    if conversation is not None:
        wanted["conversationId"] = lookup.find_one("Conversation", conversation, ["_id"])["_id"]
    if sender is not None:
        wanted["senderId"] = lookup.find_user(sender, ["_id"])["_id"]
    tail = _Follower(wanted)
    where = {field: {"$in": forms(identifier)} for field, identifier in wanted.items()}
    changes = Following("Message", where, _pipeline(where), say)
    return lasting(lambda: tail.rows(changes()), say)


def _pipeline(where: Document) -> list[Document]:
    """Return the pipeline for a change stream of messages: all deletions, and the other changes that match `where`."""
    changed: list[Document] = [{f"updateDescription.updatedFields.{field}": PRESENT} for field in CONTENT_FIELDS]
    changed.append({"updateDescription.removedFields": {"$in": list(CONTENT_FIELDS)}})
    written = {"$or": [{"operationType": {"$in": ["insert", "replace"]}}, *changed]}
    matching = {f"fullDocument.{field}": ids for field, ids in where.items()}
    others = {"operationType": {"$nin": ["insert", "replace", "update"]}}
    return [{"$match": {"$or": [others, {**written, **matching}]}}]


class _Follower:
    """Make rows from changes, and remember the conversation and the sender of each message.

    When a message is deleted, the server sends only the id of the message.
    """

    def __init__(self, wanted: Document) -> None:
        self._wanted = wanted
        self._references: dict[Any, Document] | None = None
        self._rows = MessageRows()
        self._keep_until = monotonic() + SECONDS_TO_KEEP_NAMES

    def rows(self, changes: Iterator[Document | None]) -> Iterator[Row | None]:
        for change in changes:
            if self._references is None:
                self._references = self._read_newest()
            yield self._row(change, self._references) if change else None

    def _row(self, change: Document, references: dict[Any, Document]) -> Row | None:
        operation, message = change["operationType"], change.get("fullDocument")
        if operation == "delete":
            return self._deleted(change["documentKey"]["_id"], references)
        # Either the message was deleted since, which the next change reports, or this change is not about a message.
        if message is None:
            return None
        references.pop(message["_id"], None)
        references[message["_id"]] = {field: message.get(field) for field in ("_id", *REFERENCE_FIELDS)}
        if len(references) > MOST_KNOWN:
            del references[next(iter(references))]
        event = "sent" if operation == "insert" else "redacted" if message.get("body") == REMOVED else "changed"
        return self._message_row(message) | {"event": event}

    def _deleted(self, identifier: Any, references: dict[Any, Document]) -> Row | None:
        message = references.pop(identifier, None)
        if message is None:
            return None if self._wanted else {"id": identifier, "event": "deleted"}
        row = self._message_row(message)
        return {key: row[key] for key in ("id", "sender", "conversation", *REFERENCE_FIELDS)} | {"event": "deleted"}

    def _message_row(self, message: Document) -> Row:
        if monotonic() > self._keep_until:
            self._rows = MessageRows()
            self._keep_until = monotonic() + SECONDS_TO_KEEP_NAMES
        return next(self._rows([message]))

    def _read_newest(self) -> dict[Any, Document]:
        """Read the conversation and the sender of the newest messages.

        If the time limit is reached, return only some of these messages.
        """
        found = (queries.refers_to("Message", field, identifier) for field, identifier in self._wanted.items())
        where = joined({}, *found)
        order = [("createAt", DESCENDING)] if where else []
        order.append(("_id", DESCENDING))
        messages = connection.database()["Message"].find(
            where, REFERENCE_FIELDS, sort=order, max_time_ms=MILLISECONDS_AT_START
        )
        newest: list[Document] = []
        with suppress(ExecutionTimeout):
            newest.extend(islice(messages.limit(KNOWN_AT_START), KNOWN_AT_START))
        return {message["_id"]: message for message in reversed(newest)}
