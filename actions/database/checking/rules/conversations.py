"""Conversations: who is in them, and when the last message was written."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from bson import ObjectId

from actions import finding
from actions.conversation_titles import PAIR, is_group
from actions.database.checking.known import Known
from actions.database.checking.mending import Mending
from actions.database.checking.rule import Finding, Rule, documents
from actions.database.checking.twice import Twice, Values
from changes import Batch, Document, ids_in
from database import connection
from database.listing import NO_LIST, PRESENT
from database.references import reference, referred

PEOPLE: Final = ("isGroup", "userIds")
NOBODY: Final[frozenset[ObjectId]] = frozenset()
SAID: Final = ("lastMessageAt", "created_at")
MOMENTS: Final = timedelta(seconds=10)
"""The largest difference between the two times of a new conversation: the application sets both."""
FEW: Final = 200
"""Conversations up to which their messages are looked for; for more it is less work to read those of all."""


def has_people(conversation: Document) -> bool:
    """Tell whether it can be said who is in a conversation; what is no list has another fault."""
    return isinstance(conversation.get("userIds", []), list)


class LoneConversation(Rule):
    """A one-to-one conversation has fewer than two people who are there, or a group looks like one."""

    name = "lone-conversation"
    severity = "W"
    effect = "the page of a conversation without another person fails; a group of two is taken for a one-to-one"
    fix = "chatctl conversations add {id} USER, or conversations delete {id}"
    reads = {"User": (), "Conversation": PEOPLE}

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        people = self.known.ids("User")
        for document in documents if collection == "Conversation" else ():
            if self.known.sampled or _is_lone(document, len(people.intersection(ids_in(document, "userIds")))):
                yield Finding(collection, document["_id"], "userIds")

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        there = documents("Conversation", [found.id for found in suspects], PEOPLE)
        listed = {identifier: set(ids_in(document, "userIds")) for identifier, document in there.items()}
        people = documents("User", set().union(*listed.values()), ()).keys()
        for found in suspects:
            if found.id in there and _is_lone(there[found.id], number := len(listed[found.id] & people)):
                yield found._replace(value="1 person" if number == 1 else f"{number} people")


def _is_lone(conversation: Document, people: int) -> bool:
    return has_people(conversation) and (people == PAIR if is_group(conversation) else people < PAIR)


class DuplicateDirect(Twice):
    """Two people have two one-to-one conversations with each other."""

    name = "duplicate-direct"
    severity = "W"
    effect = "the application opens either of them, and messages seem to be missing in it"
    fix = "chatctl conversations show {id}, and conversations delete that of the two which is not wanted"
    reads = {"Conversation": PEOPLE}

    def values(self, collection: str, document: Document) -> Iterator[tuple[str, Values]]:
        del collection
        people = set(ids_in(document, "userIds"))
        if len(people) == PAIR and not is_group(document):
            yield "userIds", tuple(sorted(people))


class ForeignSender(Rule):
    """A message was written by somebody who is not in the conversation."""

    name = "foreign-sender"
    severity = "I"
    effect = "the message is shown; its writer, who may have left, does not see the conversation"
    fix = "nothing has to be done; chatctl conversations add CONVERSATION USER takes the writer in again"
    field = "senderId"
    reads = {"Conversation": ("userIds",), "Message": ("conversationId", "senderId")}

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        participants = self.known.shared(Participants)
        if collection == "Conversation":
            participants.learn(documents)
            return
        for document, people in zip(documents, participants.around(documents), strict=True):
            for person in self.people(document):
                if person not in people:
                    yield Finding(collection, document["_id"], self.field, person)

    def people(self, message: Document) -> Sequence[ObjectId]:
        """Return those who should be in the conversation."""
        sender = reference(message, "senderId")
        return (sender,) if sender else ()

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Whose conversation or user is gone has another fault."""
        messages = documents("Message", {found.id for found in suspects}, ("conversationId", self.field))
        wanted = [place for m in messages.values() if (place := reference(m, "conversationId"))]
        places = documents("Conversation", wanted, ("userIds",))
        people = documents("User", {found.value for found in suspects}, ()).keys()
        inside = {one: set(ids_in(place, "userIds")) for one, place in places.items() if has_people(place)}
        for found in suspects:
            message = messages.get(found.id, {})
            place = reference(message, "conversationId")
            holds = found.value in self.people(message) and found.value in people
            if holds and place and found.value not in inside.get(place, {found.value}):
                yield found


class ForeignSeen(ForeignSender):
    """A message was seen by somebody who is not in the conversation."""

    name = "foreign-seen"
    effect = "the reader, who may have left, is shown among those who have seen the message"
    fix = "nothing has to be done; chatctl conversations add CONVERSATION USER takes the reader in again"
    field = "seenIds"
    reads = {"Conversation": ("userIds",), "Message": ("conversationId", "seenIds")}

    def people(self, message: Document) -> Sequence[ObjectId]:
        return ids_in(message, "seenIds")


