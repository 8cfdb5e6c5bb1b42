"""A folder for an embedded database that only one test uses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from embedded import kill

from database import connection


@pytest.fixture
def folder(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = workspace / "embedded"
    monkeypatch.setenv("CHATCTL_LOCAL_DIR", str(folder))
    monkeypatch.setattr(connection, "MILLISECONDS_TO_FIND_A_SERVER", 500)
    connection.choose(local=True)
    yield folder
    connection.choose()
    if folder.is_dir():
        kill(folder)
