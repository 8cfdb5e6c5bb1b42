"""A seed and the database → what would change."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from models.changes import Changeset
from seeds.seed import Seed


class Options(NamedTuple):
    """What a person allows beyond the seed: `prune` deletes, also roles with members, `adopt` hands out protected roles."""

    prune: bool = False
    allow_members: bool = False
    adopt: bool = False


@dataclass(frozen=True)
class Plan:
    """What apply would do; `changeset` does it (it asks where something is taken away)."""

    seed: Seed
    options: Options
    changeset: Changeset

    @property
    def differs(self) -> bool:
        """Whether there is anything to do: what `plan --exit-code` asks."""
        raise NotImplementedError

    def lines(self) -> Iterator[str]:
        """The plan for a person: `+`, `~`, `-` lines, below each whom it touches, a sum at the end; always a line."""
        raise NotImplementedError

    def document(self) -> dict[str, Any]:
        """The plan for a program: `{"changes": [{action, kind, name, before, after, affected}]}`, plain values only."""
        raise NotImplementedError


def plan(seed: Seed, options: Options = Options()) -> Plan:
    """Compare a seed with the database, in a fixed number of reads, and write nothing.

    Raises `InvalidInputError` (a variable of the environment), `ConflictError`, `RefusedError`,
    and `UsageError` for the shipped seed on a database that has other roles.
    """
    raise NotImplementedError
