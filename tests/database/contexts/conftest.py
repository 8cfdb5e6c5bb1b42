"""A configuration file with contexts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from database import connection

SECRET = "hunter2"
FILE = """\
# my databases
current = "live" # for now

# the old one
[contexts.old]
# from before the move
url = "mongodb://h/old"
# behind everybody's back

[contexts.live]
url-env = "LIVE" # set by direnv
read-only = true

# the last
[contexts.last]
url-file = "last.txt"
"""


@pytest.fixture(autouse=True)
def _fresh(workspace: Path) -> Iterator[None]:
    connection.choose()
    yield
    connection.choose()


@pytest.fixture
def file(workspace: Path) -> Path:
    """Return the path of the configuration file, in an existing folder."""
    folder = workspace / ".config" / "chatctl"
    folder.mkdir(0o700, parents=True)
    return folder / "config.toml"


def put(file: Path, text: str | bytes) -> None:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(0o600)
