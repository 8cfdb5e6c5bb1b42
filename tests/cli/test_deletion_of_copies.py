"""`context remove --with-database` deletes a database that `db copy --local-as` has made."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded import is_serving, kill, server_pid
from people import Documents, person

from database import contexts
from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

REMOVE = ("context", "remove", "play", "--with-database")


@pytest.fixture
def folder(
    chatctl: Chatctl,
    database: Documents,
    workspace: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """Yield the folder of the database `play`, a copy with all personal data. Its server is running."""
    person(database, "kyrielle")
    folder = workspace / "embedded" / "databases" / "play"
    environment["CHATCTL_LOCAL_DIR"] = str(workspace / "embedded")
    monkeypatch.setenv("CHATCTL_LOCAL_DIR", str(workspace / "embedded"))
    chatctl("db", "copy", "--local-as", "play", "--as-is", database.name, "--yes")
    assert server_pid(folder)
    yield folder
    if folder.is_dir():
        kill(folder)


def left(folder: Path) -> list[str]:
    """Return the files that remain of the database."""
    return [str(path) for path in folder.parent.parent.rglob("*") if path.is_file()]


def names(chatctl: Chatctl) -> list[str]:
    return [row["name"] for row in json.loads(chatctl("context", "list", "-o", "json").stdout)]


def test_a_copy_is_deleted_with_its_context_and_all_its_files(
    folder: Path, chatctl: Chatctl, process: Process, terminal: Terminal
) -> None:
    pid = server_pid(folder)
    refused = process(*REMOVE)
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (7, b"error: Not changed: confirmation is required.")
    for answer, code in (("n\n", 7), ("\x03", 130)):
        assert terminal(*REMOVE, typed=answer).code == code
    assert chatctl("--context", "play", "users", "list", "--count").stdout == "1\n"
    said = terminal(*REMOVE, typed="y\n")
    assert "Delete context play and its database? [y/N] y" in said.lines
    assert said.code == 0
    assert "its database and all files of the database were deleted" in said.lines
    assert left(folder) == []
    assert not is_serving(pid)
    assert names(chatctl) == []


def test_the_other_embedded_databases_stay(folder: Path, chatctl: Chatctl) -> None:
    chatctl("--local", "roles", "create", "support", "--yes")
    chatctl("db", "copy", "--local-as", "other", "--yes")
    removed = json.loads(chatctl(*REMOVE, "--yes", "-o", "json").stdout)
    assert removed["results"] == [{"id": None, "ref": "play", "outcome": "removed"}]
    assert not folder.exists()
    assert chatctl("--local", "roles", "list", "--count").stdout == "1\n"
    assert chatctl("--context", "other", "users", "list", "--count").stdout == "1\n"
    assert chatctl("--local", "db", "stop").stdout == "stopped\n"
    assert [server_pid(one) for one in (folder.with_name("other"), folder.parent.parent)] == [0, 0]


@pytest.mark.parametrize("moment", ["before the files are deleted", "before the context is removed"])
def test_an_interrupted_deletion_is_finished_by_the_next_one(
    folder: Path, chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*((shutil, "rmtree", stop) if "files" in moment else (contexts, "remove", stop)))
        chatctl(*REMOVE, "--yes", code=130)
    assert not folder.exists()
    assert bool(left(folder)) == ("files" in moment)
    chatctl(*REMOVE, "--yes")
    assert left(folder) == []
    assert names(chatctl) == []


@pytest.mark.parametrize(
    ("context", "code", "said"),
    [
        ("play -y", 2, "--yes requires --with-database"),
        ("nowhere --with-database", 3, 'no context "nowhere"'),
        ("far --with-database", 7, "the database of context far is not on the embedded server"),
        ("main --with-database", 7, "the database of context main is the database of --local"),
        ("guarded --with-database", 7, "context guarded is read-only"),
        ("outside --with-database", 6, '"../play" cannot be the name of a database'),
        ("twin --with-database", 7, "context play uses the same database"),
    ],
)
def test_a_deletion_of_another_database_is_refused(
    folder: Path, chatctl: Chatctl, *, context: str, code: int, said: str
) -> None:
    file = folder.parents[2] / ".config" / "chatctl" / "config.toml"
    more = """
[contexts.far]
url = "mongodb://h/far"
[contexts.main]
local = "chatctl"
[contexts.guarded]
local = "guarded"
read-only = true
[contexts.outside]
local = "../play"
[contexts.twin]
local = "PLAY"
"""
    file.write_text(file.read_text() + more)
    assert f"error: {said}" in chatctl("context", "remove", *context.split(), code=code).stderr
    assert server_pid(folder)
    assert len(names(chatctl)) == 6


def test_a_protected_copy_and_one_with_a_legal_hold_are_not_deleted(folder: Path, chatctl: Chatctl) -> None:
    play = ("--context", "play")
    chatctl(*play, "holds", "add", "case", "--user", "kyrielle", "--reason", "court", "--yes")
    chatctl(*play, "db", "protect", "clinic", "--yes")
    said = chatctl(*REMOVE, "--yes", code=7).stderr
    assert 'error: play is protected as "clinic"' in said
    chatctl(*play, "db", "unprotect", "--expect", "clinic")
    assert "error: play has a legal hold" in chatctl(*REMOVE, "--yes", code=7).stderr
    assert chatctl(*play, "users", "list", "--count").stdout == "1\n"
