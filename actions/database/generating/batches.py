"""Make the batches that `db generate` writes: each is whole, with both sides of every link."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from bson import ObjectId

from actions.cascading_deletion import MOST_COPIED_IDS
from actions.database.generating.conversations import ConversationMaker, ConversationPlan, plan_conversations
from actions.database.generating.faults import FaultMaker
from actions.database.generating.people import PHRASES, Language, People, Person
from actions.database.generating.seeded_year import SeededYear
from actions.rules import last_active_member
from actions.users.roles import MemberChanges
from changes import Add, Batch, Document, Insert, Update
from changes.change import FieldChange, Raise
from changes.draft import BATCH
from database import connection

WITH_ROLE: Final = 0.35
ROOM: Final = 120
"""The most documents that one conversation or one burst of messages adds to a batch."""


@dataclass(frozen=True)
class Amounts:
    """How many documents to generate, from which seed, and how many faults of each kind."""

    users: int = 100
    conversations: int = 40
    messages: int = 2_000
    seed: int = 1
    broken: int = 0

    def plan_conversations(self) -> Iterator[ConversationPlan]:
        """Plan the conversations, with a random source of its own, so that this can be done before users are made."""
        random = Random(f"chatctl places {self.seed}")  # noqa: S311 - nothing here is a secret
        return plan_conversations(random, self.users, self.conversations, self.messages, len(PHRASES))


class BatchMaker:
    """Make all documents, batch by batch; a user is made before their first conversation."""

    def __init__(self, amounts: Amounts, languages: Sequence[Language], secret: str, end: datetime | None) -> None:
        self._amounts = amounts
        self._languages = languages
        self._year = SeededYear(amounts.seed, end)
        self._people = People(self._year, amounts.users, amounts.seed, languages, secret)
        self._made: dict[int, Person] = {}
        self._roles = _assignable_roles()
        self._members = MemberChanges()
        self._pending = PendingBatch()

    def batches(self, faults: FaultMaker) -> Iterator[Batch]:
        for plan in self._amounts.plan_conversations():
            for burst in self._add_conversation(plan):
                self._pending.add_messages(*burst)
                yield from self._hand_out()
            yield from self._hand_out()
        for number in range(self._amounts.users):
            self._add_person(number)
            yield from self._hand_out()
        yield from self._hand_out(0)
        yield from faults.batches(self._year)

    def _hand_out(self, bound: int = BATCH - ROOM) -> Iterator[Batch]:
        if len(self._pending) and len(self._pending) + self._members.role_count > bound:
            full, self._pending = self._pending, PendingBatch()
            yield [*full.batch(), *self._members.changes()]

    def _add_conversation(self, plan: ConversationPlan) -> Iterator[tuple[Document, list[Document]]]:
        """Add a conversation, and return it with each burst of its messages."""
        texts = self._languages[plan.people[0] % len(self._languages)].texts
        maker = ConversationMaker(self._year, plan, [self._add_person(number) for number in plan.people], texts)
        if plan.messages > MOST_COPIED_IDS:
            del maker.document["messagesIds"]
        self._pending.insert("Conversation", maker.document, grows=True)
        for person in maker.document["userIds"]:
            self._pending.append_ids("User", person, "conversationIds", [maker.document["_id"]])
        return ((maker.document, burst) for burst in maker.bursts())

    def _add_person(self, number: int) -> Person:
        if number not in self._made:
            self._made[number], documents = self._people.make(number)
            for role in self._choose_roles(number):
                documents[0][1]["rolesIds"].append(role)
                self._members.new(role, self._made[number].id)
            for collection, document in documents:
                self._pending.insert(collection, document, grows=collection == "User")
        return self._made[number]

    def _choose_roles(self, number: int) -> Sequence[ObjectId]:
        """Choose the roles of a user; only the first user gets the protected roles."""
        ordinary, protected = self._roles
        if not number:
            return protected
        random = self._year.random
        return [random.choice(ordinary)] if ordinary and random.random() < WITH_ROLE else []


def _assignable_roles() -> tuple[list[ObjectId], list[ObjectId]]:
    """Return the roles for all users, and the protected roles, which are used only in the embedded database."""
    protected = last_active_member.protected_roles()
    roles = [role["_id"] for role in connection.database()["Role"].find({"_id": {"$type": "objectId"}}, ["_id"])]
    given = [role for role in roles if role in protected and connection.target().local]
    return sorted(set(roles) - protected), sorted(given)


class PendingBatch:
    """The changes of the next batch: new documents, and ids for the lists of documents in earlier batches."""

    def __init__(self) -> None:
        self._inserts: Batch = []
        self._growing: dict[ObjectId, Document] = {}
        self._appended: dict[tuple[str, ObjectId], dict[str, list[ObjectId]]] = {}
        self._times: dict[ObjectId, tuple[datetime, datetime]] = {}

    def __len__(self) -> int:
        return len(self._inserts) + len(self._appended)

    def insert(self, collection: str, document: Document, *, grows: bool = False) -> None:
        """Add a new document; if it `grows`, later documents are added to its lists.

        A copy is inserted, because the document may change while the batch is written.
        """
        inserted = dict(document)
        self._inserts.append(Insert(collection, inserted))
        if grows:
            self._growing[document["_id"]] = inserted

    def append_ids(self, collection: str, identifier: ObjectId, field: str, new: list[ObjectId]) -> None:
        """Add ids of new documents to a list; the list cannot have them yet."""
        document = self._growing.get(identifier)
        if document is None:
            self._appended.setdefault((collection, identifier), {}).setdefault(field, []).extend(new)
        else:
            document[field].extend(new)

    def add_messages(self, conversation: Document, messages: list[Document]) -> None:
        """Add messages in the order of their times, with both sides of their links and the time of the last one."""
        for message in messages:
            self._inserts.append(Insert("Message", message))
            for person in message["seenIds"]:
                self.append_ids("User", person, "seenMessageIds", [message["_id"]])
        identifier, last = conversation["_id"], messages[-1]["createAt"]
        if "messagesIds" in conversation:
            self.append_ids("Conversation", identifier, "messagesIds", [message["_id"] for message in messages])
        if identifier in self._growing:
            self._growing[identifier]["lastMessageAt"] = last
        else:
            self._appended.setdefault(("Conversation", identifier), {})
            before, _ = self._times.get(identifier, (conversation["lastMessageAt"], last))
            self._times[identifier] = before, last
        conversation["lastMessageAt"] = last

    def batch(self) -> Batch:
        """Return the batch; nothing may be added to it afterwards."""
        return [*self._inserts, *(self._update(*of, fields) for of, fields in self._appended.items())]

    def _update(self, collection: str, identifier: ObjectId, appended: dict[str, list[ObjectId]]) -> Update:
        fields: dict[str, FieldChange] = {name: Add(tuple(ids), new=True) for name, ids in appended.items()}
        if identifier in self._times:
            fields["lastMessageAt"] = Raise(*self._times[identifier])
        return Update(collection, (identifier,), fields)
