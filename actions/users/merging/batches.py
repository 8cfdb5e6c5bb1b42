"""Make the changes of a merge of users, in batches. After each batch, all links have both sides."""

from collections.abc import Collection, Hashable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Final

from pymongo import ASCENDING

from actions import cascading_deletion, queries
from actions.cascading_deletion import MOST_COPIED_IDS, CascadingDeletion
from actions.users.merging.documents import Merge, referring
from actions.users.merging.values import user_values
from changes import Batch, ChangedMeanwhileError, Document, ListContaining
from changes.draft import BATCH
from changes.events import now
from database import connection
from database.ids import id_text
from database.own_collections import STATE
from database.references import has_other_forms, joined, reference_filter, references_in, referred

MESSAGE_FIELDS: Final = ("senderId", "seenIds", "conversationId", "createAt")
OLDEST_FIRST: Final = [("createAt", ASCENDING), ("_id", ASCENDING)]
"""The order in which messages move to another conversation.

The newest message moves last, so `lastMessageAt` of the old conversation stays right until the end.
"""


def make_batches(merge: Merge) -> Iterator[Batch]:
    """Yield the batches of changes. The merged users are deleted last, so that an interrupted merge can continue."""
    return _Batches(merge).make()


class _Batches:
    """Make the batches of a merge. Each batch changes lists of the users, so the users in memory are changed too."""

    def __init__(self, merge: Merge) -> None:
        self._merge = merge
        self._going = set(merge.ids)
        self._target = merge.target
        self._users = [dict(user) for user in merge.users]
        self._into = dict(merge.into)
        self._seen = set[Any]().union(*(references_in(user, "seenMessageIds") for user in self._users))
        self._cascade = CascadingDeletion(merge.names, [*self._users, self._into])
        self.draft = self._cascade.draft
        self._database = connection.database()

    def make(self) -> Iterator[Batch]:
        places = self._merge.places
        yield from self._replace_participants(places.moved)
        yield from self._cascade.delete_conversations([one["_id"] for one in places.ended])
        for first, *others in places.joined:
            yield from self._join(first["_id"], [one["_id"] for one in others])
        yield from self._move_sent_messages()
        yield from self._move_seen_messages()
        self._move_what_they_own()
        yield from self.draft.finished_batches()
        self._delete_users()
        yield from self.draft.batches

    def _replace_participants(self, moved: Iterable[Document]) -> Iterator[Batch]:
        """In these conversations, replace the merged users by the user who stays, on both sides of each link."""
        for some in queries.chunks(map(dict, moved)):
            ids = [referred(one["_id"]) for one in some]
            self.draft.reserve(len(some) + len(self._users) + 1)
            self.draft.take("Conversation", some, "userIds", self._merge.ids)
            self.draft.add("Conversation", some, "userIds", [self._target])
            self.draft.take("User", self._users, "conversationIds", ids)
            self.draft.add("User", [self._into], "conversationIds", ids)
            yield from self.draft.finished_batches()

    def _join(self, first: Any, others: Iterable[Any]) -> Iterator[Batch]:
        """Move all messages of `others` to the conversation `first`. Then delete the conversations in `others`."""
        messages = self._database["Message"]
        odd = has_other_forms(self._database, "Message", "conversationId")
        is_empty = messages.find_one(reference_filter("conversationId", [first], odd=odd), ["_id"]) is None
        for other in others:
            found = messages.find(reference_filter("conversationId", [other], odd=odd), MESSAGE_FIELDS)
            for some in _parts(found.sort(OLDEST_FIRST)):
                self._reserve(some, extra=2)
                self._move_to(first, other, some, is_empty=is_empty)
                self._change_people(some)
                is_empty = False
                yield from self.draft.finished_batches()
            self._separate_without_transactions()
            yield from self._cascade.delete_empty_conversations([other])

    def _move_to(self, first: Any, other: Any, messages: list[Document], *, is_empty: bool) -> None:
        """Move messages from a conversation to another one.

        Update `lastMessageAt` and `messagesIds` of the second one.
        """
        copies = self._cascade.with_list("Conversation", "messagesIds", [referred(first), referred(other)])
        ids = [message["_id"] for message in messages]
        self.draft.set_each("Message", messages, "conversationId", referred(first))
        self.draft.take("Conversation", [one for one in copies if _is_copied(one)], "messagesIds", ids)
        place = next((one for one in copies if referred(one["_id"]) == referred(first)), None)
        if place is None:
            raise ChangedMeanwhileError(f"conversation {id_text(first)} no longer exists", None)
        if _is_copied(place):
            self.draft.add("Conversation", [place], "messagesIds", list(map(referred, ids)))
        last = max((at for one in messages if isinstance(at := one.get("createAt"), datetime)), default=None)
        if is_empty and last is not None:
            self.draft.set("Conversation", place, {"lastMessageAt": last})
        elif last is not None and isinstance(place.get("lastMessageAt"), datetime):
            # Write the conversation even if its `lastMessageAt` does not change. So nobody can delete it at the same
            # moment.
            participant = {"userIds": ListContaining((self._target,))}
            self.draft.move_time_forward("Conversation", place, "lastMessageAt", last, participant)

    def _move_sent_messages(self) -> Iterator[Batch]:
        """Make the user who stays the sender of the messages of merged users.

        Only messages in conversations that are kept are changed.
        """
        sent = queries.refers_to("Message", "senderId", *self._merge.ids)
        found = self._database["Message"].find(joined(self._merge.elsewhere(), sent), MESSAGE_FIELDS)
        for some in _parts(found):
            self._reserve(some)
            self._change_people(some)
            yield from self.draft.finished_batches()

    def _move_seen_messages(self) -> Iterator[Batch]:
        """Make the user who stays a reader of the messages that merged users have seen.

        Two kinds of messages are left out: messages that merged users have sent, and messages of conversations that are
        deleted.
        """
        seen = dict.fromkeys(one for user in self._users for one in references_in(user, "seenMessageIds"))
        seen.update((referred(one["_id"]), None) for one in referring("Message", "seenIds", self._merge.ids, ["_id"]))
        gone = set(map(referred, self._merge.places.deleted))
        for ids in _parts(seen):
            found = [
                message
                for message in queries.find_by_ids("Message", ids, MESSAGE_FIELDS)
                if not _refers(message, "senderId", self._going) and not _refers(message, "conversationId", gone)
            ]
            self._reserve(found)
            self._change_people(found)
            yield from self.draft.finished_batches()

    def _reserve(self, messages: list[Document], extra: int = 0) -> None:
        self.draft.reserve(len(messages) + len(self._users) + 1 + extra)

    def _change_people(self, messages: list[Document]) -> None:
        """In these messages, replace the merged users by the user who stays, as sender and as readers.

        Update both sides of the links.
        """
        sent = [one for one in messages if _refers(one, "senderId", self._going)]
        seen = [one for one in messages if referred(one["_id"]) in self._seen or _refers(one, "seenIds", self._going)]
        ids = [referred(one["_id"]) for one in seen]
        before = self._into.get("seenMessageIds")
        self.draft.set_each("Message", sent, "senderId", self._target)
        self.draft.add("Message", seen, "seenIds", [self._target])
        self.draft.take("Message", seen, "seenIds", self._merge.ids)
        self.draft.take("User", self._users, "seenMessageIds", ids)
        self.draft.add("User", [self._into], "seenMessageIds", ids)
        if sent and self._into.get("seenMessageIds") is before:
            # Write the user in each batch. So nobody can delete the user at the same moment.
            self.draft.set("User", self._into, {"updatedAt": now()})

    def _move_what_they_own(self) -> None:
        """Move the linked sign-ins and the profile of merged users to the user who stays."""
        accounts, profiles = self._merge.accounts, self._merge.profiles
        self.draft.reserve(len(accounts.moved) + len(accounts.dropped) + len(profiles.others) + 2)
        for collection, dropped in (("Account", accounts.dropped), ("Profile", profiles.dropped)):
            for document in dropped:
                self.draft.delete(collection, dict(document))
        self.draft.set_each("Account", map(dict, accounts.moved), "userId", self._target)
        if profiles.kept:
            self.draft.set("Profile", dict(profiles.kept), profiles.new)
        if profiles.kept and not profiles.before:
            self.draft.set("User", self._into, {"profileId": profiles.kept["_id"]})

    def _delete_users(self) -> None:
        """Delete the merged users, update the user who stays, and update the roles and the records about seeds."""
        ids = self._merge.ids
        records = [one["_id"] for one in queries.find_by_values(STATE, "users", ids, ["_id"])]
        roles = self._cascade.with_list("Role", "userIds", self._merge.roles)
        held = self._cascade.with_list(STATE, "users", records)
        self._separate_without_transactions()
        self.draft.reserve(len(roles) + len(held) + len(self._users) + 1)
        self.draft.take("Role", roles, "userIds", ids)
        self.draft.take(STATE, held, "users", ids)
        if self._merge.union:
            self.draft.add("Role", roles, "userIds", [self._target])
            self.draft.add("User", [self._into], "rolesIds", [referred(role["_id"]) for role in roles])
        new = user_values(self._into, self._users)
        # The user may sign in at the same time, so the time of the last sign-in only moves forward.
        if later := new.pop("lastLogin", None):
            self.draft.move_time_forward("User", self._into, "lastLogin", later)
        self.draft.set("User", self._into, {**new, "updatedAt": now()})
        for user in self._users:
            self.draft.delete("User", user)

    def _separate_without_transactions(self) -> None:
        """On a server without transactions, begin a new batch.

        Such a server writes the deletions of a batch before all other changes.
        """
        if not connection.transactions():
            self.draft.reserve(BATCH)


def _parts(items: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(items)
    while part := list(islice(left, cascading_deletion.MESSAGES_PER_BATCH)):
        yield part


def _refers(document: Document, field: str, ids: Collection[Any]) -> bool:
    """Tell whether a field is one of these ids, or a list with one of these ids."""
    value = document.get(field)
    found = map(referred, value if isinstance(value, list) else [value])
    return any(one in ids for one in found if isinstance(one, Hashable))


def _is_copied(conversation: Document) -> bool:
    """Tell whether a merge updates `messagesIds` of a conversation.

    A very long list, or a value that is not a list, is not updated.
    """
    listed = conversation.get("messagesIds")
    return isinstance(listed, list) and len(listed) < MOST_COPIED_IDS
