"""Run chatctl in a separate process: in a pipe, or on a terminal with typed answers."""

import fcntl
import json
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

PROGRAM = Path(sys.executable).with_name("chatctl")
INTERRUPT = b"\x03"

Terminal = Callable[..., "Screen"]
Process = Callable[..., subprocess.CompletedProcess[bytes]]


class Screen(NamedTuple):
    """The result of a command on a terminal: the shown text, the exit code, and whether typed letters are visible."""

    text: str
    code: int
    echo: bool

    @property
    def lines(self) -> list[str]:
        """Return the lines without invisible codes for colours, for the cursor, and for the direction of text."""
        return re.sub("\x1b\\[[0-9;]*[a-zA-Z]|[\u2066-\u2069]", "", self.text).splitlines()


@pytest.fixture
def environment(workspace: Path, url: str) -> dict[str, str]:
    """Return the environment for a process that uses the database of the test, in an empty folder."""
    names = ("PATH", "HOME", "XDG_CONFIG_HOME", "LANG", "LC_ALL", "COVERAGE_PROCESS_START")
    kept = {name: value for name in names if (value := os.environ.get(name))}
    return {
        **kept,
        "MONGODB_DATABASE_URL": url,
        "PWD": str(workspace),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "TZ": "UTC",
        "PAGER": "",
    }


@pytest.fixture
def process(environment: dict[str, str]) -> Process:
    """Return a function that runs chatctl in a shell. `line` is the rest of the shell command, after the arguments."""

    def run(
        *args: str, line: str = "", env: dict[str, str] | None = None, given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        command = ["bash", "-c", f'set -o pipefail; "$0" "$@" {line}', PROGRAM, *args]
        return subprocess.run(command, input=given, capture_output=True, env=environment | (env or {}), check=False)  # noqa: S603

    return run


@pytest.fixture(scope="session")
def preloaded() -> Iterator[socket.socket]:
    """Start one process that has loaded chatctl. Each command on a terminal runs in a fork of this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, Path(__file__).with_name("preloaded.py")]
    environment = os.environ | {"LANG": "C.UTF-8"}
    with (
        ours,
        subprocess.Popen(  # noqa: S603
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        ),
    ):
        theirs.close()
        yield ours
        ours.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def terminal(environment: dict[str, str], preloaded: socket.socket) -> Terminal:
    """Return a function that runs chatctl on a terminal. `typed` answers [y/N]; `answers` maps questions to answers."""

    def run(
        *args: object,
        typed: str = "",
        answers: dict[str, str] | None = None,
        keys: Sequence[tuple[str, str]] = (),
        columns: int = 80,
        env: dict[str, str] | None = None,
    ) -> Screen:
        replies = {"[y/N] ": typed, **(answers or {})}
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        line = [str(PROGRAM), *map(str, args)]
        request = json.dumps([line, environment | (env or {}), str(Path.cwd())])
        socket.send_fds(preloaded, [request.encode()], [theirs])
        os.close(theirs)
        seen = given = unanswered = b""
        answered = 0
        left = [*keys]
        # The terminal itself prints ^C. If the program has printed more, it has received the Ctrl-C.
        while part := _read(ours, insisting=given == INTERRUPT and not seen[answered:].replace(b"^C", b"")):
            seen += part
            unanswered += part
            while left and left[0][0].encode() in unanswered:
                unanswered = unanswered.partition(left[0][0].encode())[2]
                os.write(ours, left.pop(0)[1].encode())
            for question, answer in replies.items():
                if seen.endswith(question.encode()):
                    given, answered = answer.encode(), len(seen)
                    os.write(ours, given)
        echo = bool(termios.tcgetattr(ours)[3] & termios.ECHO)
        os.close(ours)
        text = re.sub(r"(\^C)+", "^C", seen.decode())  # a slow program gets Ctrl-C twice
        return Screen(text.replace("\r\n", "\n"), int(preloaded.recv(16)), echo)

    return run


def _read(descriptor: int, *, insisting: bool) -> bytes:
    """Read the next output. If none follows, send Ctrl-C again, because the program may not have received the first."""
    try:
        while insisting and not select.select([descriptor], [], [], 5)[0]:
            os.write(descriptor, INTERRUPT)
        return os.read(descriptor, 65536)
    except OSError:  # the program has closed its side of the terminal
        return b""
