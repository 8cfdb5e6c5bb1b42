"""Take messages and conversations away with all that points to them, children first, in batches of bearable size."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any, Final

from pymongo import DESCENDING

from actions import finding
from models import connection
from models.changes import Batch, Document, Draft, ids_in
from models.changes.draft import BATCH
from models.changes.record import PART_BYTES, pages
from models.references import joined, reference, referred

MESSAGES: Final = 900
"""In one batch; with them change those who have seen them and the conversations they are in."""
HELD: Final = 1_000_000
"""Ids in lists that are kept in memory between batches."""
ALONE: Final = 10
"""Ids that take as much of it as a document without its list."""
NEEDED: Final = ("username", "name", "created_at", "lastMessageAt")
"""What is read of a document beside one of its lists."""
COPIED: Final = 250_000
"""Up to this many ids `Conversation.messagesIds` is kept in step, where it is there at all."""


class Removing:
    """What is taken away, on a draft whose batches are handed out as soon as they are full.

    `gone` matches all messages that go of a conversation, so that the last of those that stay is known. `users` and
    `conversations` are those that go in the end: as they go whole, their own lists are left as they are, so that each
    is found as it was read, and found again after an interruption. `names` gains what people know the touched
    documents by.
    """

    def __init__(
        self,
        names: dict[Any, str],
        gone: Callable[[Any], Document],
        users: Collection[Any] = (),
        conversations: Collection[Any] = (),
    ) -> None:
        self.draft = Draft()
        self.draft.names = names
        self._gone = gone
        self._users = frozenset(map(referred, users))
        self._conversations = frozenset(map(referred, conversations))
        self._lists: dict[tuple[str, str, Any], Document] = {}
        self._held = 0
        self._settled: set[Any] = set()

    def messages(self, wheres: Iterable[Document]) -> Iterator[Batch]:
        """Delete the messages that filters match, one after the other, out of every list that has them.

        The first batch that takes messages from a conversation says which will be its last.
        """
        documents = connection.database()["Message"]
        found = chain.from_iterable(documents.find(where, batch_size=MESSAGES) for where in wheres)
        heavy = False  # some servers keep all of a transaction in memory
        for some in pages(found, PART_BYTES, MESSAGES):
            ids = [message["_id"] for message in some]
            seen: dict[Any, set[Any]] = {}
            for message in some:
                for user in set(ids_in(message, "seenIds")) - self._users:
                    seen.setdefault(user, set()).add(referred(message["_id"]))
            places = {place for message in some if (place := reference(message, "conversationId"))}
            places -= self._conversations
            users = self.with_list("User", "seenMessageIds", seen)
            copies = self.with_list("Conversation", "messagesIds", places)
            self.draft.room(BATCH if heavy else len(some) + len(users) + 2 * len(copies))
            heavy = len(some) < MESSAGES
            self._settle(copies)
            self._unsee(users, ids, seen)
            self.draft.take("Conversation", [c for c in copies if _length(c) < COPIED], "messagesIds", ids)
            for message in some:
                self.draft.delete("Message", message)
            yield from self.draft.full()

    def _unsee(self, users: list[Document], ids: list[Any], seen: dict[Any, set[Any]]) -> None:
        """Take messages out of the lists of those who have seen them, be it since their lists were read."""
        before = {user["_id"]: dict(user) for user in users}
        self.draft.take("User", users, "seenMessageIds", ids)
        late: dict[Any, set[Any]] = {}
        for user in users:
            identifier = referred(user["_id"])
            was, have = before[user["_id"]], seen[identifier]
            if _length(was) - _length(user) < len(have):
                late[identifier] = have.difference(ids_in(was, "seenMessageIds"))
        late = {identifier: more for identifier, more in late.items() if more}
        for user in finding.with_id("User", late, [*NEEDED, "seenMessageIds"]):
            self.draft.take("User", [user], "seenMessageIds", list(late[referred(user["_id"])]))

    def conversations(self, ids: Iterable[Any]) -> Iterator[Batch]:
        """Delete conversations, their messages before them."""
        for some in finding.parts(ids):
            yield from self.messages([finding.referring("Message", "conversationId", *some)])
            people: dict[Any, list[Document]] = {referred(identifier): [] for identifier in some}
            listing = finding.referring("User", "conversationIds", *some)
            for user in connection.database()["User"].find(listing, [*NEEDED, "conversationIds"]):
                for identifier in people.keys() & set(ids_in(user, "conversationIds")):
                    people[identifier].append(user)
            for conversation in finding.having("Conversation", "_id", some):
                identifier = referred(conversation["_id"])
                kept = [user for user in people[identifier] if referred(user["_id"]) not in self._users]
                self.draft.room(len(kept) + 1)
                self.draft.take("User", kept, "conversationIds", [identifier])
                self.draft.delete("Conversation", conversation)
                yield from self.draft.full()

    def _settle(self, conversations: Iterable[Document]) -> None:
        """Give conversations the time of the last message that stays, where it is not the one they have."""
        for conversation in conversations:
            if conversation["_id"] not in self._settled:
                self._settled.add(conversation["_id"])
                last = _last_message_at(conversation, self._gone(conversation["_id"]))
                was = conversation.get("lastMessageAt")
                if isinstance(last, datetime) and isinstance(was, datetime) and last < was:
                    self.draft.set("Conversation", conversation, {"lastMessageAt": last})

    def with_list(self, collection: str, field: str, ids: Collection[Any]) -> list[Document]:
        """Read the documents that ids refer to, with one list each, and keep them in step with what is taken from it.

        Read again they would not be: batches are made ahead of those that are written.
        """
        if self._held > HELD:
            self._lists.clear()
            self._held = 0
        unknown = [identifier for identifier in ids if (collection, field, identifier) not in self._lists]
        for document in finding.with_id(collection, unknown, [*NEEDED, field]):
            self._lists[collection, field, referred(document["_id"])] = document
            self._held += _length(document) + ALONE
        return [self._lists[collection, field, one] for one in ids if (collection, field, one) in self._lists]


def _length(document: Document) -> int:
    return max((len(value) for value in document.values() if isinstance(value, list)), default=0)


def _last_message_at(conversation: Document, gone: Document) -> Any:
    """Return when the last message of a conversation was written, or it itself, once some are gone."""
    others = joined({"$nor": [gone]}, finding.referring("Message", "conversationId", conversation["_id"]))
    order = [("createAt", DESCENDING), ("_id", DESCENDING)]
    last = connection.database()["Message"].find_one(others, ["createAt"], sort=order) or {}
    return last.get("createAt") or conversation.get("created_at")
