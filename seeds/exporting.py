"""The database's roles and permissions as a seed."""

from typing import NamedTuple


class Export(NamedTuple):
    """The text of a seed file, and what could not be said in it (for stderr)."""

    text: str
    notes: list[str]


def export() -> Export:
    """Write down every role and permission; applying the result changes nothing."""
    raise NotImplementedError
