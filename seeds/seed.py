"""A seed, checked and resolved: what should exist, and where the file says so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seed:
    name: str
    shipped: bool = False
