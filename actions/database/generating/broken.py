"""Faults as they are found in real data, each in documents of its own, to try the check with."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any, Final

from bson import ObjectId

from actions.database.checking.rules.sizes import BYTES
from actions.database.generating.world import DAY, SECOND, World, moment
from actions.users.creating import new_user
from changes import Batch, Document, Insert
from database import connection, indexes
from models.user import UserStatus

AT_ONCE: Final = 100
"""Faults of a kind in one batch."""
LATER: Final = timedelta(minutes=1)


class Kit:
    """Makes a few documents that are right but for what is then broken in them."""

    def __init__(self, world: World, names: Iterator[str]) -> None:
        self.documents: Batch = []
        self._world = world
        self._names = names

    def id(self) -> ObjectId:
        """Make an id: of a document, or of one that is gone."""
        return self._world.id(self._world.begin)

    def user(self, **fields: Any) -> Document:
        name, joined = next(self._names), self._world.between(self._world.begin, self._world.end - 2 * DAY)
        times = {"createdAt": moment(joined), "updatedAt": moment(joined)}
        user = new_user(f"{name}@example.org", name, **{"_id": self._world.id(joined), **times}) | fields
        return self._insert("User", user)

    def profile(self, user: Document) -> Document:
        """Give somebody a profile; of several the first is the one that counts."""
        profile = self._insert("Profile", {"_id": self.id(), "userId": user["_id"], "address": "Nowhere"})
        user.setdefault("profileId", profile["_id"])
        return profile

    def account(self, user: Any, number: str = "") -> Document:
        account = {"_id": self.id(), "userId": user, "type": "oauth", "provider": "github"}
        return self._insert("Account", account | {"providerAccountId": number or f"broken {account['_id']}"})

    def conversation(self, *users: Document, **fields: Any) -> Document:
        created = self._world.end - DAY
        place: Document = {
            "_id": self._world.id(created),
            "created_at": moment(created),
            "lastMessageAt": moment(created),
            **fields,
            "messagesIds": [],
            "userIds": [user["_id"] for user in users],
        }
        for user in users:
            user["conversationIds"].append(place["_id"])
        return self._insert("Conversation", place)

    def group(self) -> Document:
        return self.conversation(self.user(), self.user(), self.user(), name="Broken", isGroup=True)

    def message(self, place: Document, sender: Document, *readers: Document, body: str = "Can you read this?") -> None:
        at = self._world.end - DAY + 60 * SECOND
        message = {"_id": self._world.id(at), "body": body, "createAt": moment(at)}
        message |= {"seenIds": [reader["_id"] for reader in readers], "conversationId": place["_id"]}
        self._insert("Message", message | {"senderId": sender["_id"]})
        for reader in readers:
            reader["seenMessageIds"].append(message["_id"])
        place["messagesIds"].append(message["_id"])
        place["lastMessageAt"] = message["createAt"]

    def _insert(self, collection: str, document: Document) -> Document:
        self.documents.append(Insert(collection, document))
        return document


def _missing_field(kit: Kit) -> None:
    del kit.user()["updatedAt"]


def _wrong_type(kit: Kit) -> None:
    user = kit.user()
    user["createdAt"] = user["createdAt"].isoformat()


def _one_sided_link(kit: Kit) -> None:
    kit.user(conversationIds=[kit.group()["_id"]])


def _duplicate_link(kit: Kit) -> None:
    people = kit.group()["userIds"]
    people.append(people[0])


def _second_profile(kit: Kit) -> None:
    user = kit.user()
    kit.profile(user)
    kit.profile(user)


def _duplicate_key(kit: Kit) -> None:
    number = str(kit.id())
    kit.account(kit.user()["_id"], number)
    kit.account(kit.user()["_id"], number)


def _email_case(kit: Kit) -> None:
    user = kit.user()
    user["email"] = user["email"].capitalize()


def _duplicate_direct(kit: Kit) -> None:
    pair = kit.user(), kit.user()
    kit.conversation(*pair)
    kit.conversation(*pair)


def _stale_last_message(kit: Kit) -> None:
    one, other = kit.user(), kit.user()
    place = kit.conversation(one, other)
    kit.message(place, one, one)
    place["lastMessageAt"] -= LATER


def _oversized(kit: Kit) -> None:
    one, other = kit.user(), kit.user()
    kit.message(kit.conversation(one, other), one, one, body="far too long " * (BYTES // 12))


def _foreign_sender(kit: Kit) -> None:
    kit.message(kit.conversation(kit.user(), kit.user()), kit.user())


def _foreign_seen(kit: Kit) -> None:
    one, other = kit.user(), kit.user()
    kit.message(kit.conversation(one, other), one, one, kit.user())


def _unsynced_copy(kit: Kit) -> None:
    user = kit.user()
    kit.profile(user)
    user["profileId"] = kit.id()


FAULTS: Final[dict[str, Callable[[Kit], Any]]] = {
    "missing-parent": lambda kit: kit.account(kit.id()),
    "missing-field": _missing_field,
    "unknown-status": lambda kit: kit.user(status="BANNED"),
    "wrong-type": _wrong_type,
    "string-id": lambda kit: kit.account(str(kit.user()["_id"])),
    "null-list": lambda kit: kit.user(seenMessageIds=None),
    "duplicate-key": _duplicate_key,
    "one-sided-link": _one_sided_link,
    "dangling-link": lambda kit: kit.user(conversationIds=[kit.id()]),
    "duplicate-link": _duplicate_link,
    "second-profile": _second_profile,
    "bad-password-hash": lambda kit: kit.user(hashedPassword=f"$2y$12${'.' * 53}"),
    "status-mismatch": lambda kit: kit.user(status=UserStatus.EMAIL_VERIFIED.value),
    "email-case": _email_case,
    "lone-conversation": lambda kit: kit.conversation(kit.user()),
    "duplicate-direct": _duplicate_direct,
    "stale-last-message": _stale_last_message,
    "oversized": _oversized,
    "foreign-sender": _foreign_sender,
    "foreign-seen": _foreign_seen,
    "unsynced-copy": _unsynced_copy,
}
"""What breaks a rule of the check, by its name."""


class Breaking:
    """So many faults of each kind that the unique indexes let in."""

    def __init__(self, number: int, seed: int) -> None:
        self._number = number
        self._seed = seed
        without = _without_index() if number else set()
        # Two profiles of one user are two documents of one key as well: both rules find them.
        self._left_out = {"duplicate-key"} if "Profile" in without or "Account" not in without else set()
        self._prevented = set() if "Profile" in without else {"second-profile", *self._left_out}
        self._left_out |= self._prevented

    def counts(self) -> Counter[tuple[str, str]]:
        """Count the documents that are inserted."""
        made = (change for name in self._faults() for change in self._one(name, World(0), map(str, count())))
        counts = Counter(("insert", change.collection) for change in made)
        return Counter({kind: number * self._number for kind, number in counts.items()}) if self._number else Counter()

    def notes(self) -> list[str]:
        left = ", ".join(sorted(self._prevented))
        return [f"unique indexes prevent faults of {left}: none is made"] if self._number and left else []

    def batches(self, world: World) -> Iterator[Batch]:
        """Make the faults, each of them whole in a batch."""
        for name in self._faults():
            names = (f"{name}.{number}.{self._seed}" for number in count(1))
            at_once = 1 if name == "oversized" else AT_ONCE
            for start in range(0, self._number, at_once):
                some = range(start, min(start + at_once, self._number))
                yield [change for _ in some for change in self._one(name, world, names)]

    def _faults(self) -> list[str]:
        return [name for name in FAULTS if name not in self._left_out]

    @staticmethod
    def _one(name: str, world: World, names: Iterator[str]) -> Batch:
        kit = Kit(world, names)
        FAULTS[name](kit)
        return kit.documents


def _without_index() -> set[str]:
    """Return the collections that lack a unique index; one that is made on the way gets its own."""
    database = connection.database()
    there = set(database.list_collection_names())
    return {
        one.index.collection
        for one in indexes.inspect(database)
        if one.state == "missing" and one.index in indexes.APPLICATION
    } & there
