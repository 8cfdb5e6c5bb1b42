"""Seed files → one checked `Seed`."""

from collections.abc import Sequence
from pathlib import Path

from seeds.seed import Seed


def read(paths: Sequence[Path] = ()) -> Seed:
    """Read, merge, check and resolve seed files and folders; without any, the seed that ships.

    Raises `InvalidInputError` with every fault of every file, and `NotFoundError` for a path that does not exist.
    Needs no database and no environment.
    """
    raise NotImplementedError
