"""When the last message of a conversation was written, once messages come back."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from pymongo.database import Database

from changes.change import Change, Insert, Raise, Update
from database.references import reference

AT_ONCE: Final = 500
"""Ids in one filter: some servers compare each document with each of them."""


def raised(database: Database[dict[str, Any]], batches: list[list[Change]]) -> Iterator[list[Change]]:
    """Move conversations on to messages that come back, where the event itself says nothing of their last one."""
    settled = {identifier for batch in batches for change in batch for identifier in _with_last_message(change)}
    for batch in batches:
        last: dict[Any, datetime] = {}
        for change in batch:
            if isinstance(change, Insert) and change.collection == "Message":
                place, at = reference(change.document, "conversationId"), change.document.get("createAt")
                if place and isinstance(at, datetime) and place not in settled:
                    last[place] = max(at, last.get(place, at))
        yield [
            Update("Conversation", (there["_id"],), {"lastMessageAt": Raise(said, last[there["_id"]])})
            for start in range(0, len(last), AT_ONCE)
            for there in database["Conversation"].find({"_id": {"$in": list(last)[start : start + AT_ONCE]}})
            if isinstance(said := there.get("lastMessageAt"), datetime) and said < last[there["_id"]]
        ]


def _with_last_message(change: Change) -> tuple[Any, ...]:
    """Return the conversations of which a change says when the last message was written."""
    if change.collection != "Conversation" or (isinstance(change, Update) and "lastMessageAt" not in change.fields):
        return ()
    return change.ids
