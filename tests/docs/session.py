"""Type the commands that a page shows, and compare their output with the page."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

FENCE: Final = re.compile(r"^```([\w-]+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ID: Final = re.compile(r"\b[0-9a-f]{24}\b")
SHELL: Final = re.compile(r"[|<>;&$*]")
QUESTIONS: Final = ("[y/N] ", '" to confirm: ')
PROMPT: Final = "$ "


class Block(NamedTuple):
    """A fenced block of a page: its language, the name of its file (or None), its text, and where the text begins."""

    language: str
    name: str | None
    text: str
    start: int


class Step(NamedTuple):
    """A command of a page, the output that the page shows, and where this output begins on the page."""

    command: str
    shown: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.shown)


def blocks(page: str) -> list[Block]:
    return [Block(found[1], found[2], found[3], found.start(3)) for found in FENCE.finditer(page)]


def steps(block: Block) -> Iterator[Step]:
    """Divide a console block at its prompts: yield each command with its output."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0], f"a console block begins with {PROMPT!r}: {parts[0]}"
    start = block.start
    for part in parts[1:]:
        start += len(PROMPT)
        typed, _, shown = part.partition("\n")
        yield Step(typed, shown, start + len(typed) + 1)
        start += len(part)


class Session:
    """A session on a terminal. `real` maps each id on the page to the id that chatctl has printed in its place."""

    def __init__(
        self, chatctl: Chatctl, terminal: Terminal, shell: dict[str, str], known: set[str], shown: dict[str, str]
    ) -> None:
        self.chatctl, self.terminal, self.shell = chatctl, terminal, shell
        self.real = {identifier: identifier for identifier in known}
        self.shown = shown
        self.code: int | None = 0

    def type(self, step: Step) -> str:
        """Run a command of a page, and return its output with the host and user names of the page."""
        line = ID.sub(lambda found: self.real.get(found[0], found[0]), step.command).replace("uv run ", "", 1)
        answers = {one: step.shown.partition(one)[2].partition("\n")[0] for one in QUESTIONS if one in step.shown}
        if answers:
            replies = {question: f"{answer}\n" for question, answer in answers.items()}
            screen = self.terminal(*shlex.split(line)[1:], answers=replies, columns=100, env=self.shell)
            text, self.code = screen.text, screen.code
        elif SHELL.search(re.sub(r"'[^']*'", "", line)) or not line.startswith("chatctl "):
            text, self.code = self._bash(line)
        else:
            text, _, self.code = self.chatctl(*shlex.split(line)[1:], code=None, together=True)
        for real, shown in self.shown.items():
            text = text.replace(real, shown)
        return "".join(f"{part.rstrip()}\n" for part in text.splitlines())

    def _bash(self, line: str) -> tuple[str, int]:
        done = subprocess.run(  # noqa: S603
            ["bash", "-o", "pipefail", "-c", line],  # noqa: S607
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.shell,
            check=False,
        )
        return done.stdout, done.returncode

    def fits(self, shown: str, printed: str) -> bool:
        """Tell whether the output fits what a page shows.

        On the page, `…` means any text, and a line with only `…` means any number of lines.
        """
        names: dict[str, str] = {}

        def identifier(found: re.Match[str]) -> str:
            if found[0] in self.real:
                return self.real[found[0]]
            if found[0] in names:
                return f"(?P={names[found[0]]})"
            names[found[0]] = f"id{len(names)}"
            return f"(?P<{names[found[0]]}>[0-9a-f]{{24}})"

        lines = [
            "(?:.*\n)*?" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + "\n"
            for line in _narrow(shown).splitlines()
        ]
        matched = re.fullmatch(ID.sub(identifier, "".join(lines)), _narrow(printed))
        if matched:
            self.real |= {name: matched[group] for name, group in names.items()}
        return bool(matched)

    def taken(self, shown: str, printed: str) -> str:
        """Return the output for the page. Ids in the output are replaced by the ids that the page already has."""
        new = [one for one in dict.fromkeys(ID.findall(printed)) if one not in self.real.values()]
        old = [one for one in dict.fromkeys(ID.findall(shown)) if one not in self.real]
        if len(new) == len(old):
            self.real |= dict(zip(old, new, strict=True))
        stand_ins = {real: name for name, real in self.real.items()}
        return ID.sub(lambda found: stand_ins.get(found[0], found[0]), printed)


def _narrow(text: str) -> str:
    """Make all gaps between columns equally wide, because their width depends on names of this machine."""
    return re.sub(" {2,}", "  ", text)


def write(folder: Path, block: Block) -> None:
    """Write a block of a page to the file that the block names."""
    assert block.name
    path = folder / block.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text)
