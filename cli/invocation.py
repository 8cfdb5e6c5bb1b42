"""The values of the options that are accepted anywhere on the command line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

KEY: Final = "chatctl"

_WITH_VALUE: Final = frozenset({"--url", "--context", "--env-file"})
"""The options that choose the database and have a value."""


def is_not_utf8(text: str) -> bool:
    """Tell whether a text was decoded from invalid UTF-8. Python represents the invalid bytes as surrogates."""
    return any("\ud800" <= character <= "\udfff" for character in text)


@dataclass
class Invocation:
    """One run of the program. The root command and all its groups and commands share this object.

    `command` is the text of the command in the audit trail. `shows_bodies` tells whether messages are shown unmasked;
    it is None until `masking.may_show` decides this.
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
        """Return the object that a Typer context shares with its parents."""
        found: Invocation = meta.setdefault(KEY, cls())
        return found

    def command_with(self, option: str, value: str) -> list[str]:
        """Return this command line with a new value of one option, but without options that choose the database."""
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
    """Add the options that chose the database to each chatctl command in a text. Then users can paste the command."""
    options = list(_database_options(iter(arguments)))
    if not options or "chatctl" not in text:
        return text
    import re
    import shlex

    from cli.commands import COMMANDS, GROUPS

    groups = "|".join((GROUPS.keys() | COMMANDS.keys()) - {"context", "completion", "demo"})
    return re.sub(rf"\bchatctl (?=({groups})\b)", lambda _: f"chatctl {shlex.join(options)} ", text)


def _database_options(arguments: Iterator[str]) -> Iterator[str]:
    """Yield the options that chose the database. If a URL may contain a secret, the word `URL` replaces it."""
    group = None
    for argument in arguments:
        name, given, value = argument.partition("=")
        group = group or (None if argument.startswith("-") else argument)
        if argument == "--" or group == "context":  # In `context add`, the option --url does not choose the database.
            return
        if argument == "--local":
            yield argument
        elif name in _WITH_VALUE:
            value = value if given else next(arguments, "")
            yield from (name, "URL" if name == "--url" and {"@", "?"} & {*value} else value)
