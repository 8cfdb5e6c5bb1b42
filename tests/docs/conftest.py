"""The example data of the documentation, and a session that types the commands of a page."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import office
import pytest
from people import Documents
from session import Session

from changes import events
from tests.cli.conftest import PROGRAM, Terminal, environment, preloaded, terminal
from tests.conftest import Chatctl

__all__ = ["environment", "preloaded", "terminal"]

SAMPLES: Final = Path(__file__).parents[1] / "imports/products/samples"
"""The folder with exported files of other products. The page about moving in imports these files."""
STAND_INS: Final = {
    "pass": "echo '7 kettles on the quiet pier'",
    "fortune": "echo 'Hello.'",
    "jq": "cat",
    "gh": 'echo "$@" && cat plan.md',
    "sudo": 'export LOGNAME="$2" && shift 2 && exec "$@"',
    "pipx": 'test "$1" = install && test -f "${2%%[*}/pyproject.toml"',
}
"""Program that the examples of the documentation use → a shell script that replaces it.

The real program may not be installed on the machine that runs the tests.
"""


@pytest.fixture
def settled(chatctl: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch) -> Documents:
    """Insert the example data. The user and the host name are always `grace` and `office`."""
    monkeypatch.setenv("LOGNAME", "grace")
    monkeypatch.setattr(socket, "gethostname", lambda: "office")
    # the user is grace only in this process: `sudo` in an example starts a new process, which has another user
    monkeypatch.setattr(events, "system_user", lambda: "grace")
    office.settle(chatctl, database)
    return database


@pytest.fixture
def shell(
    settled: Documents, environment: dict[str, str], workspace: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Return the environment of a shell that finds chatctl and the scripts of `STAND_INS`."""
    shutil.copytree(SAMPLES, workspace, dirs_exist_ok=True)
    tools = workspace / ".tools"
    tools.mkdir()
    for name, does in STAND_INS.items():
        (tools / name).write_text(f"#!/bin/sh\n{does}\n")
        (tools / name).chmod(0o755)
    path = os.pathsep.join([str(tools), str(PROGRAM.parent), environment["PATH"]])
    folders = {"CHATCTL_LOCAL_DIR": workspace / ".local", "XDG_CONFIG_HOME": workspace / ".config"}
    ours = {name: str(folder) for name, folder in folders.items()} | {"LOGNAME": "grace", "STAGING_URL": url}
    for variable, value in ours.items():
        monkeypatch.setenv(variable, value)
    return {**environment, **ours, "PATH": path, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1"}


@pytest.fixture
def session(
    chatctl: Chatctl, terminal: Terminal, shell: dict[str, str], settled: Documents, name: str
) -> Iterator[Session]:
    """Yield a session with the example data, in which the commands of a page can be typed."""
    chatctl("db", "indexes", "--apply", "--yes")
    settled["chatctl_audit"].delete_many({"_id": {"$ne": office.EVENT}})
    known = {str(document["_id"]) for place in settled.list_collection_names() for document in settled[place].find()}
    host = shell["STAGING_URL"].partition("://")[2].partition("/")[0].rpartition("@")[2]
    people = {f"{who}@{os.uname().nodename}": f"{who}@office" for who in ("grace", "kay")}
    shown = {name: "chat", host: "localhost:27017", **people}
    yield Session(chatctl, terminal, shell, known, shown)
    chatctl("--local", "db", "stop")
