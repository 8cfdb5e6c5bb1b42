"""Rules about the participants of conversations and the time of the last message."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from bson import ObjectId

from actions import queries
from actions.database.checking.rule import DuplicateRule, Finding, RepairDraft, Rule, Scan, Values, documents
from changes import Batch, Document
from database import connection
from database.listing import NO_LIST, PRESENT
from database.references import ids_in, reference, referred
from models.values import PAIR, is_group

PEOPLE_FIELDS: Final = ("isGroup", "userIds")
NOBODY: Final[frozenset[ObjectId]] = frozenset()
TIME_FIELDS: Final = ("lastMessageAt", "created_at")
CREATION_TOLERANCE: Final = timedelta(seconds=10)
"""The largest difference between `created_at` and `lastMessageAt` of a new conversation.

The application sets both fields when it creates the conversation.
"""
FEW_CONVERSATIONS: Final = 200
"""The most conversations whose messages are selected by a query. For more, reading all messages is faster."""


def has_user_list(conversation: Document) -> bool:
    """Tell whether `userIds` of a conversation is a list or absent. The rule `wrong-type` reports other values."""
    return isinstance(conversation.get("userIds", []), list)


class LoneConversation(Rule):
    """A one-to-one conversation has fewer than two existing users, or a group has exactly two."""

    name = "lone-conversation"
    severity = "W"
    effect = (
        "The application cannot show a conversation with one person."
        " It shows a group of two as a one-to-one conversation."
    )
    fix = "chatctl conversations add {id} USER, or chatctl conversations delete {id}"
    reads = {"User": (), "Conversation": PEOPLE_FIELDS}

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        people = self.scan.ids("User")
        for document in documents if collection == "Conversation" else ():
            if self.scan.sampled or _is_lone(document, len(people.intersection(ids_in(document, "userIds")))):
                yield Finding(collection, document["_id"], "userIds")

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        there = documents("Conversation", [found.id for found in suspects], PEOPLE_FIELDS)
        listed = {identifier: set(ids_in(document, "userIds")) for identifier, document in there.items()}
        people = documents("User", set().union(*listed.values()), ()).keys()
        for found in suspects:
            if found.id in there and _is_lone(there[found.id], number := len(listed[found.id] & people)):
                yield found._replace(value="1 person" if number == 1 else f"{number} people")


def _is_lone(conversation: Document, people: int) -> bool:
    return has_user_list(conversation) and (people == PAIR if is_group(conversation) else people < PAIR)


class DuplicateDirect(DuplicateRule):
    """Two people have two one-to-one conversations with each other."""

    name = "duplicate-direct"
    severity = "W"
    effect = "The application opens one or the other conversation, so messages seem to be missing."
    fix = "look at both with chatctl conversations show {id}, then delete one of them with chatctl conversations delete"
    reads = {"Conversation": PEOPLE_FIELDS}

    def values(self, collection: str, document: Document) -> Iterator[tuple[str, Values]]:
        del collection
        people = set(ids_in(document, "userIds"))
        if len(people) == PAIR and not is_group(document):
            yield "userIds", tuple(sorted(people))


class ForeignSender(Rule):
    """A message was written by somebody who is not in the conversation."""

    name = "foreign-sender"
    severity = "I"
    effect = "The message is shown. Its sender, who may have left, does not see the conversation."
    fix = "chatctl conversations add CONVERSATION USER, if the sender should take part again"
    field = "senderId"
    reads = {"Conversation": ("userIds",), "Message": ("conversationId", "senderId")}

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        participants = self.scan.shared(Participants)
        if collection == "Conversation":
            participants.learn(documents)
            return
        for document, people in zip(documents, participants.of_messages(documents), strict=True):
            for person in self.people(document):
                if person not in people:
                    yield Finding(collection, document["_id"], self.field, person)

    def people(self, message: Document) -> Sequence[ObjectId]:
        """Return the users who should be participants of a conversation because they sent (or saw) this message."""
        sender = reference(message, "senderId")
        return (sender,) if sender else ()

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Read the messages again.

        Leave out messages whose conversation or user is missing: other rules report them.
        """
        messages = documents("Message", {found.id for found in suspects}, ("conversationId", self.field))
        wanted = [conversation_id for m in messages.values() if (conversation_id := reference(m, "conversationId"))]
        conversations = documents("Conversation", wanted, ("userIds",))
        people = documents("User", {found.value for found in suspects}, ()).keys()
        inside = {
            identifier: set(ids_in(document, "userIds"))
            for identifier, document in conversations.items()
            if has_user_list(document)
        }
        for found in suspects:
            message = messages.get(found.id, {})
            conversation_id = reference(message, "conversationId")
            holds = found.value in self.people(message) and found.value in people
            if holds and conversation_id and found.value not in inside.get(conversation_id, {found.value}):
                yield found