class Participants:
    """Who is in each conversation."""

    def __init__(self) -> None:
        self._of: dict[Any, frozenset[ObjectId]] = {}
        self._seen: Sequence[Document] = ()
        self._around: list[frozenset[ObjectId]] = []

    def learn(self, conversations: Sequence[Document]) -> None:
        if conversations is not self._seen:
            self._seen = conversations
            self._of |= {one["_id"]: frozenset(ids_in(one, "userIds")) for one in conversations}

    def around(self, messages: Sequence[Document]) -> list[frozenset[ObjectId]]:
        """Return who is in the conversation of each message."""
        if messages is not self._seen:
            self._seen = messages
            places = (reference(message, "conversationId") for message in messages)
            self._around = [self._of.get(place, NOBODY) if place else NOBODY for place in places]
        return self._around


class StaleLastMessage(Rule):
    """`lastMessageAt` of a conversation is not the time of its last message or, without messages, of its creation."""

    name = "stale-last-message"
    severity = "W"
    effect = "the conversation stands in the wrong place of the list"
    reads = {"Conversation": SAID, "Message": ("conversationId", "createAt")}
    at_once = 100_000
    mends = True

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._said: dict[Any, tuple[datetime, Any]] = {}
        self._last: dict[Any, datetime] = {}
        self._undated: set[Any] = set()

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        if collection == "Conversation":
            for document in documents:
                if isinstance(said := document.get("lastMessageAt"), datetime):
                    self._said[document["_id"]] = said, document.get("created_at")
            return
        last = self._last
        for document in documents:
            place, at = document.get("conversationId"), document.get("createAt")
            if type(place) is not ObjectId:
                place = referred(place)
            if isinstance(place, ObjectId):
                known = last.get(place)
                if not isinstance(at, datetime):
                    self._undated.add(place)
                elif known is None or at > known:
                    last[place] = at
        yield from ()

    def end(self) -> Iterator[Finding]:
        for place, (said, created) in self._said.items():
            right = self._last.get(place, said if place in self._undated else _without_messages(said, created))
            if self.known.sampled or right != said:
                yield Finding("Conversation", place, "lastMessageAt", said)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        ids = [found.id for found in suspects]
        right = _right_times(ids)  # first: a message that arrives now changes only the time that is read next
        said = documents("Conversation", ids, ("lastMessageAt",))
        for found in suspects:
            at = said.get(found.id, {}).get("lastMessageAt")
            if isinstance(at, datetime) and at != right.get(found.id, at) and at == found.value:
                yield found

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        del decided
        said = {found.id: found.value for found in findings}
        right = _right_times([*said])
        for identifier, conversation in mending.each("Conversation", right):
            if conversation.get("lastMessageAt") == said[identifier]:  # else there was a message meanwhile
                mending.draft.reserve(1)
                mending.draft.set("Conversation", conversation, {"lastMessageAt": right[identifier]})
                yield from mending.finished_batches()


def _without_messages(said: datetime, created: Any) -> datetime:
    """Return the `lastMessageAt` of a conversation without messages: its creation, or a time only moments from it."""
    return created if isinstance(created, datetime) and abs(said - created) > MOMENTS else said


def _right_times(conversations: Sequence[Any]) -> dict[Any, datetime]:
    """Return the `lastMessageAt` that conversations should have, without those for which it is not known."""
    last = last_messages(conversations)
    empty = _empty([one for one in conversations if one not in last])
    for identifier, place in documents("Conversation", empty, SAID).items():
        if isinstance(said := place.get("lastMessageAt"), datetime):
            last[identifier] = _without_messages(said, place.get("created_at"))
    return last


def _empty(conversations: Sequence[Any]) -> list[Any]:
    """Return the conversations without any message, dated or not."""
    pipeline: list[Document] = [
        {"$match": of_conversations(conversations)},
        {"$group": {"_id": "$conversationId"}},
    ]
    found = connection.database()["Message"].aggregate(pipeline, allowDiskUse=True) if conversations else ()
    having = {str(referred(row["_id"])) for row in found}
    return [one for one in conversations if str(one) not in having]


def last_messages(conversations: Sequence[Any]) -> dict[Any, datetime]:
    """Read when the last message of each conversation was written; those without any are left out."""
    pipeline: list[Document] = [
        {"$match": {"createAt": {"$type": "date", **NO_LIST}, **of_conversations(conversations)}},
        {"$group": {"_id": "$conversationId", "at": {"$max": "$createAt"}}},
    ]
    found = connection.database()["Message"].aggregate(pipeline, allowDiskUse=True)
    last: dict[Any, datetime | None] = dict.fromkeys(conversations)
    for row in found:
        place = referred(row["_id"])
        if (
            isinstance(place, ObjectId) and place in last and isinstance(row["at"], datetime)
        ):  # a date after the year 9999 is not a datetime
            last[place] = max(last[place] or row["at"], row["at"])
    return {place: at for place, at in last.items() if at is not None}


def of_conversations(conversations: Sequence[Any]) -> Document:
    """Match the messages of a few conversations, or of all where more are wanted: there may be no index."""
    if len(conversations) > FEW:
        return {"conversationId": PRESENT}
    return finding.referring("Message", "conversationId", *conversations)
