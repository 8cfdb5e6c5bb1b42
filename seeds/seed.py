"""A seed, checked and resolved: what should exist, and where a file says so."""

from dataclasses import dataclass, field
from typing import Final

from seeds.nodes import Node

UNNAMED: Final = "default"
"""The name of a seed that gives itself none."""

SHIPPED: Final = "chatctl"
"""The name of the seed that ships: nobody gets it by naming none, so its roles are never taken for another's."""


@dataclass(frozen=True, slots=True)
class SeedRole:
    name: str
    permissions: frozenset[str] | None
    """With what it takes over from others; `None` where the seed does not manage them."""
    protected: bool | None
    """`None` where the seed does not say."""
    renamed_from: str | None
    at: Node


@dataclass(frozen=True, slots=True)
class SeedUser:
    """Its texts may still hold variables; the nodes are where they stand."""

    email: Node
    username: Node
    name: Node | None
    password: Node | None
    """Names the variable that holds it."""
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeedTest:
    role: str
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    at: Node


@dataclass(frozen=True, slots=True)
class Seed:
    """What a seed asks for, in the order in which it does."""

    name: str
    permissions: tuple[str, ...]
    roles: tuple[SeedRole, ...]
    users: tuple[SeedUser, ...] = ()
    tests: tuple[SeedTest, ...] = ()
    shipped: bool = field(default=False, kw_only=True)