class ForeignSeen(ForeignSender):
    """A message was seen by somebody who is not in the conversation."""

    name = "foreign-seen"
    effect = "The reader, who may have left, is shown among those who have seen the message."
    fix = "chatctl conversations add CONVERSATION USER, if the reader should take part again"
    field = "seenIds"
    reads = {"Conversation": ("userIds",), "Message": ("conversationId", "seenIds")}

    def people(self, message: Document) -> Sequence[ObjectId]:
        return ids_in(message, "seenIds")


class Participants:
    """Remembers the participants of each conversation, for all rules about messages."""

    def __init__(self) -> None:
        self._participants: dict[Any, frozenset[ObjectId]] = {}
        self._last_documents: Sequence[Document] = ()
        self._last_participants: list[frozenset[ObjectId]] = []

    def learn(self, conversations: Sequence[Document]) -> None:
        if conversations is not self._last_documents:
            self._last_documents = conversations
            self._participants |= {one["_id"]: frozenset(ids_in(one, "userIds")) for one in conversations}

    def of_messages(self, messages: Sequence[Document]) -> list[frozenset[ObjectId]]:
        """Return the participants of the conversation of each message, in the order of the messages."""
        if messages is not self._last_documents:
            self._last_documents = messages
            conversation_ids = (reference(message, "conversationId") for message in messages)
            self._last_participants = [
                self._participants.get(conversation_id, NOBODY) if conversation_id else NOBODY
                for conversation_id in conversation_ids
            ]
        return self._last_participants


class StaleLastMessage(Rule):
    """`lastMessageAt` differs from the time of the last message, or from the creation time if there is no message."""

    name = "stale-last-message"
    severity = "W"
    effect = "The application shows the conversation at the wrong position in the list of conversations."
    reads = {"Conversation": TIME_FIELDS, "Message": ("conversationId", "createAt")}
    group_size = 100_000
    automatic = True

    def __init__(self, scan: Scan) -> None:
        super().__init__(scan)
        self._recorded: dict[Any, tuple[datetime, Any]] = {}
        self._newest: dict[Any, datetime] = {}
        self._undated: set[Any] = set()

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        if collection == "Conversation":
            for document in documents:
                if isinstance(recorded := document.get("lastMessageAt"), datetime):
                    self._recorded[document["_id"]] = recorded, document.get("created_at")
            return
        last = self._newest
        for document in documents:
            conversation_id, at = document.get("conversationId"), document.get("createAt")
            if type(conversation_id) is not ObjectId:
                conversation_id = referred(conversation_id)
            if isinstance(conversation_id, ObjectId):
                newest = last.get(conversation_id)
                if not isinstance(at, datetime):
                    self._undated.add(conversation_id)
                elif newest is None or at > newest:
                    last[conversation_id] = at
        yield from ()

    def late_suspects(self) -> Iterator[Finding]:
        for conversation_id, (recorded, created) in self._recorded.items():
            expected = self._newest.get(
                conversation_id, recorded if conversation_id in self._undated else _without_messages(recorded, created)
            )
            if self.scan.sampled or expected != recorded:
                yield Finding("Conversation", conversation_id, "lastMessageAt", recorded)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        ids = [found.id for found in suspects]
        # The messages are read before the conversations. A message that arrives between the two reads changes
        # `lastMessageAt`, which the second read finds.
        expected = _expected_times(ids)
        recorded = documents("Conversation", ids, ("lastMessageAt",))
        for found in suspects:
            at = recorded.get(found.id, {}).get("lastMessageAt")
            if isinstance(at, datetime) and at != expected.get(found.id, at) and at == found.value:
                yield found

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del decisions
        recorded = {found.id: found.value for found in findings}
        expected = _expected_times([*recorded])
        for identifier, conversation in draft.each("Conversation", expected):
            # The time differs if a new message has arrived since.
            if conversation.get("lastMessageAt") == recorded[identifier]:
                draft.reserve(1)
                draft.set("Conversation", conversation, {"lastMessageAt": expected[identifier]})
                yield from draft.finished_batches()


