"""Take messages and conversations away with all that points to them, children first, in batches of bearable size."""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any, Final

from pymongo import DESCENDING

from actions import finding
from models import connection
from models.changes import Batch, Document, Draft, ids_in

MESSAGES: Final = 500
"""In one batch; with them change those who have seen them and the conversations they are in."""
HELD: Final = 1_000_000
"""Ids in lists that are kept in memory between batches."""
COPIED: Final = 250_000
"""Up to this many ids `Conversation.messagesIds` is kept in step, where it is there at all."""


class Removing:
    """What is taken away, on a draft whose batches are handed out as soon as they are full.

    `users` and `conversations` are those that go in the end: as they go whole, their own lists are left as they are,
    so that each is found as it was read, and found again after an interruption. `names` gains what people know the
    touched documents by.
    """

    def __init__(self, users: Collection[Any], conversations: Collection[Any], names: dict[Any, str]) -> None:
        self.draft = Draft()
        self.draft.names = names
        self._users = frozenset(users)
        self._conversations = frozenset(conversations)
        self._lists: dict[tuple[str, Any], Document] = {}

    def messages(self, where: Document) -> Iterator[Batch]:
        """Delete the messages that a filter matches, out of every list that has them."""
        found = connection.database()["Message"].find(where, batch_size=MESSAGES)
        while some := list(islice(found, MESSAGES)):
            ids = [message["_id"] for message in some]
            seers = {user for message in some for user in ids_in(message, "seenIds")} - self._users
            places = {message.get("conversationId") for message in some} - self._conversations
            self._forget_lists()
            users = self._with_list("User", "seenMessageIds", seers)
            copies = self._with_list("Conversation", "messagesIds", places)
            self.draft.room(len(some) + len(users) + len(copies))
            self.draft.take("User", users, "seenMessageIds", ids)
            self.draft.take("Conversation", [c for c in copies if _length(c) < COPIED], "messagesIds", ids)
            for message in some:
                self.draft.delete("Message", message)
            yield from self.draft.full()

    def conversations(self, ids: Iterable[Any]) -> Iterator[Batch]:
        """Delete conversations, their messages before them."""
        database = connection.database()
        for identifier in ids:
            yield from self.messages({"conversationId": identifier})
            for conversation in database["Conversation"].find({"_id": identifier}):
                listed = {"_id": {"$in": ids_in(conversation, "userIds")}}
                people = database["User"].find(
                    {"$or": [{"conversationIds": identifier}, listed]}, ["username", "conversationIds"]
                )
                kept = [user for user in people if user["_id"] not in self._users]
                self.draft.room(len(kept) + 1)
                self.draft.take("User", kept, "conversationIds", [identifier])
                self.draft.delete("Conversation", conversation)
            yield from self.draft.full()

    def _with_list(self, collection: str, field: str, ids: Collection[Any]) -> list[Document]:
        """Read documents with one long list each, and keep them in step with what was taken from it."""
        unknown = [identifier for identifier in ids if (collection, identifier) not in self._lists]
        for document in finding.having(collection, "_id", unknown, ["username", "name", field]):
            self._lists[collection, document["_id"]] = document
        return [self._lists[collection, one] for one in ids if (collection, one) in self._lists]

    def _forget_lists(self) -> None:
        if sum(map(_length, self._lists.values())) > HELD:
            self._lists.clear()


def _length(document: Document) -> int:
    return max((len(value) for value in document.values() if isinstance(value, list)), default=0)


def last_message_at(conversation: Document, without: Collection[Any]) -> Any:
    """Return when the last message of a conversation was written, or it itself, once some senders' are gone."""
    others = {"conversationId": conversation["_id"], "senderId": {"$nin": list(without)}}
    order = [("createAt", DESCENDING), ("_id", DESCENDING)]
    last = connection.database()["Message"].find_one(others, ["createAt"], sort=order) or {}
    return last.get("createAt") or conversation.get("created_at")
