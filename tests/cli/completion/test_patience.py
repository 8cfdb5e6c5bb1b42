"""Completion never waits long, never reports an error, and starts no process that keeps running."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pymongo.database import Database

from actions import completion
from database import connection
from tests.cli.completion.conftest import Complete
from tests.cli.conftest import PROGRAM
from tests.conftest import Chatctl
from tests.embedded import is_serving, kill, server_pid

Documents = Database[dict[str, Any]]
LINE = "chatctl roles show "
HANGING = """
import socket, sys, time
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
from cli.app import main
sys.argv = ["chatctl", "completion", "zsh", "--line"]
main()
"""


class Silent:
    """A server that accepts connections and never answers."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"mongodb://127.0.0.1:{self.listening.getsockname()[1]}/shop"
        self.taken: list[socket.socket] = []
        Thread(target=self.take, daemon=True).start()

    def take(self) -> None:
        try:
            while True:
                self.taken.append(self.listening.accept()[0])
        except OSError:  # the test has ended
            return

    def close(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        for one in (self.listening, *self.taken):
            one.close()


@pytest.fixture
def silent() -> Iterator[str]:
    server = Silent()
    yield server.url
    server.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an environment with a folder for the embedded database. After the test, stop its server."""
    folder = tmp_path / "embedded"
    monkeypatch.setenv("CHATCTL_LOCAL_DIR", str(folder))
    yield folder
    connection.choose()
    if folder.exists():
        kill(folder)


def ask(line: str, environment: dict[str, str], *program: str) -> tuple[bytes, float]:
    """Complete a line in a new process. Return the output, and the seconds minus the seconds that `--version` takes."""
    began = time.monotonic()
    subprocess.run([PROGRAM, "--version"], env=environment, check=True, capture_output=True)  # noqa: S603
    started = time.monotonic()
    command = program or (PROGRAM, "completion", "zsh", "--line")
    done = subprocess.run(command, input=line.encode(), env=environment, check=True, capture_output=True)  # noqa: S603
    assert done.stderr == b""
    return done.stdout, time.monotonic() - started - (started - began)


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://127.0.0.1:1/shop",
        "mongodb://10.255.255.1/shop",
        "mongodb://nowhere.invalid/shop",
        "mongodb+srv://nowhere.invalid/shop",
        "mongodb://127.0.0.1:1/",
        "nonsense",
        "",
    ],
)
def test_completion_does_not_wait_for_a_missing_server(environment: dict[str, str], url: str) -> None:
    shown, seconds = ask(LINE, {**environment, "MONGODB_DATABASE_URL": url})
    assert shown == b""
    assert seconds < completion.SECONDS + 1.5


def test_completion_does_not_wait_for_a_silent_server(environment: dict[str, str], silent: str) -> None:
    shown, seconds = ask(LINE, {**environment, "MONGODB_DATABASE_URL": silent})
    assert shown == b""
    assert seconds < completion.SECONDS + 1.5


def test_completion_does_not_wait_for_a_host_that_is_never_resolved(environment: dict[str, str]) -> None:
    hanging = {**environment, "MONGODB_DATABASE_URL": "mongodb://slow.example/shop"}
    shown, seconds = ask(LINE, hanging, str(PROGRAM.with_name("python")), "-c", HANGING)
    assert shown == b""
    assert seconds < completion.SECONDS + 1.5


def test_completion_does_not_wait_for_an_endless_file(environment: dict[str, str], workspace: Path) -> None:
    os.mkfifo(workspace / "pipe")
    del environment["MONGODB_DATABASE_URL"]
    shown, seconds = ask(LINE, {**environment, "MONGODB_DATABASE_URL_FILE": "pipe"})
    assert shown == b""
    assert seconds < completion.SECONDS_TO_LOAD + completion.SECONDS + 1.5


def test_completion_stops_asking_a_slow_server(
    complete: Complete, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "SECONDS", 0.2)
    database["Role"].insert_one({"name": "support"})
    fail = {"failCommands": ["find"], "blockConnection": True, "blockTimeMS": 1_000}
    database.client.admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=fail)
    began = time.monotonic()
    assert complete(LINE) == []
    assert time.monotonic() - began < 1
    database.client.admin.command("configureFailPoint", "failCommand", mode="off")


def test_without_a_database_no_names_are_completed(environment: dict[str, str], workspace: Path) -> None:
    del environment["MONGODB_DATABASE_URL"]
    (workspace / ".env").write_text("MONGODB_DATABASE_URL=mongodb://127.0.0.1:1/shop")
    assert ask(LINE, environment)[0] == b""


@pytest.mark.parametrize("line", [b"\xff\xfe", b"chatctl \xff", b"chatctl users show \x00", b"'" * 10_000])
def test_an_invalid_line_completes_nothing(environment: dict[str, str], line: bytes) -> None:
    command = (PROGRAM, "completion", "bash", "--line")
    done = subprocess.run(command, input=line, env=environment, check=True, capture_output=True)  # noqa: S603
    assert (done.stdout, done.stderr) == (b"", b"")


def test_an_embedded_server_that_does_not_run_is_not_started(complete: Complete, folder: Path) -> None:
    assert complete("chatctl --local roles show ") == []
    assert not folder.exists()


def test_names_come_from_a_running_embedded_server_which_is_not_kept_running(
    complete: Complete, chatctl: Chatctl, folder: Path
) -> None:
    chatctl("--local", "roles", "create", "support")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()}
    assert complete("chatctl --local roles show ") == ["support"]
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.is_file()} == before
    pid = server_pid(folder)
    kill(folder)
    assert complete("chatctl --local roles show ") == []
    assert not is_serving(pid)


def test_completing_writes_no_file(complete: Complete, workspace: Path) -> None:
    complete(LINE)
    complete("chatctl --context pro")
    assert list(workspace.iterdir()) == []
