"""No command ends with a traceback or exit code 70, or does damage, if its input is invalid or hostile."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.app import app
from tests.conftest import Chatctl, Result

CODES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 74}
ACTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]")
LONG = "x" * 5_000
HOSTILE = [
    "\x1b[31m\u202e\u200b🦄\n\x9b",
    "",
    "-",
    "--",
    LONG,
    f"{LONG}@example.org",
    "caf\udce9",
    "%s{0}\\'\"`$(reboot)",
]
TYPED = {"MESSAGE": "65" * 12, "EVENT": "65" * 12, "TIME": "7d", "FILE": "nowhere.csv"}
ENDLESS = {("messages", "tail"), ("demo",), ("db", "generate")}
"""Commands that these tests type only with an error, because a valid command would run too long."""

Words = tuple[str, ...]
Type = Callable[..., Result]


def commands(command: Any, *path: str) -> Iterator[tuple[Words, Any]]:
    names = command.list_commands(None) if hasattr(command, "list_commands") else []
    if not names:
        yield path, command
    for name in names:
        yield from commands(command.get_command(None, name), *path, name)


COMMANDS = dict(commands(get_command(app)))
every_command = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def parameters() -> Iterator[tuple[Words, Any]]:
    """Yield each parameter that takes a value. If several commands share an option, yield it only once."""
    seen = set()
    for path, command in COMMANDS.items():
        for param in command.params:
            kind = (param.name, param.metavar, getattr(param, "help", None), param.param_type_name)
            if not getattr(param, "is_flag", False) and (kind not in seen or param.param_type_name == "argument"):
                seen.add(kind)
                yield path, param


@pytest.fixture
def typed(chatctl: Chatctl, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Return a function that runs a command line and checks its output."""
    monkeypatch.setenv("CHATCTL_LOCAL_DIR", str(workspace / "local"))

    def run(*line: str, code: set[int] = CODES) -> Result:
        said = chatctl(*line, code=None)
        shown = said.stdout + said.stderr
        assert said.code in code, (line, said)
        assert "Traceback" not in shown, (line, said)
        assert not ACTS.search(shown), (line, said)
        if said.code > 1:
            assert len(said.stderr) < 3_000, (line, said)
            assert re.search(r"^error: \S.*", said.stderr, re.MULTILINE), (line, said)
        return said

    return run


def line(path: Words, /, **given: str) -> list[str]:
    """Return a command line with all required values and the given values.

    The command line has `--dry-run`, so nothing is written.
    """
    options, arguments = [], []
    for param in COMMANDS[path].params:
        value = given.get(param.name, TYPED.get((param.metavar or "").strip("."), "nobody"))
        if param.name == "dry_run":
            options.append("--dry-run")
        elif param.required or param.name in given:
            if param.param_type_name == "argument":
                arguments.append(value)
            else:
                options += [param.opts[0], *[value] * param.nargs]
    return [*path, *options, *(["--", *arguments] if arguments else [])]


@every_command
def test_a_command_without_arguments_or_with_invalid_ones_explains_the_error(typed: Type, path: Words) -> None:
    if path not in ENDLESS:
        typed(*path)
        typed(*line(path))
    typed(*path, "--junk", code={2})
    typed(*path, "-Q", code={2})
    typed(*path, "-o", "junk", code={2})
    typed(*path, *["junk"] * 9, "--junk", code={2})
    typed(*path, "-h", code={0})


@every_command
def test_a_command_without_a_database_says_so(typed: Type, monkeypatch: pytest.MonkeyPatch, path: Words) -> None:
    monkeypatch.delenv("MONGODB_DATABASE_URL")
    if path not in {("demo",), ("messages", "send")}:
        typed(*line(path))


@pytest.mark.parametrize(
    ("path", "param"), [pytest.param(*pair, id=f"{' '.join(pair[0])} {pair[1].name}") for pair in parameters()]
)
def test_a_hostile_value_of_any_parameter_does_no_harm(typed: Type, path: Words, param: Any) -> None:
    for text in HOSTILE:
        if path not in ENDLESS or param.name not in {"reason", "columns"}:
            typed(*line(path, **{param.name: text}))


NUMBERS = [pytest.param(*pair, id=f"{pair[0][-1]} {pair[1].name}") for pair in parameters() if pair[1].metavar == "N"]


@pytest.mark.parametrize(("path", "param"), NUMBERS)
def test_a_number_that_no_database_can_hold_is_a_usage_error(typed: Type, path: Words, param: Any) -> None:
    for text in (str(2**63), "9" * 50, str(-(2**63) - 1), "1.5", "1_000", "\u0661", "1e3", ""):
        said = typed(*line(path, **{param.name: text}), code={2})
        assert said.stderr.startswith((f"error: {param.opts[0]}: ", f"error: {param.opts[0]} must be "))
    if path not in ENDLESS:
        assert f"error: {param.opts[0]}" not in typed(*line(path, **{param.name: str(2**63 - 1)})).stderr
