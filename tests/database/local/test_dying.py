"""The embedded server is killed, or stopped and then killed, while commands in other processes use it."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pytest
from embedded import eventually, kill, server_pid, use
from people import conversation, messages, person

from database import connection
from tests.cli.conftest import PROGRAM

MANY = 5_000
"""The number of messages: so many that a command fills its pipe before it has read the last message."""
SOON = 60
"""The seconds in which a command must end, also on a busy machine."""
SAID = "error: the embedded server stopped while the command ran\n"

Start = Callable[..., "subprocess.Popen[str]"]
Die = Callable[..., None]


def killed(server: int, then: Callable[[], object] = lambda: None) -> None:
    os.kill(server, signal.SIGKILL)
    then()


def stopped_and_killed(server: int, then: Callable[[], object] = lambda: None) -> None:
    os.kill(server, signal.SIGSTOP)
    then()
    time.sleep(2)
    with suppress(ProcessLookupError):
        os.kill(server, signal.SIGKILL)


dying = pytest.mark.parametrize("die", [killed, stopped_and_killed])


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Return a function that starts commands on the embedded database.

    After the test, their process groups are killed.
    """
    begun: list[subprocess.Popen[str]] = []

    def run(*args: str, **streams: IO[str] | int) -> "subprocess.Popen[str]":
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE) | streams
        command = [PROGRAM, "--local", *args]
        plain = os.environ | {"NO_COLOR": "1"}
        begun.append(subprocess.Popen(command, text=True, start_new_session=True, env=plain, **pipes))  # type: ignore[call-overload] # noqa: S603
        return begun[-1]

    database = use()
    ada = person(database, "ada")
    messages(database, conversation(database, ada, person(database, "bob"), name="Lunch"), ada, *["x" * 200] * MANY)
    connection.close()
    yield run
    for process in begun:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    kill(folder)


@dying
def test_a_list_ends_with_a_hint_if_the_server_is_killed(folder: Path, start: Start, die: Die) -> None:
    listing = start("messages", "list", "-o", "ndjson")
    assert listing.stdout
    assert listing.stdout.readline().startswith("{")  # nobody reads the rest of the output yet
    die(server_pid(folder))
    _, said = listing.communicate(timeout=SOON)
    assert listing.returncode == 6
    assert said.startswith(SAID + "hint: run the command again to restart the server")


@dying
def test_a_write_in_one_transaction_saves_nothing_if_the_server_is_killed(folder: Path, start: Start, die: Die) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as screen, os.fdopen(ours, "rb", buffering=0) as read:
        writing = start("users", "suspend", "ada", stdin=screen, stdout=screen, stderr=screen)
        seen = b""
        while not seen.endswith(b"[y/N] "):
            seen += read.read(1024)
        die(server_pid(folder), lambda: os.write(ours, b"y\n"))
        eventually(lambda: writing.poll() is not None, SOON)
        seen += read.read(4096)
    assert writing.returncode == 6
    assert SAID.strip() in seen.decode()
    assert use()["User"].count_documents({"status": "SUSPENDED"}) == 0


@dying
def test_a_write_in_batches_keeps_its_written_batches_if_the_server_is_killed(
    folder: Path, start: Start, die: Die
) -> None:
    database = use()
    purging = start("messages", "purge", "--before", "2026-02-01", "--yes")
    eventually(lambda: database["chatctl_audit"].count_documents({"kind": "part"}) > 0, SOON)
    die(server_pid(folder))
    _, said = purging.communicate(timeout=SOON)
    assert purging.returncode == 6
    assert SAID in said
    database = use()
    left = database["Message"].count_documents({})
    assert 0 < left < MANY
    assert left == len((database["User"].find_one({"username": "ada"}) or {})["seenMessageIds"])


@dying
def test_messages_tail_ends_and_starts_no_other_server(folder: Path, start: Start, die: Die) -> None:
    tail = start("messages", "tail")
    database = use()
    ada, lunch = (database[name].find_one({}, ["_id"])["_id"] for name in ("User", "Conversation"))  # type: ignore[index]
    read = os.fdopen(tail.stdout.fileno(), "rb", buffering=0, closefd=False)  # type: ignore[union-attr]
    os.set_blocking(read.fileno(), False)
    while not read.read(1024):
        messages(database, lunch, ada, "are you there?")
        time.sleep(0.2)
    connection.close()
    die(server_pid(folder))
    _, said = tail.communicate(timeout=SOON)
    assert tail.returncode == 6
    assert SAID + "hint: run the command again to restart the server" in said
    assert not server_pid(folder)
