"""One person of an import."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from actions.users.documents import PROFILE


class Policy(StrEnum):
    """What becomes of a person who is there already."""

    FAIL = "fail"
    SKIP = "skip"
    UPDATE = "update"


class Person(NamedTuple):
    """What a row says of a person, checked; None where it says nothing.

    `emailVerified` is a time, or true for whoever is verified since whenever.
    """

    row: int
    email: str
    username: str
    name: str | None = None
    password: str | None = None
    hashedPassword: str | None = None  # noqa: N815 - fields have the schema's own names
    status: str | None = None
    emailVerified: datetime | Literal[True] | None = None  # noqa: N815
    roles: tuple[str, ...] | None = None
    phoneNumber: str | None = None  # noqa: N815
    address: str | None = None
    imageUrl: str | None = None  # noqa: N815

    @property
    def profile(self) -> dict[str, str]:
        """Return the fields of the profile that the row fills."""
        return {field: value for field in PROFILE if (value := getattr(self, field)) is not None}


FIELDS: Final = Person._fields[1:]
"""The columns of an import, in the order of an export."""
