"""List messages, by where and when they were written, by whom, and who has seen them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from actions import finding
from actions.conversation_titles import Place, Places
from actions.filter_conditions import between
from actions.usernames import ids
from changes import Document
from changes.showable import readable, readable_text
from database import connection
from database.listing import Listing, Row
from database.references import joined, not_to, referred

SORTABLE: Final = ("createAt",)
NEWEST: Final = "-createAt"
FIELDS: Final = ("createAt", "body", "image", "seenIds", "conversationId", "senderId")
"""What is read of a message."""

HELD: Final = 1_000
"""Sets of readers that are kept in memory: those of one message are mostly those of the next."""

NOBODY: Final[Row] = {"id": None, "username": None}

Readers = tuple[list[Row], list[Row]]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of messages, or a search, is narrowed by; all that is given has to hold. Times are in UTC."""

    conversation: str | None = None
    sender: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    with_image: bool = False
    unseen_by: str | None = None


def find(filters: Filters | None = None) -> Listing:
    """List messages as `Rows` makes them, newest first.

    Raises `UnknownNameError` for a conversation or a user that is not there.
    """
    return Listing("Message", where(filters or Filters()), Rows(), SORTABLE, NEWEST, FIELDS)


def show(ref: str) -> Row:
    """Describe one message."""
    [found] = finding.messages([ref], FIELDS)
    return next(Rows()([found.document]))


def where(filters: Filters) -> Document:
    """Return what matches the messages that are meant."""
    reader, sender = (_user(ref) for ref in (filters.unseen_by, filters.sender))
    conditions: dict[str, Any] = {
        "createAt": between(filters.since, filters.until),
        "image": filters.with_image and {"$nin": [None, ""]},
    }
    return joined(
        {field: condition for field, condition in conditions.items() if condition},
        _conversations(filters.conversation, reader),
        {} if sender is None else finding.referring("Message", "senderId", sender),
        *(not_to(field, reader) for field in ("senderId", "seenIds") if reader is not None),
    )


def _user(ref: str | None) -> Any:
    return None if ref is None else finding.user(ref, ())["_id"]


def _conversations(ref: str | None, reader: Any) -> Document:
    """Match what was written in a conversation, or in all that a reader is in."""
    chosen = [] if ref is None else [finding.one("Conversation", ref, ())["_id"]]
    if reader is not None:
        among = {"_id": {"$in": chosen}} if chosen else {}
        taking_part = joined(among, finding.referring("Conversation", "userIds", reader))
        found = connection.database()["Conversation"].find(taking_part, ["_id"])
        chosen = [conversation["_id"] for conversation in found]
    elif ref is None:
        return {}
    return finding.referring("Message", "conversationId", *chosen)


class Rows:
    """Make rows of messages, some at a time, and keep what they have in common.

    A row is `{id, createAt, sender, conversation, body, image, seen, unseen, conversationId, senderId}`: people are
    `{id, username}`, the conversation `{id, title}`, `unseen` are the participants who have not seen the message.
    """

    def __init__(self, places: Places | None = None) -> None:
        self.places = places or Places()
        self._readers: dict[Any, Readers] = {}

    def __call__(self, messages: Sequence[Document], _: Collection[str] = ()) -> Iterator[Row]:
        seen = [ids(message, "seenIds") for message in messages]
        senders = [_reference(message, "senderId") for message in messages]
        wanted = [_reference(message, "conversationId") for message in messages]
        self.places.meet(wanted, {*senders, *(person for readers in seen for person in readers)})
        if len(self._readers) > HELD:
            self._readers.clear()
        for message, sender, where, readers in zip(messages, senders, wanted, seen, strict=True):
            place = self.places.of(where)
            by, not_by = self._readers_of(place, readers)
            yield {
                "id": message["_id"],
                "createAt": readable(message.get("createAt")),
                "sender": NOBODY if message.get("senderId") is None else self.places.person(sender),
                "conversation": {"id": message.get("conversationId") and place.id, "title": place.title},
                "body": readable(message.get("body")),
                "image": readable(message.get("image")),
                "seen": by,
                "unseen": not_by,
                "conversationId": readable(message.get("conversationId")),
                "senderId": readable(message.get("senderId")),
            }

    def _readers_of(self, place: Place, readers: list[str]) -> Readers:
        key = place.id, *readers
        if key not in self._readers:
            seen = dict.fromkeys(readers)
            unseen = [person for person in place.participants if person["id"] not in seen]
            self._readers[key] = [self.places.person(person) for person in seen], unseen
        return self._readers[key]


def _reference(message: Document, field: str) -> str:
    """Return the id that a message refers to as text; in broken data it may be anything, or not there."""
    return readable_text(referred(message.get(field)))
