"""What the whole command line said: the options that may stand anywhere on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

KEY: Final = "chatctl"

_WITH_VALUE: Final = frozenset({"--url", "--context", "--env-file"})
"""Options with a value that name the database."""


def is_not_utf8(text: str) -> bool:
    """Tell text that came as bytes of another encoding; Python keeps those as surrogates."""
    return any("\ud800" <= character <= "\udfff" for character in text)


@dataclass
class Invocation:
    """One run of the program, shared by the root command and those below it.

    `command` is what the audit trail would call it; `shows_bodies` is decided when it is first needed.
    """

    arguments: Sequence[str] = ()
    url: str | None = field(default=None, repr=False)
    local: bool = False
    context: str | None = None
    env_file: str | None = None
    expect: str | None = None
    no_input: bool = False
    debug: bool = False
    utc: bool = False
    items_from_stdin: bool = False
    command: str = ""
    reveal: bool = False
    reason: str | None = None
    shows_bodies: bool | None = None
    database_is_chosen: bool = False

    @classmethod
    def of(cls, meta: dict[str, Any]) -> "Invocation":
        """Find the one that a context and its parents share."""
        found: Invocation = meta.setdefault(KEY, cls())
        return found

    def command_with(self, option: str, value: str) -> list[str]:
        """Write this command line with one option set anew, without the options that name the database."""
        kept: list[str] = []
        rest = list(self.arguments)
        while rest:
            argument = rest.pop(0)
            if argument == "--":
                kept += [option, value, argument, *rest]
                return ["chatctl", *kept]
            name, given, _ = argument.partition("=")
            if name in {option, *_WITH_VALUE}:
                rest = rest if given else rest[1:]
            elif argument != "--local":
                kept.append(argument)
        return ["chatctl", *kept, option, value]


def on_same_database(text: str, arguments: Sequence[str]) -> str:
    """Add to each command in a text the options by which a command line named the database: then it can be pasted."""
    options = list(_database_options(iter(arguments)))
    if not options or "chatctl" not in text:
        return text
    import re
    import shlex

    from cli.app import COMMANDS, GROUPS

    groups = "|".join((GROUPS.keys() | COMMANDS.keys()) - {"context", "completion", "demo"})
    return re.sub(rf"\bchatctl (?=({groups})\b)", lambda _: f"chatctl {shlex.join(options)} ", text)


def _database_options(arguments: Iterator[str]) -> Iterator[str]:
    """Yield the options that name the database; a URL that may hold a secret is not repeated, nor are its options."""
    group = None
    for argument in arguments:
        name, given, value = argument.partition("=")
        group = group or (None if argument.startswith("-") else argument)
        if argument == "--" or group == "context":  # `context add --url` is another option
            return
        if argument == "--local":
            yield argument
        elif name in _WITH_VALUE:
            value = value if given else next(arguments, "")
            yield from (name, "URL" if name == "--url" and {"@", "?"} & {*value} else value)
