"""Plan the users, conversations, messages and faults of `db generate` from one random seed, and make the batches."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, takewhile
from random import Random
from typing import Final

from bson import ObjectId

from actions import audit
from actions.cascading_deletion import MOST_COPIED_IDS
from actions.database.generating import people
from actions.database.generating.conversations import ConversationMaker, ConversationPlan, plan_conversations
from actions.database.generating.faults import FaultMaker
from actions.database.generating.people import PHRASES, Language, People, Person, SeededYear
from actions.errors import NameTakenError, StillRunningError
from actions.rules import lockout, passwords
from actions.users.granting import MemberChanges
from changes import Add, Batch, Changeset, Document, Insert, Question, Result, Stream, Update
from changes.change import FieldChange, Raise
from changes.draft import BATCH
from changes.events import LEASE_SECONDS
from changes.id_lists import MOST_IDS
from database import connection
from database.errors import RefusedError, UsageError
from database.indexes import APPLICATION, Index
from database.listing import Row
from database.prefetch import prefetched
from database.wording import counted
from models.values import PAIR

WITH_ROLE: Final = 0.35
ROOM: Final = 120
"""The largest number of documents that one conversation, or one burst of messages, adds to a batch."""


@dataclass(frozen=True)
class Amounts:
    """The numbers of documents to generate, the random seed, and the number of faults for each rule."""

    users: int = 100
    conversations: int = 40
    messages: int = 2_000
    seed: int = 1
    broken: int = 0

    def plan_conversations(self) -> Iterator[ConversationPlan]:
        """Plan the conversations. Every call returns the same plan, because the plan depends only on the seed."""
        random = Random(f"chatctl places {self.seed}")  # noqa: S311 - nothing here is a secret
        return plan_conversations(random, self.users, self.conversations, self.messages, len(PHRASES))


class BatchMaker:
    """Make all documents, batch by batch. Each user is made before the first conversation of this user."""

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
        """Add a conversation to the next batch. Yield its bursts one by one, as pairs (conversation, messages)."""
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
        """Choose roles for a user.

        The first user gets the protected roles. Any other user gets at most one other role.
        """
        ordinary, protected = self._roles
        if not number:
            return protected
        random = self._year.random
        return [random.choice(ordinary)] if ordinary and random.random() < WITH_ROLE else []


def _assignable_roles() -> tuple[list[ObjectId], list[ObjectId]]:
    """Return two lists of role ids: the unprotected roles, and the protected roles that generated users may get.

    Protected roles are assigned only in the embedded database.
    """
    protected = lockout.protected_roles()
    roles = [role["_id"] for role in connection.database()["Role"].find({"_id": {"$type": "objectId"}}, ["_id"])]
    given = [role for role in roles if role in protected and connection.target().local]
    return sorted(set(roles) - protected), sorted(given)


class PendingBatch:
    """The changes of the next batch: new documents, and the new ids for lists of documents in earlier batches."""

    def __init__(self) -> None:
        self._inserts: Batch = []
        self._growing: dict[ObjectId, Document] = {}
        self._appended: dict[tuple[str, ObjectId], dict[str, list[ObjectId]]] = {}
        self._times: dict[ObjectId, tuple[datetime, datetime]] = {}

    def __len__(self) -> int:
        return len(self._inserts) + len(self._appended)

    def insert(self, collection: str, document: Document, *, grows: bool = False) -> None:
        """Add the insertion of a new document to the next batch.

        If `grows` is true, ids of later documents can be added to the lists of this document until the batch is
        complete. A copy of the document is inserted, because the caller may change the document while the batch is
        written.
        """
        inserted = dict(document)
        self._inserts.append(Insert(collection, inserted))
        if grows:
            self._growing[document["_id"]] = inserted

    def append_ids(self, collection: str, identifier: ObjectId, field: str, new: list[ObjectId]) -> None:
        """Add the ids of new documents to a list of an existing document.

        The documents are new, so no list has their ids yet, and the write does not check this.
        """
        document = self._growing.get(identifier)
        if document is None:
            self._appended.setdefault((collection, identifier), {}).setdefault(field, []).extend(new)
        else:
            document[field].extend(new)

    def add_messages(self, conversation: Document, messages: list[Document]) -> None:
        """Add messages, sorted by time. Write both sides of their links, and update `lastMessageAt`."""
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
        """Return the changes of this batch. After this call, nothing can be added to the batch."""
        return [*self._inserts, *(self._update(*of, fields) for of, fields in self._appended.items())]

    def _update(self, collection: str, identifier: ObjectId, appended: dict[str, list[ObjectId]]) -> Update:
        fields: dict[str, FieldChange] = {name: Add(tuple(ids), new=True) for name, ids in appended.items()}
        if identifier in self._times:
            fields["lastMessageAt"] = Raise(*self._times[identifier])
        return Update(collection, (identifier,), fields)


PASSWORD: Final = "made up to try things out"  # noqa: S105 - not a secret: only generated users have this password
SALTED: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
CONTINUED: Final = ("This continues an interrupted command. Data that it has already created is kept.",)
OFTEN: Final = 0.5
"""The seconds between two checks whether the interrupted command still counts as running."""


def generate(amounts: Amounts) -> Changeset:
    """Plan to generate users and conversations of one year. The year ends at the last midnight (UTC).

    After an interruption, the same command finishes the work, with the year of the first run. Raises `UsageError` for
    impossible numbers. Raises `RefusedError` if the database has users and is not the embedded database. Raises
    `NameTakenError` if the embedded database already has users from the same seed. Raises `StillRunningError` if the
    same command is still running, and `InvalidInputError` if the library for names is not installed.
    """
    _check(amounts)
    command = " ".join(["db generate", *(f"--{name} {number}" for name, number in vars(amounts).items())])
    languages = people.draw_languages(Random(f"chatctl words {amounts.seed}"))  # noqa: S311 - nothing here is a secret
    begun = _begun(command)
    if begun is None:
        _, first = People(SeededYear(amounts.seed), amounts.users, amounts.seed, languages, "").name_of(0)
        _refuse_users(first, amounts)
    faults = FaultMaker(amounts.broken, amounts.seed)
    counts = {of: number for of, number in (_counts(amounts) + faults.counts()).items() if number}
    notes = [f'All generated users have the password "{PASSWORD}". Keep this database private.']
    return Changeset(
        command,
        [Result(None, f"{of.lower()}s", "created", f"{number:,}") for (_, of), number in counts.items()],
        Stream(lambda: prefetched(_batches(amounts, languages, faults, counts, begun), 1), counts),
        items=sum(counts.values()),
        question=Question(f"Generate {counted(sum(counts.values()), 'document')}"),
        indexes=_indexes(),
        notes=[*notes[: amounts.users], *faults.notes(), *(CONTINUED if begun else ())],
        undoable=False,
        itemised=False,
    )


def _batches(
    amounts: Amounts,
    languages: Sequence[Language],
    faults: FaultMaker,
    counts: Mapping[tuple[str, str], int],
    begun: datetime | None,
) -> Iterator[Batch]:
    """Return the batches of documents to write.

    If there are only a few documents, they are all in one batch, so that all of them or none of them are written.
    """
    batches = BatchMaker(amounts, languages, _secret(amounts.seed), begun).batches(faults)
    if begun:
        return _unwritten(batches)
    # The number of users is added for the changes of their roles. With so few documents, no batch changes documents of
    # an earlier batch.
    few = sum(counts.values()) + amounts.users <= BATCH - ROOM
    return iter([list(chain.from_iterable(batches))]) if few else batches


def _check(amounts: Amounts) -> None:
    users, conversations, messages = amounts.users, amounts.conversations, amounts.messages
    if conversations and users < PAIR:
        raise UsageError("a conversation requires at least two users", "increase --users")
    if conversations > 1 and users == PAIR:
        raise UsageError("two users can have only one conversation", "increase --users, or use --conversations 1")
    if messages and not conversations:
        raise UsageError("a message requires a conversation", "add --conversations, or use --messages 0")
    seen: Counter[int] = Counter()
    if messages > MOST_IDS:
        for plan in amounts.plan_conversations():
            seen.update(dict.fromkeys(plan.people, plan.messages))
    if max(seen.values(), default=0) > MOST_IDS:
        raise UsageError(
            f"too many messages for one user: the limit is {MOST_IDS:,} seen messages",
            "increase --users and --conversations, or reduce --messages",
        )


def _refuse_users(first: str, amounts: Amounts) -> None:
    users, target = connection.database()["User"], connection.target()
    if not target.local and users.find_one({}, ["_id"]):
        raise RefusedError(
            f"{target.name} already has users; generated users are only added to an empty database "
            "or to the embedded database",
            "use an empty database, or --local",
        )
    if amounts.users and users.find_one({"username": first}, ["_id"]):
        raise NameTakenError(
            f"the users of seed {amounts.seed} already exist, for example {first}", "use another --seed"
        )


def _counts(amounts: Amounts) -> Counter[tuple[str, str]]:
    numbers = range(amounts.users)
    return Counter(
        {
            ("insert", "User"): amounts.users,
            ("insert", "Profile"): sum(map(people.has_profile, numbers)),
            ("insert", "Account"): sum(map(people.has_account, numbers)),
            ("insert", "Conversation"): amounts.conversations,
            ("insert", "Message"): amounts.messages,
        }
    )


def _indexes() -> list[Index]:
    """Return the unique indexes of the collections that do not exist yet.

    Each collection is created with its indexes.
    """
    there = connection.database().list_collection_names()
    return [index for index in APPLICATION if index.collection not in there]


def _secret(seed: int) -> str:
    """Hash the password of generated users.

    The salt comes from the seed, so the same seed always makes the same data.
    """
    random = Random(seed)  # noqa: S311 - the salt is not a secret
    return passwords.bcrypt_hash(PASSWORD, salt="".join(random.choice(SALTED) for _ in range(21)) + ".")


def _begun(command: str) -> datetime | None:
    """Return the time when an interrupted `db generate` began, or None if the last run was not interrupted.

    If a program is killed, its lease still says for some seconds that the program is running. This function waits until
    the lease ends. Raises `StillRunningError` if the program is really running.
    """
    until = time.monotonic() + LEASE_SECONDS + OFTEN
    while (events := _events(command)) and events[0]["state"] == "running":
        if time.monotonic() > until:
            raise StillRunningError(
                f"event {events[0]['id']} is still running", "repeat the command after the event has ended"
            )
        time.sleep(OFTEN)
    stopped = list(takewhile(lambda event: event["state"] == "interrupted", events))
    return stopped[-1]["at"] if stopped else None


def _unwritten(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Leave out the batches that an interrupted run has already written.

    In these batches, the first document exists.
    """
    for batch in batches:
        if not any(map(_is_there, batch[:1])):
            return chain([batch], batches)
    return iter(())


def _is_there(change: object) -> bool:
    found = isinstance(change, Insert) and connection.database()[change.collection].find_one(
        {"_id": change.document["_id"]}, ["_id"]
    )
    return bool(found)


def _events(command: str) -> list[Row]:
    """Return the events of the audit trail whose command is exactly this text, newest first."""
    events = (event for event in audit.find(command=command).rows("id") if event["command"] == command)
    return sorted(
        events, key=lambda event: event["at"], reverse=True
    )  # ids from two processes are not in the order of time
