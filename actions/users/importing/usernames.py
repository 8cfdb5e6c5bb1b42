"""Make usernames for people of an import who have no username, from their e-mail address or name."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from actions import queries
from actions.users.importing.person import Person
from actions.users.importing.staging import StagingDatabase
from models.names import LONGEST, user_flaw

SOURCES: Final = ("email", "name")
RULES: Final = {
    "email": "usernames are made from the part of the e-mail before the @, with -2, -3, … if the username exists",
    "name": "usernames are made from the name in lower case, with . for spaces, and -2, -3, … if the username exists",
}
AT_ONCE: Final = 100
"""The number of usernames with the same beginning (`ada-2`, `ada-3`, …) that one query looks up."""


class Usernames:
    """Makes usernames that exist neither in MongoDB nor in the imported file."""

    def __init__(self, staging: StagingDatabase, source: str) -> None:
        self._staging = staging
        self._source = source
        self._last: dict[str, int] = {}
        self._taken: set[str] = set()

    def give(self, people: Iterable[Person]) -> dict[int, str]:
        """Make and store a username for each person. Return row number → username."""
        bases = {person.row: self._base(person) for person in people}
        self._taken = self._on_disk(bases.values())
        names = {row: self._free(base) for row, base in bases.items()}
        self._staging.set_usernames(names)
        return names

    def _base(self, person: Person) -> str:
        """Return a valid username for a person, without a number at the end.

        Another user may already have this username. In this case, a number is added.
        """
        part = person.email.partition("@")[0]
        base = (self._source == "name" and _typed(person.name or "")) or _typed(part)
        return base if base and not user_flaw("username", base) else f"user-{base}".rstrip("-")

    def _free(self, base: str) -> str:
        number = self._last.get(base, 0)
        while True:
            number += 1
            if number % AT_ONCE == 2:  # noqa: PLR2004 - the first number of a suffix
                self._taken |= self._on_disk(_numbered(base, number + n) for n in range(AT_ONCE))
            name = _numbered(base, number)
            if name not in self._taken and not self._staging.has("username", name):
                self._last[base] = number
                self._taken.add(name)
                return name

    def _on_disk(self, names: Iterable[str]) -> set[str]:
        found = queries.find_by_values("User", "username", set(names), ["username"])
        return {user["username"] for user in found if isinstance(user["username"], str)}


def _typed(text: str) -> str:
    """Return a text in lower case. Characters that are not valid in a username are replaced by dots."""
    seen = "".join(one for one in text if unicodedata.category(one)[0] not in "CZ" or one == " ")
    return re.sub(r"[\s@:]+", ".", seen.casefold())[: LONGEST - len("-1000000")].strip(".-")


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"
