"""Plan people and what they say to each other, and faults if they are wanted, from a seed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from random import Random
from typing import Final

from bson import ObjectId

from actions.conversation_titles import PAIR
from actions.database.generating import interrupted, people
from actions.database.generating.broken import Breaking
from actions.database.generating.chats import Chat, Place, places
from actions.database.generating.filling import Filling
from actions.database.generating.people import Country, People, Person
from actions.database.generating.words import PHRASES
from actions.database.generating.world import World
from actions.errors import NameTakenError
from actions.message_removal import COPIED
from actions.rules import last_active_member, passwords
from actions.users.importing.known import Members
from changes import Batch, Changeset, Document, Result, Stream
from changes.draft import BATCH
from changes.id_lists import MOST_IDS
from database import connection
from database.errors import RefusedError, UsageError
from database.indexes import APPLICATION, Index
from database.prefetch import prefetched

PASSWORD: Final = "made up to try things out"  # noqa: S105 - it guards nothing: nobody else is made with it
SALTED: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
CONTINUED: Final = ("This continues an interrupted command. Data that it has already created is kept.",)
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


def generate(wanted: Wanted) -> Changeset:
    """Make up a year of people and their conversations that ends with the last midnight, UTC.

    After an interruption the same command finishes the work, with the same year. Raises `UsageError` for impossible
    numbers, `RefusedError` if the database has users and is not the embedded one, `NameTakenError` if the embedded one
    has the users of this seed, `StillRunningError`, and the errors of `people.countries`.
    """
    _check(wanted)
    command = " ".join(["db generate", *(f"--{name} {number}" for name, number in vars(wanted).items())])
    countries = people.countries(Random(f"chatctl words {wanted.seed}"))  # noqa: S311 - nothing here is a secret
    begun = interrupted.begun(command)
    if begun is None:
        _, first = People(World(wanted.seed), wanted.users, wanted.seed, countries, "").called(0)
        _refuse_users(first, wanted)
    breaking = Breaking(wanted.broken, wanted.seed)
    counts = {of: number for of, number in (_counts(wanted) + breaking.counts()).items() if number}
    notes = [f'everybody who is made has the password "{PASSWORD}": nobody else may reach such a database']
    return Changeset(
        command,
        [Result(None, f"{of.lower()}s", "created", f"{number:,}") for (_, of), number in counts.items()],
        Stream(lambda: prefetched(_made(wanted, countries, breaking, counts, begun), 1), counts),
        items=sum(counts.values()),
        indexes=_indexes(),
        notes=[*notes[: wanted.users], *breaking.notes(), *(CONTINUED if begun else ())],
        undoable=False,
        itemised=False,
    )


def _made(
    wanted: Wanted,
    countries: Sequence[Country],
    breaking: Breaking,
    counts: Mapping[tuple[str, str], int],
    begun: datetime | None,
) -> Iterator[Batch]:
    """Make all that is wanted; few documents in one batch, so that they are all there, or none."""
    batches = _Making(wanted, countries, _secret(wanted.seed), begun).batches(breaking)
    if begun:
        return interrupted.left(batches)
    # Then no batch of people is full before the last, so none changes what another inserts. Roles are documents too.
    few = sum(counts.values()) + wanted.users <= BATCH - ROOM
    return iter([list(chain.from_iterable(batches))]) if few else batches


def _check(wanted: Wanted) -> None:
    users, conversations, messages = wanted.users, wanted.conversations, wanted.messages
    if conversations and users < PAIR:
        raise UsageError("nobody can talk without another: a conversation takes two users", "give more --users")
    if conversations > 1 and users == PAIR:
        raise UsageError("two users have one conversation with each other", "give more --users, or --conversations 1")
    if messages and not conversations:
        raise UsageError("a message needs a conversation", "give --conversations, or --messages 0")
    seen: Counter[int] = Counter()
    if messages > MOST_IDS:
        for place in wanted.places():
            seen.update(dict.fromkeys(place.people, place.messages))
    if max(seen.values(), default=0) > MOST_IDS:
        raise UsageError(
            f"so many messages for so few: a user has room for {MOST_IDS:,} that were seen",
            "give more --users and --conversations, or fewer --messages",
        )


def _refuse_users(first: str, wanted: Wanted) -> None:
    users, target = connection.database()["User"], connection.target()
    if not target.local and users.find_one({}, ["_id"]):
        raise RefusedError(
            f"{target.name} has users: what is made up does not belong among them", "take an empty database, or --local"
        )
    if wanted.users and users.find_one({"username": first}, ["_id"]):
        raise NameTakenError(
            f"the users of the seed {wanted.seed} are there already: {first} is one", "give another --seed"
        )


def _counts(wanted: Wanted) -> Counter[tuple[str, str]]:
    numbers = range(wanted.users)
    return Counter(
        {
            ("insert", "User"): wanted.users,
            ("insert", "Profile"): sum(map(people.has_profile, numbers)),
            ("insert", "Account"): sum(map(people.has_account, numbers)),
            ("insert", "Conversation"): wanted.conversations,
            ("insert", "Message"): wanted.messages,
        }
    )


def _indexes() -> list[Index]:
    """Return the unique indexes of the collections that are not there yet, as the application makes them at once."""
    there = connection.database().list_collection_names()
    return [index for index in APPLICATION if index.collection not in there]


def _secret(seed: int) -> str:
    """Hash the password with a salt that follows from the seed, as everything does."""
    random = Random(seed)  # noqa: S311 - it is no secret
    return passwords.hashed(PASSWORD, salt="".join(random.choice(SALTED) for _ in range(21)) + ".")


class _Making:
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
