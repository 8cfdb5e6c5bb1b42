"""Example messages, and a process that runs `chatctl messages tail` while a test writes messages."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, Queue
from typing import Any

import pytest
import talk
from people import Documents, conversation, messages, person

from tests.cli.conftest import PROGRAM
from tests.conftest import Chatctl

PATIENCE = 30


@pytest.fixture
def talking(either: Chatctl, database: Documents) -> Chatctl:
    """Insert four users who write to each other."""
    talk.settle(database)
    return either


class Tail:
    """A process that runs `messages tail`. `line` waits for the next line of its output."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        command = [PROGRAM, "messages", "tail", *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)  # noqa: S603
        self._lines = {name: _read(getattr(self.process, name)) for name in ("stdout", "stderr")}

    def line(self, stream: str = "stdout", patience: float = PATIENCE) -> str:
        return self._lines[stream].get(timeout=patience)

    def event(self) -> dict[str, Any]:
        return json.loads(self.line())

    def rest(self, stream: str = "stdout") -> list[str]:
        return list(iter(self._lines[stream].get_nowait, "")) if not self._lines[stream].empty() else []

    def end(self, number: int = signal.SIGINT) -> tuple[int, list[str]]:
        """Send a signal to the process.

        Return its exit code, and the rest of its standard output and standard error.
        """
        self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        return code, [line for name in self._lines for line in iter(lambda n=name: self._lines[n].get(timeout=9), "")]

    def seen(self) -> bool:
        """Tell whether the process prints a line within a short time."""
        time.sleep(0.2)
        return not self._lines["stdout"].empty()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def _read(stream: Any) -> "Queue[str]":
    lines: Queue[str] = Queue()

    def read() -> None:
        for line in stream:
            lines.put(line.rstrip("\n"))
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    return lines


Following = Callable[..., Tail]


@pytest.fixture
def lunch(database: Documents) -> dict[str, Any]:
    """Insert two users with a group and a one-to-one conversation, and two messages in the group."""
    ada, bob = person(database, "ada"), person(database, "bob")
    group, direct = conversation(database, ada, bob, name="Lunch"), conversation(database, ada, bob)
    old = messages(database, group, ada, "old", "older")
    return {"ada": ada, "bob": bob, "group": group, "direct": direct, "old": old}


@pytest.fixture
def following(environment: dict[str, str], database: Documents, lunch: dict[str, Any]) -> Iterator[Following]:
    """Start `messages tail`. Return after it has printed the first message."""
    begun: list[Tail] = []

    def follow(*arguments: str, env: dict[str, str] | None = None, into: Documents = database) -> Tail:
        tail = Tail(arguments, environment | (env or {}))
        begun.append(tail)
        deadline = time.monotonic() + PATIENCE
        sent = 0
        while time.monotonic() < deadline:
            messages(into, lunch["group"], lunch["ada"], "are you there?")
            sent += 1
            try:
                tail.line(patience=0.5)
            except Empty:
                continue
            messages(into, lunch["group"], lunch["ada"], "begin")
            while "begin" not in tail.line():
                pass
            return tail
        raise TimeoutError(tail.rest("stderr"))

    yield follow
    for tail in begun:
        tail.close()
