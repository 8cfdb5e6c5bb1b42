"""One person of an import."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from actions.users.documents import PROFILE


class Policy(StrEnum):
    """What becomes of a person who is there already."""

    FAIL = "fail"
    SKIP = "skip"
    UPDATE = "update"


OAUTH: Final = "oauth"
"""The type of a linked sign-in without a type."""


class Person(NamedTuple):
    """What a row says of a person, checked; None where it says nothing.

    `emailVerified` is a time, true for an unknown time, or false. Each of the `accounts` has a `provider`, a
    `providerAccountId` and a `type`, and may have other fields of `documents.ACCOUNT`.
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
        """Return the two fields by which the application finds each linked sign-in."""
        return ((account["provider"], account["providerAccountId"]) for account in self.accounts or ())

    @property
    def profile(self) -> dict[str, str]:
        """Return the fields of the profile that the row fills."""
        return {field: value for field in PROFILE if (value := getattr(self, field)) is not None}


FIELDS: Final = Person._fields[1:]
"""The columns of an import, in the order of an export."""
