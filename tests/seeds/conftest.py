"""Seeds written to files, and applied to a database of the test's own."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from pymongo.database import Database

from actions import passwords
from models import connection
from models.changes import Outcome, apply
from models.errors import InvalidInputError
from seeds.planning import Options, plan
from seeds.reading import read
from seeds.seed import Seed

Write = Callable[..., Path]
Apply = Callable[..., Outcome]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a seed to a file and give its path."""

    def written(text: str | bytes, name: str = "seed.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return path

    return written


@pytest.fixture
def faults() -> Callable[..., list[str]]:
    """Read what cannot be read, and say why: `file:line:column message`, each file by its name alone."""

    def said(*paths: Path) -> list[str]:
        with pytest.raises(InvalidInputError) as raised:
            read(paths)
        folder = f"{paths[0].parent}{os.sep}"
        return [
            f"{Path(file).name}:{line}:{column} {message}".replace(folder, "")
            for file, line, column, message in raised.value.faults
        ]

    return said


@pytest.fixture
def seed(write: Write) -> Callable[[str], Seed]:
    return lambda text: read([write("version: 1\n" + dedent(text))])


@pytest.fixture
def here(url: str, database: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Work on a database of the test's own, and give it."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    connection.choose(url)
    yield database
    connection.choose()


@pytest.fixture
def grow(here: Any, seed: Callable[[str], Seed]) -> Apply:
    """Apply a seed given as text."""

    def grown(text: str, **options: bool) -> Outcome:
        return apply(plan(seed(text), Options(**options)).changeset)

    return grown
