"""What the whole command line said: the options that may stand anywhere on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

KEY: Final = "chatctl"


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
    debug: bool = False
    items_from_stdin: bool = False
    command: str = ""
    reveal: bool = False
    reason: str | None = None
    shows_bodies: bool | None = None

    @classmethod
    def of(cls, meta: dict[str, Any]) -> "Invocation":
        """Find the one that a context and its parents share."""
        found: Invocation = meta.setdefault(KEY, cls())
        return found

    def command_with(self, option: str, value: str) -> list[str]:
        """Write this command line with one option set anew; a URL may hold a password and is not repeated."""
        kept: list[str] = []
        rest = list(self.arguments)
        while rest:
            argument = rest.pop(0)
            if argument == "--":
                kept += [option, value, argument, *rest]
                return ["chatctl", *kept]
            name, given, _ = argument.partition("=")
            if name in {option, "--url"}:
                rest = rest if given else rest[1:]
                kept += ["--url", "URL"] if name == "--url" else []
            else:
                kept.append(argument)
        return ["chatctl", *kept, option, value]
