"""A person of an import, and the differences between the row of the person and an existing user."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from bson import Int64, ObjectId

from actions.users.access import AllRoles
from actions.users.listing import PROFILE
from changes import ABSENT, Document
from changes.change import same
from changes.events import now
from database.references import ids_in
from models.values import UserStatus


class Policy(StrEnum):
    """What an import does if a person already exists: report an error, skip the row, or update the user."""

    FAIL = "fail"
    SKIP = "skip"
    UPDATE = "update"


OAUTH: Final = "oauth"
"""The type of a linked sign-in if the row does not give a type."""


class Person(NamedTuple):
    """The valid values of one row of an import. A field is None if the row has no value for the field.

    `emailVerified` is a time, True (verified at an unknown time) or False. Each of the `accounts` has a `provider`, a
    `providerAccountId` and a `type`, and may have other fields of `listing.ACCOUNT`.
    """

    row: int
    email: str
    username: str
    name: str | None = None
    password: str | None = None
    hashedPassword: str | None = None  # noqa: N815 - fields have the schema's own names
    status: str | None = None
    emailVerified: datetime | bool | None = None  # noqa: N815
    roles: tuple[str, ...] | None = None
    phoneNumber: str | None = None  # noqa: N815
    address: str | None = None
    imageUrl: str | None = None  # noqa: N815
    createdAt: datetime | None = None  # noqa: N815
    lastLogin: datetime | None = None  # noqa: N815
    accounts: tuple[dict[str, Any], ...] | None = None

    @property
    def sign_ins(self) -> Iterator[tuple[str, str]]:
        """Yield (provider, id at the provider) of each linked sign-in.

        The application finds a sign-in by these two fields.
        """
        return ((account["provider"], account["providerAccountId"]) for account in self.accounts or ())

    @property
    def profile(self) -> dict[str, str]:
        """Return the fields of the profile for which the row has a value."""
        return {field: value for field in PROFILE if (value := getattr(self, field)) is not None}


FIELDS: Final = Person._fields[1:]
"""The columns of an import, in the order of an export."""

UNHASHED = "(a hash to be)"
"""A placeholder for the hash of a password.

Hashing a password takes a quarter of a second, so a password is hashed only when it is written.
"""


class ExistingUser(NamedTuple):
    """The stored documents of a user. `accounts` has only the linked sign-ins that the row names."""

    user: Document
    profile: Document | None = None
    accounts: Sequence[Document] = ()


class Difference(NamedTuple):
    """The differences between a row and the stored user.

    `user` and `profile` have the changed fields. `gained` and `lost` are the ids of roles. `linked` are new linked
    sign-ins, and `relinked` are existing ones with their changed fields.
    """

    user: Document
    profile: Document
    gained: list[ObjectId]
    lost: list[ObjectId]
    linked: list[Document]
    relinked: list[tuple[Document, Document]]


def difference(person: Person, existing: ExistingUser, roles: AllRoles) -> Difference | None:
    """Compare a row with the stored user. Return None if nothing differs. A password always counts as a difference.

    A linked sign-in that the row does not name is kept. Otherwise, the user might lose the only way to sign in.
    """
    user = existing.user
    values: Document = {"name": person.name, "status": person.status, **_verification(person, user)}
    values |= {"username": person.username, "hashedPassword": UNHASHED if person.password else person.hashedPassword}
    values |= {"createdAt": person.createdAt, "lastLogin": person.lastLogin}
    held = ids_in(user, "rolesIds")
    wanted = held if person.roles is None else list(roles.ids_of(person.roles))
    there = {(account["provider"], account["providerAccountId"]): account for account in existing.accounts}
    named = {pair: stored(account) for pair, account in zip(person.sign_ins, person.accounts or (), strict=True)}
    found = Difference(
        _new(user, {field: value for field, value in values.items() if value is not None}),
        _new(existing.profile or {}, person.profile),
        [role for role in wanted if role not in held],
        [role for role in dict.fromkeys(held) if role in roles.by_id and role not in wanted],
        [account for pair, account in named.items() if pair not in there],
        [
            (there[pair], new)
            for pair, account in named.items()
            if pair in there and (new := _new(there[pair], account))
        ],
    )
    return found if any(found) else None


def verified_at(person: Person) -> datetime | None:
    """Return the time when the e-mail of a new user was verified, or None if the e-mail is not verified."""
    return (
        person.emailVerified if isinstance(person.emailVerified, datetime) else now() if person.emailVerified else None
    )


def stored(account: Mapping[str, Any]) -> Document:
    """Return the fields of a linked sign-in, with the types that MongoDB stores."""
    return {field: Int64(value) if field == "expires_at" else value for field, value in account.items()}


def status_of(person: Person) -> str:
    """Return the status of a new user: the status in the row, or a default if the row has no status."""
    default = UserStatus.EMAIL_VERIFIED if person.emailVerified else UserStatus.ACTIVE
    return person.status or default.value


def _verification(person: Person, user: Document) -> Document:
    """Return the changed fields of a user if the row says whether the e-mail is verified."""
    if person.emailVerified is None:
        return {}
    from actions.users.status import unverified, verified  # exports use this module without this import

    if person.emailVerified:
        since = user.get("emailVerified") if person.emailVerified is True else None
        values = {**verified(user), "emailVerified": since or verified_at(person)}
    else:
        values = unverified(user) if user.get("emailVerified") else {}
    return values | ({} if person.status is None else {"status": person.status})


def _new(document: Document, values: Document) -> Document:
    return {field: value for field, value in values.items() if not same(document.get(field, ABSENT), value)}
