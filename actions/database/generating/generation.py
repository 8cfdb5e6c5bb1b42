"""Plan and write the users, conversations, messages and faults of `db generate`, from a seed."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, takewhile
from random import Random
from typing import Final

from actions import audit
from actions.database.generating import people
from actions.database.generating.batches import ROOM, Amounts, BatchMaker
from actions.database.generating.faults import FaultMaker
from actions.database.generating.people import Language, People
from actions.database.generating.seeded_year import SeededYear
from actions.errors import NameTakenError, StillRunningError
from actions.rules import passwords
from changes import Batch, Changeset, Insert, Result, Stream
from changes.draft import BATCH
from changes.events import LEASE_SECONDS
from changes.id_lists import MOST_IDS
from database import connection
from database.errors import RefusedError, UsageError
from database.indexes import APPLICATION, Index
from database.listing import Row
from database.prefetch import prefetched
from models.conversation import PAIR

PASSWORD: Final = "made up to try things out"  # noqa: S105 - it guards nothing: nobody else is made with it
SALTED: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
CONTINUED: Final = ("This continues an interrupted command. Data that it has already created is kept.",)
OFTEN: Final = 0.5
"""Seconds between two checks of a lease."""


def generate(amounts: Amounts) -> Changeset:
    """Make up a year of people and their conversations that ends with the last midnight, UTC.

    After an interruption the same command finishes the work, with the same year. Raises `UsageError` for impossible
    numbers, `RefusedError` if the database has users and is not the embedded one, `NameTakenError` if the embedded one
    has the users of this seed, `StillRunningError`, and the errors of `people.draw_languages`.
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
    notes = [f'everybody who is made has the password "{PASSWORD}": nobody else may reach such a database']
    return Changeset(
        command,
        [Result(None, f"{of.lower()}s", "created", f"{number:,}") for (_, of), number in counts.items()],
        Stream(lambda: prefetched(_batches(amounts, languages, faults, counts, begun), 1), counts),
        items=sum(counts.values()),
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
    """Return the batches; a few documents are one batch, so that all of them are written, or none."""
    batches = BatchMaker(amounts, languages, _secret(amounts.seed), begun).batches(faults)
    if begun:
        return _unwritten(batches)
    # Then no batch of people is full before the last, so none changes what another inserts. Roles are documents too.
    few = sum(counts.values()) + amounts.users <= BATCH - ROOM
    return iter([list(chain.from_iterable(batches))]) if few else batches


def _check(amounts: Amounts) -> None:
    users, conversations, messages = amounts.users, amounts.conversations, amounts.messages
    if conversations and users < PAIR:
        raise UsageError("nobody can talk without another: a conversation takes two users", "give more --users")
    if conversations > 1 and users == PAIR:
        raise UsageError("two users have one conversation with each other", "give more --users, or --conversations 1")
    if messages and not conversations:
        raise UsageError("a message needs a conversation", "give --conversations, or --messages 0")
    seen: Counter[int] = Counter()
    if messages > MOST_IDS:
        for plan in amounts.plan_conversations():
            seen.update(dict.fromkeys(plan.people, plan.messages))
    if max(seen.values(), default=0) > MOST_IDS:
        raise UsageError(
            f"so many messages for so few: a user has room for {MOST_IDS:,} that were seen",
            "give more --users and --conversations, or fewer --messages",
        )


def _refuse_users(first: str, amounts: Amounts) -> None:
    users, target = connection.database()["User"], connection.target()
    if not target.local and users.find_one({}, ["_id"]):
        raise RefusedError(
            f"{target.name} has users: what is made up does not belong among them", "take an empty database, or --local"
        )
    if amounts.users and users.find_one({"username": first}, ["_id"]):
        raise NameTakenError(
            f"the users of the seed {amounts.seed} are there already: {first} is one", "give another --seed"
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
    """Return the unique indexes of the collections that do not exist yet, as the application creates them at once."""
    there = connection.database().list_collection_names()
    return [index for index in APPLICATION if index.collection not in there]


def _secret(seed: int) -> str:
    """Hash the password with a salt from the seed, so that the same seed makes the same data."""
    random = Random(seed)  # noqa: S311 - it is no secret
    return passwords.bcrypt_hash(PASSWORD, salt="".join(random.choice(SALTED) for _ in range(21)) + ".")


def _begun(command: str) -> datetime | None:
    """Return when an interrupted command began; None if there is no such event.

    A killed program keeps its lease for some seconds: wait until it has expired. Raises `StillRunningError`.
    """
    until = time.monotonic() + LEASE_SECONDS + OFTEN
    while (events := _events(command)) and events[0]["state"] == "running":
        if time.monotonic() > until:
            raise StillRunningError(f"event {events[0]['id']} is still running", "repeat the command when it has ended")
        time.sleep(OFTEN)
    stopped = list(takewhile(lambda event: event["state"] == "interrupted", events))
    return stopped[-1]["at"] if stopped else None


def _unwritten(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Return the batches that are not written yet; a batch is written as a whole or not at all."""
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
    """Return the events of exactly this command, the newest first."""
    events = (event for event in audit.find(command=command).rows("id") if event["command"] == command)
    return sorted(
        events, key=lambda event: event["at"], reverse=True
    )  # the ids of two processes are not in the order of time
