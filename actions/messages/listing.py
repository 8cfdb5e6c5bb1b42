"""List messages, by where and when they were written, by whom, and who has seen them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from actions import lookup, queries
from actions.display_names import ConversationTitles, TitledConversation, id_texts
from actions.filter_conditions import time_range
from changes import Document
from changes.visible_values import readable, readable_text
from database import connection
from database.listing import Listing, Row
from database.references import joined, not_referring_to, referred

SORTABLE: Final = ("createAt",)
NEWEST: Final = "-createAt"
MESSAGE_FIELDS: Final = ("createAt", "body", "image", "seenIds", "conversationId", "senderId")
"""The fields that are read of a message."""

READERS_KEPT: Final = 1_000
"""Sets of readers that are kept in memory, because most messages have the same readers as the one before."""

NO_SENDER: Final[Row] = {"id": None, "username": None}

Readers = tuple[list[Row], list[Row]]


@dataclass(frozen=True, slots=True)
class Filters:
    """Filters of `messages list` and `messages search`, combined with AND. Times are in UTC."""

    conversation: str | None = None
    sender: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_image: bool = False
    unseen_by: str | None = None


def find(filters: Filters | None = None) -> Listing:
    """List messages as `MessageRows` makes them, newest first.

    Raises `UnknownNameError` for an unknown conversation or user.
    """
    return Listing("Message", query(filters or Filters()), MessageRows(), SORTABLE, NEWEST, MESSAGE_FIELDS)


def show(ref: str) -> Row:
    """Describe one message."""
    [found] = lookup.find_messages([ref], MESSAGE_FIELDS)
    return next(MessageRows()([found.document]))


def query(filters: Filters) -> Document:
    """Return the MongoDB filter for the messages that match all filters."""
    reader, sender = (_user_id(ref) for ref in (filters.unseen_by, filters.sender))
    conditions: dict[str, Any] = {
        "createAt": time_range(filters.since, filters.until),
        "image": filters.with_image and {"$nin": [None, ""]},
    }
    return joined(
        {field: condition for field, condition in conditions.items() if condition},
        _in_conversations(filters.conversation, reader),
        {} if sender is None else queries.refers_to("Message", "senderId", sender),
        *(not_referring_to(field, reader) for field in ("senderId", "seenIds") if reader is not None),
    )


def _user_id(ref: str | None) -> Any:
    return None if ref is None else lookup.find_user(ref, ())["_id"]


def _in_conversations(ref: str | None, reader: Any) -> Document:
    """Match the messages of a conversation, or of all conversations with a reader."""
    chosen = [] if ref is None else [lookup.find_one("Conversation", ref, ())["_id"]]
    if reader is not None:
        among = {"_id": {"$in": chosen}} if chosen else {}
        taking_part = joined(among, queries.refers_to("Conversation", "userIds", reader))
        found = connection.database()["Conversation"].find(taking_part, ["_id"])
        chosen = [conversation["_id"] for conversation in found]
    elif ref is None:
        return {}
    return queries.refers_to("Message", "conversationId", *chosen)


class MessageRows:
    """Make rows of messages, some at a time; conversations and readers are kept for the next ones.

    A row is `{id, createAt, sender, conversation, body, image, seen, unseen, conversationId, senderId}`: people are
    `{id, username}`, the conversation `{id, title}`, `unseen` are the participants who have not seen the message.
    """

    def __init__(self, places: ConversationTitles | None = None) -> None:
        self.places = places or ConversationTitles()
        self._readers: dict[Any, Readers] = {}

    def __call__(self, messages: Sequence[Document], _: Collection[str] = ()) -> Iterator[Row]:
        seen = [id_texts(message, "seenIds") for message in messages]
        senders = [_reference_text(message, "senderId") for message in messages]
        conversation_ids = [_reference_text(message, "conversationId") for message in messages]
        self.places.load(conversation_ids, {*senders, *(person for readers in seen for person in readers)})
        if len(self._readers) > READERS_KEPT:
            self._readers.clear()
        for message, sender, conversation_id, readers in zip(messages, senders, conversation_ids, seen, strict=True):
            place = self.places.get(conversation_id)
            has_seen, has_not_seen = self._readers_of(place, readers)
            yield {
                "id": message["_id"],
                "createAt": readable(message.get("createAt")),
                "sender": NO_SENDER if message.get("senderId") is None else self.places.person(sender),
                "conversation": {"id": message.get("conversationId") and place.id, "title": place.title},
                "body": readable(message.get("body")),
                "image": readable(message.get("image")),
                "seen": has_seen,
                "unseen": has_not_seen,
                "conversationId": readable(message.get("conversationId")),
                "senderId": readable(message.get("senderId")),
            }

    def _readers_of(self, place: TitledConversation, readers: list[str]) -> Readers:
        key = place.id, *readers
        if key not in self._readers:
            seen = dict.fromkeys(readers)
            unseen = [person for person in place.participants if person["id"] not in seen]
            self._readers[key] = [self.places.person(person) for person in seen], unseen
        return self._readers[key]


def _reference_text(message: Document, field: str) -> str:
    """Return the referenced id as text; in broken data it may have any type, or be missing."""
    return readable_text(referred(message.get(field)))
