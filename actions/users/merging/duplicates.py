"""Find users who are probably the same person."""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

from bson import ObjectId

from actions import SORTABLE, queries
from actions.display_names import Usernames
from changes import Document
from changes.visible_values import readable
from database import connection
from database.ids import any_of, id_text
from database.listing import PRESENT, Listing, Row
from database.prefetch import prefetched
from database.references import reference, referred

FIELDS: Final = ("username", "name", "email", "status", "createdAt", "lastLogin")
EMAIL, PHONE, ACCOUNT = "e-mail", "name and telephone", "provider account"
MOST: Final = 100_000
"""The largest number of duplicates that are listed. All their ids must fit into one filter."""
SLOTS: Final = 2**25
"""The number of counters for the keys of all users.

The hash of a key selects a counter. With more counters, two different keys share a counter less often.
"""


class Duplicates(NamedTuple):
    """The list of duplicates, and notes about the duplicates that are not listed."""

    listing: Listing
    notes: list[str]


def find_duplicates() -> Duplicates:
    """List users who are probably the same person as an older user: `{id, sameAs: [{id, username}], why: [reasons]}`.

    There are three reasons: the same e-mail (upper and lower case, dots, and the part after a plus do not matter), the
    same name and telephone number, and the same account at a provider. All users are read, but only a few bytes of each
    user are kept in memory.
    """
    older: dict[Any, dict[Any, list[str]]] = {}
    for reason, groups in ((EMAIL, _by_email()), (PHONE, _by_phone()), (ACCOUNT, _by_account())):
        for group in filter(None, groups):
            first, *others = sorted(dict.fromkeys(group), key=lambda one: (str(one), type(one).__name__))
            for other in others:
                if other in older or len(older) < MOST:
                    older.setdefault(other, {}).setdefault(first, []).append(reason)
    where = {"_id": any_of(older)}
    notes = [f"only {MOST:,} duplicates are listed; merge some of them first"] if len(older) == MOST else []
    return Duplicates(Listing("User", where, partial(_rows, older), sortable=SORTABLE["users"], fields=FIELDS), notes)


def _rows(older: dict[Any, dict[Any, list[str]]], users: Sequence[Document], _: Collection[str]) -> Iterator[Row]:
    usernames = Usernames()
    usernames.load(id_text(referred(first)) for user in users for first in older[user["_id"]])
    for user in users:
        found = older[user["_id"]]
        same = [id_text(referred(first)) for first in found]
        yield {
            "id": user["_id"],
            **{name: readable(user.get(name)) for name in FIELDS},
            "sameAs": [{"id": first, "username": usernames.get(first)} for first in same],
            "why": list(dict.fromkeys(reason for reasons in found.values() for reason in reasons)),
        }


@dataclass
class _Keys:
    """A list of pairs (id of a user, key of the user) that needs little memory. A key is, for example, an e-mail.

    `repeated` yields groups of ids that have the same key.
    """

    hashes: "array[int]" = field(default_factory=lambda: array("q"))
    ids: bytearray = field(default_factory=bytearray)
    odd: dict[int, Any] = field(default_factory=dict)
    counts: bytearray = field(default_factory=lambda: bytearray(SLOTS))

    def add(self, identifier: Any, key: object) -> None:
        hashed = hash(key)
        slot = hashed % SLOTS
        if self.counts[slot] < 2:  # noqa: PLR2004 - only "once" and "more than once" are distinguished
            self.counts[slot] += 1
        if type(identifier) is not ObjectId:
            self.odd[len(self.hashes)] = identifier
        self.ids += identifier.binary if type(identifier) is ObjectId else bytes(12)
        self.hashes.append(hashed)

    def repeated(self) -> list[list[Any]]:
        places = [place for place, hashed in enumerate(self.hashes) if self.counts[hashed % SLOTS] > 1]
        number = Counter(self.hashes[place] for place in places)
        groups: dict[int, list[Any]] = {}
        for place in places:
            if number[self.hashes[place]] > 1:
                groups.setdefault(self.hashes[place], []).append(self._id(place))
        return list(groups.values())

    def _id(self, place: int) -> Any:
        return self.odd[place] if place in self.odd else ObjectId(bytes(self.ids[place * 12 : place * 12 + 12]))


def _by_email() -> Iterable[list[Any]]:
    keys = _Keys()
    for user in _read("User", "email"):
        if isinstance(email := user.get("email"), str) and "@" in email:
            keys.add(user["_id"], _email_key(email))
    return keys.repeated()


def _by_phone() -> Iterator[list[Any]]:
    """Yield groups of users with the same name and telephone number.

    Names are read only if several users have the same telephone number.
    """
    keys = _Keys()
    for profile in _read("Profile", "userId", "phoneNumber"):
        owner, phone = reference(profile, "userId"), profile.get("phoneNumber")
        if owner and isinstance(phone, str) and (digits := _phone_key(phone)):
            keys.add(owner, digits)
    for group in keys.repeated():
        named: dict[str, list[Any]] = {}
        for user in _users(group, "name"):
            if isinstance(name := user.get("name"), str) and (key := " ".join(name.casefold().split())):
                named.setdefault(key, []).append(user["_id"])
        yield from named.values()


def _by_account() -> Iterator[list[Any]]:
    """Yield groups of users with the same account at a provider.

    For the provider, upper and lower case do not matter.
    """
    keys = _Keys()
    for account in _read("Account", "userId", "provider", "providerAccountId"):
        user, texts = reference(account, "userId"), (account.get("provider"), account.get("providerAccountId"))
        if user and all(isinstance(text, str) and text for text in texts):
            keys.add(user, (str(texts[0]).casefold(), texts[1]))
    for group in keys.repeated():
        yield [user["_id"] for user in _users(group, "_id")]


def _users(ids: Iterable[Any], field: str) -> Iterator[Document]:
    """Read users by their ids in several queries.

    A million users can have the telephone number of the same company.
    """
    for some in queries.chunks(dict.fromkeys(ids)):
        yield from queries.find_by_ids("User", some, [field])


def _read(collection: str, first: str, *others: str) -> Iterator[Document]:
    return prefetched(connection.database()[collection].find({first: PRESENT}, [first, *others]))


def _email_key(email: str) -> str:
    """Return an e-mail in lower case. From the part before the @, remove dots, and the text after a plus."""
    local, _, domain = email.strip().lower().rpartition("@")
    plain = local.partition("+")[0].replace(".", "")
    return f"{plain or local}@{domain}"


def _phone_key(phone: str) -> str:
    """Return the digits of a telephone number, without two zeros at the beginning, which mean the same as a plus.

    Return an empty text if all digits are the same. A number like `0` or `999999` is not a real number.
    """
    digits = "".join(character for character in phone if character.isdecimal())
    return digits.removeprefix("00") if len(set(digits)) > 1 else ""
