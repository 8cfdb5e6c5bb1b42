"""Complete command lines: by a call of chatctl in this process, and with the Tab key in real shells on a terminal."""

import fcntl
import os
import pty
import select
import shutil
import struct
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actions import completion
from tests.cli.conftest import PROGRAM
from tests.conftest import Chatctl

Complete = Callable[..., list[str]]
Start = Callable[..., "Shell"]

HOSTILE = (
    "ad$(touch pwned)",
    "ad`touch pwned`",
    "ad;touch pwned",
    "ad\ntouch pwned",
    "ad'",
    'ad"',
    "ad\\",
    "ad mirer",
    "ad*",
    "ad~",
    "ad\tmirer",
    "ad\x1b]0;pwned\x07",
    "ad\x1b[31mred",
    "ad\u202everse",
    "adé",
    "ad{a,b}",
    "ad=(pwned)",
    "ad" + "a" * 63,
    "$(touch pwned)",
    "`touch pwned`",
    "~root",
    "*",
    "!!",
    "-rf",
    "--",
    "-",
    ":files",
    "",
)
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(chatctl completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit && compinit -u -D && eval "$(chatctl completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "chatctl completion fish | source"),
}
TELL = """#!/bin/sh
printf '%s\\0' "$@" >told.new
mv told.new told
"""


@pytest.fixture
def complete(chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """Complete a line with chatctl. The time limit is longer than in a real shell, because the machine may be busy."""
    monkeypatch.setattr(completion, "SECONDS", 20)
    monkeypatch.setattr(completion, "SECONDS_TO_LOAD", 20)

    def ask(line: str, shell: str = "zsh") -> list[str]:
        answer = chatctl("completion", shell, "--line", input=line)
        assert answer.stderr == ""
        return answer.stdout.splitlines()

    return ask


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, environment: dict[str, str], workspace: Path) -> Iterator["Shell"]:
    """Start a real shell that completes command lines of chatctl, in an empty folder."""
    name = request.param
    assert shutil.which(name), f"install the package {name}"
    programs = workspace / "programs"
    programs.mkdir()
    (programs / "chatctl").symlink_to(PROGRAM)
    (programs / "tell").write_text(TELL)
    (programs / "tell").chmod(0o755)
    path = f"{programs}:{environment['PATH']}"
    started = Shell(name, {**environment, "PATH": path, "HOME": str(workspace), "TERM": "xterm", "PS1": "$ "})
    yield started
    started.close()


class Shell:
    """A real shell on a terminal. Tests type command lines in this shell."""

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        command, setup = SHELLS[name]
        pid, self.terminal = pty.fork()
        if pid == 0:
            os.execvpe(command[0], command, environment)  # noqa: S606
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.pid = pid
        self.screen = ""
        assert self.enter(f"{setup}; tell ready") == ["ready"]

    def complete(self, line: str, keys: str = "\t") -> list[str]:
        """Type a line and press Tab. Return the words of the completed line."""
        return self.enter(f"{line}{keys}\x01tell \x05")

    def enter(self, line: str) -> list[str]:
        """Type a line that prints its words, and press Enter."""
        told = Path("told")
        told.unlink(missing_ok=True)
        self.screen = ""
        os.write(self.terminal, f"{line}\r".encode())
        deadline = time.monotonic() + 30
        while not told.exists():
            assert time.monotonic() < deadline, self.screen
            if select.select([self.terminal], [], [], 0.05)[0]:
                self.screen += os.read(self.terminal, 65536).decode(errors="replace")
        return told.read_text().split("\0")[:-1]

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)
