"""Delete messages and conversations, remove their ids from every list, and divide these changes into batches."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, Final

from pymongo import DESCENDING

from actions import queries
from changes import Batch, Change, Delete, Document, Draft, Take, Update, plans
from changes.draft import BATCH
from changes.events import PART_BYTES
from changes.trail_entries import pages
from database import connection
from database.ids import any_of
from database.references import has_other_forms, ids_in, reference, reference_filter, references_in, referred

MESSAGES_PER_BATCH: Final = 900
"""The largest number of messages that one batch deletes.

The batch also changes the conversations of these messages, and the users who have seen the messages.
"""
UNWRITTEN: Final = plans.MOST
"""The largest number of messages that planned batches, which are not written yet, may delete.

Batches are planned before earlier batches are written. For a proposal, all batches are planned before the first batch
is written.
"""
MOST_IDS_HELD: Final = 1_000_000
"""The limit for the number of ids in all lists that are kept in memory.

Beyond it, these lists are removed from memory.
"""
DOCUMENT_WEIGHT: Final = 10
"""For the limit `MOST_IDS_HELD`, a document counts like this number of ids, in addition to the ids in its list."""
FIELDS: Final = ("username", "name", "created_at", "lastMessageAt")
"""The fields that are read of each document, together with one list of ids."""
MOST_COPIED_IDS: Final = 250_000
"""If `Conversation.messagesIds` has this number of ids or more, chatctl does not update the list."""


class CascadingDeletion:
    """Collect deletions of documents, and yield each batch of changes as soon as the batch is full.

    Each batch is complete: after its write, no list has the deleted ids, and each `lastMessageAt` is right. `users` are
    the users whom the caller will delete, with all their fields. The lists of these users are changed in memory too.
    This class adds the names of the changed documents to the dictionary `names`.
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
        """Delete the messages that match the filters, and remove their ids from every list."""
        documents = connection.database()["Message"]
        found = chain.from_iterable(documents.find(where, batch_size=MESSAGES_PER_BATCH) for where in filters)
        # True if messages are large. Some servers keep a whole transaction in memory, so batches with large messages
        # must be small.
        heavy = False
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
                # A participant may list a message as seen although the message does not list the participant.
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
        """Remember a planned deletion of a message until it is written.

        The message exists in the database until its batch is written. After `UNWRITTEN` more deletions, this batch is
        certainly written, so the message is forgotten.
        """
        self._deleted.append((conversation, message))
        self._deleted_of.setdefault(conversation, set()).add(message)
        if len(self._deleted) > UNWRITTEN:
            conversation, message = self._deleted.popleft()
            self._deleted_of[conversation].discard(message)
            if not self._deleted_of[conversation]:
                del self._deleted_of[conversation]

    def _remove_from_seen(self, users: list[Document], ids: list[Any], seen: dict[Any, set[Any]]) -> None:
        """Remove messages from the users' lists of seen messages.

        A user may have seen a message after this list was read. In this case, the list is read again.
        """
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
        """Delete conversations. First, delete their messages."""
        for some in queries.chunks(ids):
            yield from self.delete_messages([queries.refers_to("Message", "conversationId", *some)])
            yield from self.delete_empty_conversations(some)

    def delete_empty_conversations(self, ids: Iterable[Any]) -> Iterator[Batch]:
        """Delete conversations whose messages have all been deleted or moved before."""
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
        """Correct `lastMessageAt` of each conversation whose last message is deleted.

        The new value is the time of the last remaining message. If no message remains, the new value is the time when
        the conversation was created. `deleted` maps the id of each conversation to the time of its newest deleted
        message.
        """
        for conversation in conversations:
            identifier = referred(conversation["_id"])
            was, newest = conversation.get("lastMessageAt"), deleted[identifier]
            if isinstance(was, datetime) and isinstance(newest, datetime) and newest >= was:
                gone = self._deleted_of.get(identifier, set())
                # Without an index, this query reads all messages. So it is made only once.
                if self._odd is None:
                    self._odd = has_other_forms(connection.database(), "Message", "conversationId")
                last = _last_message_at(conversation, gone, odd=self._odd)
                if isinstance(last, datetime) and last < was:
                    self.draft.set("Conversation", conversation, {"lastMessageAt": last})

    def with_list(self, collection: str, field: str, ids: Collection[Any]) -> list[Document]:
        """Read one list field of the documents with these ids, and keep the documents in memory for later batches.

        Users whom the caller will delete are already in memory. No document is read twice: earlier batches may not be
        written yet, so a second read would return the old list.
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
    """Yield a deletion of each document that the filters match. `filters` are pairs of a collection and a filter."""
    for collection, where in filters:
        yield from (Delete(collection, document) for document in connection.database()[collection].find(where))


def departures(conversations: Iterable[Document], users: Collection[Any]) -> Iterator[Change]:
    """Yield the changes that remove these users from the participants of these conversations."""
    for conversation in conversations:
        if leaving := references_in(conversation, "userIds").intersection(users):
            yield Update("Conversation", (conversation["_id"],), {"userIds": Take(tuple(leaving))})


def conversation_filters(ids: Iterable[Any]) -> Iterator[tuple[str, Document]]:
    """Yield filters that match these conversations and all their messages, as pairs (collection, filter)."""
    for some in queries.chunks(ids):
        yield "Message", queries.refers_to("Message", "conversationId", *some)
        yield "Conversation", {"_id": any_of(some)}


def _length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0


def _last_message_at(conversation: Document, gone: Collection[str], *, odd: bool) -> Any:
    """Return the time of the last message that remains, or the creation time of the conversation if none remains.

    `gone` has the ids of deleted messages, in the form that `repr` returns.
    """
    order = [("createAt", DESCENDING), ("_id", DESCENDING)]
    where = reference_filter("conversationId", [conversation["_id"]], odd=odd)
    found = connection.database()["Message"].find(where, ["createAt"], sort=order, limit=len(gone) + 1)
    last: Document = next((message for message in found if repr(message["_id"]) not in gone), {})
    return last.get("createAt") or conversation.get("created_at")
