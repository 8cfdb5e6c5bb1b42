"""Make faults like the faults in real data, to test `db check`. No two faults share a document."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any, Final

from bson import ObjectId

from actions.database.checking.rules.documents import BYTES
from actions.database.generating.people import DAY, SECOND, SeededYear, to_time
from actions.users.creating import new_user
from changes import Batch, Document, Insert
from database import connection, indexes
from models.values import UserStatus

PER_BATCH: Final = 100
"""The number of faults of one rule that one batch inserts."""
A_MINUTE: Final = timedelta(minutes=1)


class DocumentMaker:
    """Make the valid documents for one fault. A function of `FAULTS` then damages one of these documents."""

    def __init__(self, year: SeededYear, names: Iterator[str]) -> None:
        self.documents: Batch = []
        self._year = year
        self._names = names

    def id(self) -> ObjectId:
        """Make an id for a new document, or for a reference to a document that does not exist."""
        return self._year.id(self._year.begin)

    def user(self, **fields: Any) -> Document:
        name, joined = next(self._names), self._year.between(self._year.begin, self._year.end - 2 * DAY)
        times = {"createdAt": to_time(joined), "updatedAt": to_time(joined)}
        user = new_user(f"{name}@example.org", name, **{"_id": self._year.id(joined), **times}) | fields
        return self._insert("User", user)

    def profile(self, user: Document) -> Document:
        """Insert a profile for a user. If the user already has a profile, `profileId` of the user does not change."""
        profile = self._insert("Profile", {"_id": self.id(), "userId": user["_id"], "address": "Nowhere"})
        user.setdefault("profileId", profile["_id"])
        return profile

    def account(self, user: Any, number: str = "") -> Document:
        account = {"_id": self.id(), "userId": user, "type": "oauth", "provider": "github"}
        return self._insert("Account", account | {"providerAccountId": number or f"broken {account['_id']}"})

    def conversation(self, *users: Document, **fields: Any) -> Document:
        created = self._year.end - DAY
        conversation: Document = {
            "_id": self._year.id(created),
            "created_at": to_time(created),
            "lastMessageAt": to_time(created),
            **fields,
            "messagesIds": [],
            "userIds": [user["_id"] for user in users],
        }
        for user in users:
            user["conversationIds"].append(conversation["_id"])
        return self._insert("Conversation", conversation)

    def group(self) -> Document:
        return self.conversation(self.user(), self.user(), self.user(), name="Broken", isGroup=True)

    def message(
        self, conversation: Document, sender: Document, *readers: Document, body: str = "Can you read this?"
    ) -> None:
        at = self._year.end - DAY + 60 * SECOND
        message = {"_id": self._year.id(at), "body": body, "createAt": to_time(at)}
        message |= {"seenIds": [reader["_id"] for reader in readers], "conversationId": conversation["_id"]}
        self._insert("Message", message | {"senderId": sender["_id"]})
        for reader in readers:
            reader["seenMessageIds"].append(message["_id"])
        conversation["messagesIds"].append(message["_id"])
        conversation["lastMessageAt"] = message["createAt"]

    def _insert(self, collection: str, document: Document) -> Document:
        self.documents.append(Insert(collection, document))
        return document


def _missing_field(make: DocumentMaker) -> None:
    del make.user()["updatedAt"]


def _wrong_type(make: DocumentMaker) -> None:
    user = make.user()
    user["createdAt"] = user["createdAt"].isoformat()


def _one_sided_link(make: DocumentMaker) -> None:
    make.user(conversationIds=[make.group()["_id"]])


def _duplicate_link(make: DocumentMaker) -> None:
    people = make.group()["userIds"]
    people.append(people[0])


def _second_profile(make: DocumentMaker) -> None:
    user = make.user()
    make.profile(user)
    make.profile(user)


def _duplicate_key(make: DocumentMaker) -> None:
    number = str(make.id())
    make.account(make.user()["_id"], number)
    make.account(make.user()["_id"], number)


def _email_case(make: DocumentMaker) -> None:
    user = make.user()
    user["email"] = user["email"].capitalize()


def _duplicate_direct(make: DocumentMaker) -> None:
    pair = make.user(), make.user()
    make.conversation(*pair)
    make.conversation(*pair)


def _stale_last_message(make: DocumentMaker) -> None:
    one, other = make.user(), make.user()
    conversation = make.conversation(one, other)
    make.message(conversation, one, one)
    conversation["lastMessageAt"] -= A_MINUTE


def _oversized(make: DocumentMaker) -> None:
    one, other = make.user(), make.user()
    make.message(make.conversation(one, other), one, one, body="far too long " * (BYTES // 12))


def _foreign_sender(make: DocumentMaker) -> None:
    make.message(make.conversation(make.user(), make.user()), make.user())


def _foreign_seen(make: DocumentMaker) -> None:
    one, other = make.user(), make.user()
    make.message(make.conversation(one, other), one, one, make.user())


def _unsynced_copy(make: DocumentMaker) -> None:
    user = make.user()
    make.profile(user)
    user["profileId"] = make.id()


FAULTS: Final[dict[str, Callable[[DocumentMaker], Any]]] = {
    "missing-parent": lambda make: make.account(make.id()),
    "missing-field": _missing_field,
    "unknown-status": lambda make: make.user(status="BANNED"),
    "wrong-type": _wrong_type,
    "string-id": lambda make: make.account(str(make.user()["_id"])),
    "null-list": lambda make: make.user(seenMessageIds=None),
    "duplicate-key": _duplicate_key,
    "one-sided-link": _one_sided_link,
    "dangling-link": lambda make: make.user(conversationIds=[make.id()]),
    "duplicate-link": _duplicate_link,
    "second-profile": _second_profile,
    "bad-password-hash": lambda make: make.user(hashedPassword=f"$2y$12${'.' * 53}"),
    "status-mismatch": lambda make: make.user(status=UserStatus.EMAIL_VERIFIED.value),
    "email-case": _email_case,
    "lone-conversation": lambda make: make.conversation(make.user()),
    "duplicate-direct": _duplicate_direct,
    "stale-last-message": _stale_last_message,
    "oversized": _oversized,
    "foreign-sender": _foreign_sender,
    "foreign-seen": _foreign_seen,
    "unsynced-copy": _unsynced_copy,
}
"""Name of a rule of `db check` → the function that makes one fault for the rule."""


class FaultMaker:
    """Make the same number of faults for each rule. Leave out faults that a unique index prevents."""

    def __init__(self, number: int, seed: int) -> None:
        self._number = number
        self._seed = seed
        without = _without_index() if number else set()
        # If Profile has no unique index, the rules second-profile and duplicate-key both report two profiles of one
        # user.
        self._left_out = {"duplicate-key"} if "Profile" in without or "Account" not in without else set()
        self._prevented = set() if "Profile" in without else {"second-profile", *self._left_out}
        self._left_out |= self._prevented

    def counts(self) -> Counter[tuple[str, str]]:
        """Count the documents that `batches` inserts: ("insert", collection) → number."""
        made = (
            change for name in self._possible() for change in self._documents(name, SeededYear(0), map(str, count()))
        )
        counts = Counter(("insert", change.collection) for change in made)
        return Counter({kind: number * self._number for kind, number in counts.items()}) if self._number else Counter()

    def notes(self) -> list[str]:
        left = ", ".join(sorted(self._prevented))
        return [f"No faults are made for {left}: unique indexes prevent these faults."] if self._number and left else []

    def batches(self, year: SeededYear) -> Iterator[Batch]:
        """Yield batches of changes that insert faults. All documents of a fault are in the same batch."""
        for name in self._possible():
            names = (f"{name}.{number}.{self._seed}" for number in count(1))
            at_once = 1 if name == "oversized" else PER_BATCH
            for start in range(0, self._number, at_once):
                some = range(start, min(start + at_once, self._number))
                yield [change for _ in some for change in self._documents(name, year, names)]

    def _possible(self) -> list[str]:
        return [name for name in FAULTS if name not in self._left_out]

    @staticmethod
    def _documents(name: str, year: SeededYear, names: Iterator[str]) -> Batch:
        make = DocumentMaker(year, names)
        FAULTS[name](make)
        return make.documents


def _without_index() -> set[str]:
    """Return the names of the existing collections that do not have their unique index.

    A collection that does not exist is left out, because it will be created with its indexes.
    """
    database = connection.database()
    there = set(database.list_collection_names())
    return {
        one.index.collection
        for one in indexes.inspect(database)
        if one.state == "missing" and one.index in indexes.APPLICATION
    } & there
