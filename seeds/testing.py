"""The tests that a seed brings along."""

from typing import NamedTuple

from seeds.seed import Seed


class Assertion(NamedTuple):
    """One line of a test and how it went; `place` is file:line:column, `message` says what is so when it failed."""

    role: str
    expected: str  # "can" or "cannot"
    permission: str
    passed: bool
    place: str
    message: str | None = None


def run(seed: Seed, *, live: bool = False) -> list[Assertion]:
    """Hold a seed's tests against the seed itself, or against the database; the caller exits 1 when one failed."""
    raise NotImplementedError