def _without_messages(recorded: datetime, created: Any) -> datetime:
    """Return the right `lastMessageAt` of a conversation without messages.

    The right value is the time of creation. If the stored value, `recorded`, differs from it by only a few seconds, the
    stored value is also right.
    """
    return created if isinstance(created, datetime) and abs(recorded - created) > CREATION_TOLERANCE else recorded


def _expected_times(conversations: Sequence[Any]) -> dict[Any, datetime]:
    """Return the right `lastMessageAt` of conversations: id of the conversation → time.

    A conversation is left out if its right time is unknown.
    """
    last = last_messages(conversations)
    empty = _empty([one for one in conversations if one not in last])
    for identifier, conversation in documents("Conversation", empty, TIME_FIELDS).items():
        if isinstance(recorded := conversation.get("lastMessageAt"), datetime):
            last[identifier] = _without_messages(recorded, conversation.get("created_at"))
    return last


def _empty(conversations: Sequence[Any]) -> list[Any]:
    """Return the ids of conversations that have no messages, not even messages without a valid time."""
    pipeline: list[Document] = [
        {"$match": of_conversations(conversations)},
        {"$group": {"_id": "$conversationId"}},
    ]
    found = connection.database()["Message"].aggregate(pipeline, allowDiskUse=True) if conversations else ()
    having = {str(referred(row["_id"])) for row in found}
    return [one for one in conversations if str(one) not in having]


def last_messages(conversations: Sequence[Any]) -> dict[Any, datetime]:
    """Return the time of the last message of each conversation: id of the conversation → time.

    Messages without a valid time are ignored.
    """
    pipeline: list[Document] = [
        {"$match": {"createAt": {"$type": "date", **NO_LIST}, **of_conversations(conversations)}},
        {"$group": {"_id": "$conversationId", "at": {"$max": "$createAt"}}},
    ]
    found = connection.database()["Message"].aggregate(pipeline, allowDiskUse=True)
    last: dict[Any, datetime | None] = dict.fromkeys(conversations)
    for row in found:
        conversation_id = referred(row["_id"])
        if (
            isinstance(conversation_id, ObjectId) and conversation_id in last and isinstance(row["at"], datetime)
        ):  # A date after the year 9999 is not a `datetime` here, because Python has no such dates.
            last[conversation_id] = max(last[conversation_id] or row["at"], row["at"])
    return {conversation_id: at for conversation_id, at in last.items() if at is not None}


def of_conversations(conversations: Sequence[Any]) -> Document:
    """Return a filter for the messages of conversations. For many conversations, the filter matches all messages.

    The messages may have no index by conversation, so the server would read all messages anyway.
    """
    if len(conversations) > FEW_CONVERSATIONS:
        return {"conversationId": PRESENT}
    return queries.refers_to("Message", "conversationId", *conversations)
