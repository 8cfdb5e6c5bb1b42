"""What contexts there are."""

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from database.contexts import config_file
from database.errors import NotConfiguredError, NotFoundError
from database.wording import did_you_mean, shown
from models.names import EASY

SOURCES: Final = ("url", "url-env", "url-file", "url-command")
"""Where the URL of a context comes from: each has one of them."""
READ_ONLY: Final = "read-only"

_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)


@dataclass(frozen=True)
class Context:
    """A name for a database; `value` may be a URL with its password."""

    name: str
    source: str
    value: str = field(repr=False)
    read_only: bool = False

    @property
    def label(self) -> str:
        return f"context {self.name}"


@dataclass(frozen=True)
class Contexts:
    """All contexts of a user, in the order of the file, and the name of the current one."""

    by_name: dict[str, Context]
    current: str | None = None

    def named(self, name: str) -> Context:
        """Find a context; raises `NotFoundError`."""
        if name not in self.by_name:
            hint = "see chatctl context list" if self.by_name else "there is none yet: chatctl context add NAME"
            raise NotFoundError(f"no context {shown(name)}", did_you_mean(name, self.by_name) or hint)
        return self.by_name[name]

    def current_context(self) -> Context | None:
        """Find the current context; raises `NotFoundError` where the file names one that is not there."""
        return None if self.current is None else self.named(self.current)


def load() -> Contexts:
    """Read the contexts there are; raises `NotConfiguredError` for a broken file, `NotAllowedError` for one at risk."""
    return parse(config_file.read())


def parse(text: str) -> Contexts:
    """Read the text of a file; what nobody would heed is an error: a misspelt `read-only` must not be passed over."""
    try:
        said = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_toml(text, str(error)) from None
    current, tables = said.pop("current", None), said.pop("contexts", {})
    for name in said:
        _broken(f"there is no setting {_quoted(name)}", did_you_mean(name, ["current", "contexts"]))
    if not isinstance(tables, dict):
        _broken('"contexts" is no table')
    if not isinstance(current, str | None):
        _broken('"current" is no text')
    return Contexts({name: _context(name, table) for name, table in tables.items()}, current)


def _context(name: str, table: Any) -> Context:
    if not EASY.fullmatch(name):
        _broken(f"no context can be called {_quoted(name)}")
    if not isinstance(table, dict):
        _broken(f"context {name} is no table")
    for key in table:
        if key not in {*SOURCES, READ_ONLY}:
            _broken(f"context {name} has no setting {_quoted(key)}", did_you_mean(key, [*SOURCES, READ_ONLY]))
    given = [source for source in SOURCES if source in table]
    if len(given) != 1:
        _broken(f"context {name} has {' and '.join(given) or 'no url'}", f"give it one of {', '.join(SOURCES)}")
    if not isinstance(table[given[0]], str):
        _broken(f"{given[0]} of context {name} is no text")
    if not isinstance(read_only := table.get(READ_ONLY, False), bool):
        _broken(f"{READ_ONLY} of context {name} is neither true nor false")
    return Context(name, given[0], table[given[0]], read_only)


def _no_toml(text: str, said: str) -> NotConfiguredError:
    """Say where a text is no TOML, and why unless that may quote a URL."""
    place = _PLACE.fullmatch(said)
    line = int(place[2]) if place and place[2] else text.count("\n") + 1
    why = place[1] if place and "://" not in said else "this is no TOML"
    return NotConfiguredError(
        f"{config_file.path()}:{line}: {why[:1].lower()}{why[1:]}", "correct it there, or move it away"
    )


def _broken(what: str, hint: str | None = None) -> NoReturn:
    raise NotConfiguredError(f"{config_file.path()}: {what}", hint or "correct it there, or move it away")


def _quoted(key: str) -> str:
    """Show a key, unless it is a URL that strayed there."""
    return "of a URL" if "://" in key else shown(key)
