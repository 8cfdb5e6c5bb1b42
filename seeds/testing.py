"""Run the tests of a seed."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from database.wording import shown
from seeds.seed import Seed, SeedTest


class Assertion(NamedTuple):
    """One check of a test and its result; `place` is file:line:column, `message` says why it failed."""

    role: str
    expected: str
    """`can` or `cannot`"""
    permission: str
    passed: bool
    place: str
    message: str | None = None


def run(seed: Seed, *, live: bool = False) -> list[Assertion]:
    """Run the tests against the seed, or with `live` against the database."""
    roles: Mapping[str, frozenset[str] | None]
    if live:
        from seeds.state import permissions_by_role  # a seed is tested without a database, and without its driver

        roles = permissions_by_role({test.role for test in seed.tests})
    else:
        roles = {role.name: role.permissions for role in seed.roles}
    return [assertion for test in seed.tests for assertion in _assertions(test, roles)]


def _assertions(test: SeedTest, roles: Mapping[str, frozenset[str] | None]) -> Iterator[Assertion]:
    allowed = roles.get(test.role)
    for expected, names in (("can", test.can), ("cannot", test.cannot)):
        for name in names:
            if test.role not in roles:
                message: str | None = f"there is no role {shown(test.role)}"
            elif allowed is None:
                message = f"the seed does not say what {shown(test.role)} can do"
            elif (name in allowed) == (expected == "can"):
                message = None
            else:
                message = f"{shown(test.role)} {'can' if name in allowed else 'cannot'} {name}; expected: {expected}"
            yield Assertion(test.role, expected, name, message is None, test.at.place, message)
