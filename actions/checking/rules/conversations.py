"""Conversations: who is in them, and when the last message was written."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId

from actions import finding
from actions.checking.known import Known
from actions.checking.rule import Finding, Rule, documents
from models import connection
from models.changes import Document, Draft, ids_in
from models.listing import PRESENT

PAIR: Final = 2
PEOPLE: Final = ("isGroup", "userIds")


def is_group(conversation: Document) -> bool:
    """Tell a group as the application does."""
    return conversation.get("isGroup") is True


class LoneConversation(Rule):
    """A one-to-one conversation has fewer than two people, or a group looks like one."""

    name = "lone-conversation"
    severity = "W"
    effect = "the page of a conversation without another person fails; a group of two is taken for a one-to-one"
    fix = "chatctl conversations delete ID, or conversations add ID USER"
    reads = {"Conversation": PEOPLE}

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for document in documents:
            number = len(set(ids_in(document, "userIds")))
            if number == PAIR if is_group(document) else number < PAIR:
                yield Finding(collection, document["_id"], "userIds", f"{number} people")


class DuplicateDirect(Rule):
    """Two people have two one-to-one conversations with each other."""

    name = "duplicate-direct"
    severity = "W"
    effect = "the application opens either of them, and messages seem to be missing in it"
    fix = "chatctl conversations delete ID of the one that is not wanted"
    reads = {"Conversation": PEOPLE}

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._first: dict[tuple[ObjectId, ...], Any] = {}

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for document in documents:
            pair = _pair(document)
            if pair and (self.known.sampled or self._first.setdefault(pair, document["_id"]) != document["_id"]):
                yield Finding(collection, document["_id"], "userIds", pair)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """One of several is the first, and no fault; which that is follows from their ids."""
        people = {person for found in suspects for person in found.value[:1]}
        same: dict[Any, list[Any]] = {}
        for conversation in finding.having("Conversation", "userIds", people, PEOPLE):
            if pair := _pair(conversation):
                same.setdefault(pair, []).append(conversation["_id"])
        for found in suspects:
            ids = same.get(found.value, [])
            if found.id in ids and len(ids) > 1 and (not self.known.sampled or found.id != min(ids)):
                yield found


class ForeignSender(Rule):
    """A message was written by somebody who is not in the conversation."""

    name = "foreign-sender"
    severity = "I"
    effect = "the message is shown; its writer, who may have left, does not see the conversation"
    fix = "nothing has to be done; chatctl conversations add ID USER takes the writer in"
    field = "senderId"
    reads = {"Conversation": ("userIds",), "Message": ("conversationId", "senderId", "seenIds")}

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        people = self.known.shared(Participants)
        if collection == "Conversation":
            people.learn(documents)
            return
        for document in documents:
            inside = people.of.get(document.get("conversationId"), ())
            value = document.get(self.field)
            some = value if isinstance(value, list) else (value,)
            for person in some:
                if person not in inside and isinstance(person, ObjectId):
                    yield Finding(collection, document["_id"], self.field, person)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Whose conversation or user is gone has another fault."""
        messages = documents("Message", {found.id for found in suspects}, ("conversationId", self.field))
        places = documents("Conversation", {m.get("conversationId") for m in messages.values()}, ("userIds",))
        people = documents("User", {found.value for found in suspects}, ())
        for found in suspects:
            message = messages.get(found.id, {})
            place = places.get(message.get("conversationId"))
            value = message.get(self.field)
            holds = found.value in value if isinstance(value, list) else found.value == value
            if place is not None and holds and found.value in people and found.value not in ids_in(place, "userIds"):
                yield found


class ForeignSeen(ForeignSender):
    """A message was seen by somebody who is not in the conversation."""

    name = "foreign-seen"
    effect = "the reader, who may have left, is shown among those who have seen the message"
    fix = "nothing has to be done; chatctl conversations add ID USER takes the reader in"
    field = "seenIds"


class StaleLastMessage(Rule):
    """A conversation does not say when its last message was written."""

    name = "stale-last-message"
    severity = "W"
    effect = "the conversation stands in the wrong place of the list"
    reads = {"Conversation": ("lastMessageAt",), "Message": ("conversationId", "createAt")}
    mends = True

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._said: dict[Any, Any] = {}
        self._last: dict[Any, datetime] = {}

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        if collection == "Conversation":
            for document in documents:
                if self.known.sampled:
                    yield Finding(collection, document["_id"], "lastMessageAt", document.get("lastMessageAt"))
                elif isinstance(said := document.get("lastMessageAt"), datetime):
                    self._said[document["_id"]] = said
            return
        last = self._last
        for document in documents:
            place, at = document.get("conversationId"), document.get("createAt")
            if isinstance(place, ObjectId) and isinstance(at, datetime) and (place not in last or at > last[place]):
                last[place] = at

    def end(self) -> Iterator[Finding]:
        for place, at in self._last.items():
            if self._said.get(place, at) != at:
                yield Finding("Conversation", place, "lastMessageAt", self._said[place])

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        ids = {found.id for found in suspects}
        said, last = documents("Conversation", ids, ("lastMessageAt",)), last_messages(ids)
        for found in suspects:
            at = said.get(found.id, {}).get("lastMessageAt")
            if isinstance(at, datetime) and last.get(found.id, at) != at:
                yield found._replace(value=at)

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        del decided
        ids = {found.id for found in findings}
        last = last_messages(ids)
        for identifier, conversation in documents("Conversation", ids, ("lastMessageAt",)).items():
            if identifier in last:
                draft.room(1)
                draft.set("Conversation", conversation, {"lastMessageAt": last[identifier]})


class Participants:
    """Who is in each conversation."""

    def __init__(self) -> None:
        self.of: dict[Any, frozenset[ObjectId]] = {}
        self._seen: Sequence[Document] = ()

    def learn(self, conversations: Sequence[Document]) -> None:
        if conversations is not self._seen:
            self._seen = conversations
            self.of |= {one["_id"]: frozenset(ids_in(one, "userIds")) for one in conversations}


def last_messages(conversations: set[Any]) -> dict[Any, datetime]:
    """Read when the last message of each conversation was written; those without any are left out."""
    last: dict[Any, datetime] = {}
    for part in finding.parts(conversations):
        pipeline: list[Document] = [
            {"$match": {"conversationId": {"$in": part, **PRESENT}, "createAt": {"$type": "date"}}},
            {"$group": {"_id": "$conversationId", "at": {"$max": "$createAt"}}},
        ]
        last |= {row["_id"]: row["at"] for row in connection.database()["Message"].aggregate(pipeline)}
    return last


def _pair(conversation: Document) -> tuple[ObjectId, ...]:
    people = set(ids_in(conversation, "userIds"))
    return tuple(sorted(people)) if len(people) == PAIR and not is_group(conversation) else ()
