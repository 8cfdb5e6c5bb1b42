"""Messages as they are shown: who wrote them, where, and who has seen them."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from actions.conversation_titles import Place, Places
from actions.usernames import ids
from changes import Document
from changes.visible_values import readable, readable_text
from database.listing import Row
from database.references import referred

FIELDS: Final = ("createAt", "body", "image", "seenIds", "conversationId", "senderId")
"""What is read of a message."""

HELD: Final = 1_000
"""Sets of readers that are kept in memory: those of one message are mostly those of the next."""

NOBODY: Final[Row] = {"id": None, "username": None}

Readers = tuple[list[Row], list[Row]]


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
