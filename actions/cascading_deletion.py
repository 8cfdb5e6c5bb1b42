"""Delete messages and conversations, and remove their ids from every list, in batches of a limited size."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, Final

from pymongo import DESCENDING

from actions import queries
from changes import Batch, Change, Delete, Document, Draft, Take, Update, ids_in, plans
from changes.draft import BATCH
from changes.events import PART_BYTES
from changes.trail_entries import pages
from database import connection
from database.ids import any_of
from database.references import has_other_forms, reference, reference_filter, references_in, referred

MESSAGES_PER_BATCH: Final = 900
"""The most messages in one batch. The batch also changes their conversations and the users who have seen them."""
UNWRITTEN: Final = plans.MOST
"""The most messages that are deleted in earlier batches but may still exist in the database.

A batch is made before the earlier batches are written. All batches of a proposal are made before one is written.
"""
MOST_IDS_HELD: Final = 1_000_000
"""The most ids that all lists in memory together may have between two batches."""
DOCUMENT_WEIGHT: Final = 10
"""The memory of a document without its list, measured in ids."""
FIELDS: Final = ("username", "name", "created_at", "lastMessageAt")
"""The fields to read of a document, in addition to one of its lists."""
MOST_COPIED_IDS: Final = 250_000
"""`Conversation.messagesIds` is only updated if it has fewer ids than this."""


class CascadingDeletion:
    """Collect deletions of documents, and yield each batch of changes to write as soon as the batch is full.

    Each batch is complete: even if no other batch follows, no list has the deleted ids, and each conversation has the
    time of its last message. `users` are the users that the caller deletes at the end. They must have all fields; their
    lists in memory are updated too. `names` receives the names of the changed documents.
    """

    def __init__(self, names: dict[Any, str], users: Iterable[Document] = ()) -> None:
        self.draft = Draft()
        self.draft.names = names
        self._users = {referred(user["_id"]): user for user in users}
        self._lists: dict[tuple[str, str, Any], Document] = {}
        self._held = 0
        self._deleted: deque[tuple[Any, str]] = deque()
        self._deleted_of: dict[Any, set[str]] = {}
        self._odd: bool | None = None

    def delete_messages(self, filters: Iterable[Document]) -> Iterator[Batch]:
        """Delete the messages that the filters match, filter by filter, and remove them from every list."""
        documents = connection.database()["Message"]
        found = chain.from_iterable(documents.find(where, batch_size=MESSAGES_PER_BATCH) for where in filters)
        heavy = False  # whether messages are large: some servers keep a whole transaction in memory
        for some in pages(found, PART_BYTES, MESSAGES_PER_BATCH):
            ids = [message["_id"] for message in some]
            seen: dict[Any, set[Any]] = {}
            last: dict[Any, Any] = {}
            for message in some:
                for user in references_in(message, "seenIds"):
                    seen.setdefault(user, set()).add(referred(message["_id"]))
                if place := reference(message, "conversationId"):
                    times = (time for time in (message.get("createAt"), last.get(place)) if isinstance(time, datetime))
                    last[place] = max(times, default=None)
            for conversation in self.with_list("Conversation", "userIds", last):
                # A participant may list a message that does not list the participant.
                for user in references_in(conversation, "userIds"):
                    seen.setdefault(user, set())
            users = self.with_list("User", "seenMessageIds", seen)
            copies = self.with_list("Conversation", "messagesIds", last)
            self.draft.reserve(BATCH if heavy else len(some) + len(users) + 2 * len(copies))
            heavy = len(some) < MESSAGES_PER_BATCH
            for message in some:
                self._note_deleted(reference(message, "conversationId"), repr(message["_id"]))
            self._set_last_message_time(copies, last)
            self._remove_from_seen(users, ids, seen)
            self.draft.take(
                "Conversation",
                [c for c in copies if _length(c.get("messagesIds")) < MOST_COPIED_IDS],
                "messagesIds",
                ids,
            )
            for message in some:
                self.draft.delete("Message", message)
            yield from self.draft.finished_batches()

    def _note_deleted(self, conversation: Any, message: str) -> None:
        """Remember a deleted message until many more are deleted: until then, it may still be in the database."""
        self._deleted.append((conversation, message))
        self._deleted_of.setdefault(conversation, set()).add(message)
        if len(self._deleted) > UNWRITTEN:
            conversation, message = self._deleted.popleft()
            self._deleted_of[conversation].discard(message)
            if not self._deleted_of[conversation]:
                del self._deleted_of[conversation]

    def _remove_from_seen(self, users: list[Document], ids: list[Any], seen: dict[Any, set[Any]]) -> None:
        """Remove messages from the lists of the users who have seen them, also messages added since the first read."""
        before = {user["_id"]: user.get("seenMessageIds") for user in users}
        self.draft.take("User", users, "seenMessageIds", ids)
        late: dict[Any, set[Any]] = {}
        for user in users:
            identifier = referred(user["_id"])
            was, have = before[user["_id"]], seen[identifier]
            if _length(was) - _length(user.get("seenMessageIds")) < len(have):
                late[identifier] = have.difference(ids_in({"was": was}, "was"))
        late = {identifier: more for identifier, more in late.items() if more}
        for user in queries.find_by_ids("User", late, [*FIELDS, "seenMessageIds"]):
            self.draft.take("User", [user], "seenMessageIds", list(late[referred(user["_id"])]))

    def delete_conversations(self, ids: Iterable[Any]) -> Iterator[Batch]:
        """Delete the messages of conversations, then the conversations."""
        for some in queries.chunks(ids):
            yield from self.delete_messages([queries.refers_to("Message", "conversationId", *some)])
            yield from self.delete_empty_conversations(some)

    def delete_empty_conversations(self, ids: Iterable[Any]) -> Iterator[Batch]:
        """Delete conversations whose messages are deleted or moved already."""
        for some in queries.chunks(ids):
            people: dict[Any, list[Document]] = {referred(identifier): [] for identifier in some}
            listing = queries.refers_to("User", "conversationIds", *some)
            for found in connection.database()["User"].find(listing, [*FIELDS, "conversationIds"]):
                user = self._users.get(referred(found["_id"]), found)
                for identifier in people.keys() & references_in(user, "conversationIds"):
                    people[identifier].append(user)
            for conversation in queries.find_by_values("Conversation", "_id", some):
                identifier = referred(conversation["_id"])
                self.draft.reserve(len(people[identifier]) + 1)
                self.draft.take("User", people[identifier], "conversationIds", [identifier])
                self.draft.delete("Conversation", conversation)
                yield from self.draft.finished_batches()

    def _set_last_message_time(self, conversations: Iterable[Document], deleted: Mapping[Any, Any]) -> None:
        """If the last message of a conversation is deleted, set `lastMessageAt` to the time of the message before it.

        If no message is left, set it to the time of creation. `deleted` is id of a conversation → time of its newest
        deleted message.
        """
        for conversation in conversations:
            identifier = referred(conversation["_id"])
            was, newest = conversation.get("lastMessageAt"), deleted[identifier]
            if isinstance(was, datetime) and isinstance(newest, datetime) and newest >= was:
                gone = self._deleted_of.get(identifier, set())
                if self._odd is None:  # looked up once: without an index the server reads all messages for it
                    self._odd = has_other_forms(connection.database(), "Message", "conversationId")
                last = _last_message_at(conversation, gone, odd=self._odd)
                if isinstance(last, datetime) and last < was:
                    self.draft.set("Conversation", conversation, {"lastMessageAt": last})

    def with_list(self, collection: str, field: str, ids: Collection[Any]) -> list[Document]:
        """Read the documents that ids refer to, with one of their lists, and keep them in memory for later batches.

        Users to delete are taken from `users` and not read again. A document must not be read twice: batches are made
        before earlier batches are written, so the database still has the old list.
        """
        if self._held > MOST_IDS_HELD:
            self._lists.clear()
            self._held = 0
        whole = self._users if collection == "User" else {}
        unknown = [one for one in ids if one not in whole and (collection, field, one) not in self._lists]
        for document in queries.find_by_ids(collection, unknown, [*FIELDS, field]):
            self._lists[collection, field, referred(document["_id"])] = document
            self._held += _length(document.get(field)) + DOCUMENT_WEIGHT
        found = (whole.get(one) or self._lists.get((collection, field, one)) for one in ids)
        return [document for document in found if document is not None]


def deleted_documents(filters: Iterable[tuple[str, Document]]) -> Iterator[Change]:
    """Yield a deletion of each document that the filters match; `filters` are pairs of a collection and a filter."""
    for collection, where in filters:
        yield from (Delete(collection, document) for document in connection.database()[collection].find(where))


def departures(conversations: Iterable[Document], users: Collection[Any]) -> Iterator[Change]:
    """Yield the changes that remove some users from conversations."""
    for conversation in conversations:
        if leaving := references_in(conversation, "userIds").intersection(users):
            yield Update("Conversation", (conversation["_id"],), {"userIds": Take(tuple(leaving))})


def conversation_filters(ids: Iterable[Any]) -> Iterator[tuple[str, Document]]:
    """Yield pairs of a collection and a filter that match some conversations and their messages."""
    for some in queries.chunks(ids):
        yield "Message", queries.refers_to("Message", "conversationId", *some)
        yield "Conversation", {"_id": any_of(some)}


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0


def _last_message_at(conversation: Document, gone: Collection[str], *, odd: bool) -> Any:
    """Return the time of the last message that is kept; without one, the time of the conversation's creation.

    `gone` are the `repr` texts of the ids of deleted messages.
    """
    order = [("createAt", DESCENDING), ("_id", DESCENDING)]
    where = reference_filter("conversationId", [conversation["_id"]], odd=odd)
    found = connection.database()["Message"].find(where, ["createAt"], sort=order, limit=len(gone) + 1)
    last: Document = next((message for message in found if repr(message["_id"]) not in gone), {})
    return last.get("createAt") or conversation.get("created_at")
