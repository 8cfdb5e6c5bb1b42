"""Make the batches that `db generate` writes: each is whole, with both sides of every link."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final

from bson import ObjectId

from actions.database.generating.conversations import Chat, Place, places
from actions.database.generating.faults import Breaking
from actions.database.generating.people import PHRASES, Country, People, Person
from actions.database.generating.seeded_year import World
from actions.message_removal import COPIED
from actions.rules import last_active_member
from actions.users.importing.known import Members
from changes import Add, Batch, Document, Insert, Update
from changes.change import FieldChange, Raise
from changes.draft import BATCH
from database import connection

WITH_ROLE: Final = 0.35
ROOM: Final = 120
"""Documents that one conversation or one burst of messages adds to a batch, at most."""


@dataclass(frozen=True)
class Wanted:
    """How much is to be made, from which seed, and how many faults of each kind beside it."""

    users: int = 100
    conversations: int = 40
    messages: int = 2_000
    seed: int = 1
    broken: int = 0

    def places(self) -> Iterator[Place]:
        """Decide who talks to whom; from numbers of its own, so that it can be asked before anybody is made."""
        random = Random(f"chatctl places {self.seed}")  # noqa: S311 - nothing here is a secret
        return places(random, self.users, self.conversations, self.messages, len(PHRASES))


class Making:
    """Makes all that is wanted, batch by batch; somebody is made with their first conversation."""

    def __init__(self, wanted: Wanted, countries: Sequence[Country], secret: str, end: datetime | None) -> None:
        self._wanted = wanted
        self._countries = countries
        self._world = World(wanted.seed, end)
        self._people = People(self._world, wanted.users, wanted.seed, countries, secret)
        self._made: dict[int, Person] = {}
        self._roles = _roles()
        self._members = Members()
        self._filling = Filling()

    def batches(self, breaking: Breaking) -> Iterator[Batch]:
        for place in self._wanted.places():
            for burst in self._talk(place):
                self._filling.write(*burst)
                yield from self._full()
            yield from self._full()
        for number in range(self._wanted.users):
            self._person(number)
            yield from self._full()
        yield from self._full(0)
        yield from breaking.batches(self._world)

    def _full(self, bound: int = BATCH - ROOM) -> Iterator[Batch]:
        if len(self._filling) and len(self._filling) + self._members.known > bound:
            filled, self._filling = self._filling, Filling()
            yield [*filled.batch(), *self._members.changes()]

    def _talk(self, place: Place) -> Iterator[tuple[Document, list[Document]]]:
        """Make a conversation, and give it with each burst of its messages."""
        words = self._countries[place.people[0] % len(self._countries)].words
        chat = Chat(self._world, place, [self._person(number) for number in place.people], words)
        if place.messages > COPIED:
            del chat.document["messagesIds"]
        self._filling.insert("Conversation", chat.document, grows=True)
        for person in chat.document["userIds"]:
            self._filling.gain("User", person, "conversationIds", [chat.document["_id"]])
        return ((chat.document, burst) for burst in chat.bursts())

    def _person(self, number: int) -> Person:
        if number not in self._made:
            self._made[number], documents = self._people.make(number)
            for role in self._given(number):
                documents[0][1]["rolesIds"].append(role)
                self._members.new(role, self._made[number].id)
            for collection, document in documents:
                self._filling.insert(collection, document, grows=collection == "User")
        return self._made[number]

    def _given(self, number: int) -> Sequence[ObjectId]:
        """Choose roles for somebody; only the first gets those that are protected."""
        ordinary, protected = self._roles
        if not number:
            return protected
        random = self._world.random
        return [random.choice(ordinary)] if ordinary and random.random() < WITH_ROLE else []


def _roles() -> tuple[list[ObjectId], list[ObjectId]]:
    """Return the roles that anybody may get, and those that are protected: in the embedded database alone."""
    protected = last_active_member.protected_roles()
    roles = [role["_id"] for role in connection.database()["Role"].find({"_id": {"$type": "objectId"}}, ["_id"])]
    given = [role for role in roles if role in protected and connection.target().local]
    return sorted(set(roles) - protected), sorted(given)


class Filling:
    """What is gathered for one batch: new documents, and what those of earlier batches gain."""

    def __init__(self) -> None:
        self._inserts: Batch = []
        self._fresh: dict[ObjectId, Document] = {}
        self._gained: dict[tuple[str, ObjectId], dict[str, list[ObjectId]]] = {}
        self._times: dict[ObjectId, tuple[datetime, datetime]] = {}

    def __len__(self) -> int:
        return len(self._inserts) + len(self._gained)

    def insert(self, collection: str, document: Document, *, grows: bool = False) -> None:
        """Add a new document; one that `grows` is linked with others that come later.

        What is inserted is a copy: the document goes on being changed while the batch is written.
        """
        inserted = dict(document)
        self._inserts.append(Insert(collection, inserted))
        if grows:
            self._fresh[document["_id"]] = inserted

    def gain(self, collection: str, identifier: ObjectId, field: str, new: list[ObjectId]) -> None:
        """Let a list gain ids of documents that are new, so that it cannot have them."""
        document = self._fresh.get(identifier)
        if document is None:
            self._gained.setdefault((collection, identifier), {}).setdefault(field, []).extend(new)
        else:
            document[field].extend(new)

    def write(self, conversation: Document, messages: list[Document]) -> None:
        """Add messages to a conversation, the last of them written last, with all that follows from them."""
        for message in messages:
            self._inserts.append(Insert("Message", message))
            for person in message["seenIds"]:
                self.gain("User", person, "seenMessageIds", [message["_id"]])
        identifier, last = conversation["_id"], messages[-1]["createAt"]
        if "messagesIds" in conversation:
            self.gain("Conversation", identifier, "messagesIds", [message["_id"] for message in messages])
        if identifier in self._fresh:
            self._fresh[identifier]["lastMessageAt"] = last
        else:
            self._gained.setdefault(("Conversation", identifier), {})
            before, _ = self._times.get(identifier, (conversation["lastMessageAt"], last))
            self._times[identifier] = before, last
        conversation["lastMessageAt"] = last

    def batch(self) -> Batch:
        """Return what has been gathered; nothing may be added then."""
        return [*self._inserts, *(self._update(*of, fields) for of, fields in self._gained.items())]

    def _update(self, collection: str, identifier: ObjectId, gained: dict[str, list[ObjectId]]) -> Update:
        fields: dict[str, FieldChange] = {name: Add(tuple(ids), new=True) for name, ids in gained.items()}
        if identifier in self._times:
            fields["lastMessageAt"] = Raise(*self._times[identifier])
        return Update(collection, (identifier,), fields)
