"""Read everything that a legal hold keeps, for an export."""

from collections.abc import Iterator
from typing import Any

from bson import ObjectId

from actions import audit, queries
from actions.conversations.listing import CONVERSATION_FIELDS, ConversationRows
from actions.conversations.transcript import Transcript
from actions.display_names import ConversationTitles
from actions.holds import listing
from actions.holds.placing import NOUNS, find_hold
from actions.messages.listing import MESSAGE_FIELDS, MessageRows
from actions.users.listing import RESOLVED, rows
from changes import Document
from changes.holds import Held, Holds
from database import connection
from database.ids import id_text
from database.listing import Listing, Row
from database.references import joined, referred


def contents(name: str) -> "Contents":
    """Find a legal hold by its name. Return its contents. Raises `UnknownNameError` if the hold does not exist."""
    hold = find_hold(name)
    return Contents(hold, Holds().kept_by(connection.database(), [hold]))


class Contents:
    """The documents that a legal hold keeps. Each method reads one kind of them."""

    def __init__(self, hold: Document, held: Held) -> None:
        self.id = hold["_id"]
        self.name = hold["name"]
        self._hold = hold
        self._held = held

    def hold(self) -> Row:
        """Describe the hold, as `holds show` does."""
        return listing.show(self.name)

    def users(self) -> Iterator[Row]:
        """Read the held users with their profiles and linked sign-ins."""
        for some in queries.chunks(self._held.users):
            yield from rows(list(queries.find_by_ids("User", some)), RESOLVED)

    def conversations(self) -> Iterator[Row]:
        """Read the held conversations."""
        for some in queries.chunks(self._held.conversations):
            found = list(queries.find_by_ids("Conversation", some, CONVERSATION_FIELDS))
            yield from ConversationRows()(found, ("messages",))

    def missing(self) -> Row:
        """Return the recorded ids of the hold whose documents no longer exist: collection → ids."""
        return {of: [id_text(one) for one in listing.missing(self._hold, of)] for of in NOUNS}

    def transcripts(self) -> Iterator[Transcript]:
        """Yield the messages of each held conversation, then the messages of held users in other conversations.

        Each transcript has messages of one conversation.
        """
        yield from self._transcripts(self._held.conversations, {}, "")
        if users := self._held.users:
            mine = queries.refers_to("Message", "senderId", *users)
            found = connection.database()["Message"].find(mine, ["conversationId"])
            places = {id_text(place): place for place in (referred(one.get("conversationId")) for one in found)}
            elsewhere = [place for place in places.values() if self._held.named("Conversation", place) is None]
            yield from self._transcripts(elsewhere, mine, "only messages of held users")

    def events(self) -> list[ObjectId]:
        """Return the ids of the audit events about the data that the hold keeps, oldest first."""
        return sorted(self._held.events(connection.database(), {}))

    def event(self, identifier: ObjectId) -> Row:
        """Read an event with its changes."""
        return audit.show(str(identifier))

    def _transcripts(self, ids: list[Any], where: Document, description: str) -> Iterator[Transcript]:
        for some in queries.chunks(ids):
            places = ConversationTitles()
            places.load(map(id_text, some), ())
            found = queries.find_by_ids("Conversation", some, ["created_at"])
            began = {id_text(referred(one["_id"])): one.get("created_at") for one in found}
            for place in some:
                here = {"conversationId": None} if place is None else self._in(place)
                messages = Listing(
                    "Message", joined(here, where), MessageRows(places), order="createAt", fields=MESSAGE_FIELDS
                )
                title = places.get(place)
                yield Transcript(title, began.get(title.id), messages, description=description)

    def _in(self, place: Any) -> Document:
        return queries.refers_to("Message", "conversationId", place)
