"""Read and write the configuration file, which contains the contexts."""

import fcntl
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

import platformdirs

from database import private_files
from database.errors import NotAllowedError, NotConfiguredError, NotFoundError
from database.wording import did_you_mean, shown
from models.names import EASY

LARGEST: Final = 1024 * 1024
"""The size limit of the configuration file, in bytes. A larger file is an error."""


def path() -> Path:
    """Return the path of the configuration file.

    Raises `NotAllowedError` if neither XDG_CONFIG_HOME nor a home folder is known.
    """
    try:
        folder = platformdirs.user_config_path("chatctl", appauthor=False)
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():
        raise NotAllowedError("your system user has no folder for the configuration", "choose one with XDG_CONFIG_HOME")
    return folder / "config.toml"


def read() -> str:
    """Return the text of the configuration file, or an empty text if the file does not exist.

    Raises `NotAllowedError` if the file is a symbolic link, belongs to another user, or can be written by another user.
    """
    try:
        file = path()
    except NotAllowedError:
        return ""
    if not os.path.lexists(file):
        return ""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        reason = "it is a symbolic link" if file.is_symlink() else (error.strerror or "unknown reason").lower()
        raise NotAllowedError(f"{file} cannot be read: {reason}", "replace it with a regular file") from None
    try:
        _check(file.parent, file.parent.stat())
        _check(file, found := os.fstat(descriptor))
        if not stat.S_ISREG(found.st_mode):
            raise NotConfiguredError(f"{file} is not a regular file", "move the file away")
        with open(descriptor, "rb", closefd=False) as opened:
            return _decoded(file, opened.read(LARGEST + 1))
    finally:
        os.close(descriptor)


def write(text: str) -> None:
    """Replace the text of the configuration file. If the write fails, the old file is kept."""
    file = path()
    try:
        private_files.write(file, text.encode())
    except OSError as error:
        raise _unwritable(file, error) from None


@contextmanager
def locked() -> Iterator[None]:
    """Lock the configuration file until the `with` block ends. Other commands that change the file wait.

    This function creates the folder of the file if necessary.
    """
    folder = path().parent
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        _check(folder, os.fstat(descriptor))
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check(file: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise NotAllowedError(f"{file} belongs to another user", "choose another folder with XDG_CONFIG_HOME")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NotAllowedError(f"other users can write to {file}", f"chmod go-w {file}")


def _decoded(file: Path, data: bytes) -> str:
    if len(data) > LARGEST:
        raise NotConfiguredError(f"{file} is larger than {LARGEST:,} bytes", "move the file away")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotConfiguredError(
            f"{file}:{line}: this is not UTF-8", "correct it there, or move the file away"
        ) from None


def _unwritable(file: Path, error: OSError) -> NotAllowedError:
    reason = (error.strerror or "unknown reason").lower()
    return NotAllowedError(f"{file} cannot be written: {reason}", "choose another folder with XDG_CONFIG_HOME")


LOCAL: Final = "local"
SOURCES: Final = ("url", "url-env", "url-file", "url-command", LOCAL)
"""The settings that say where the database of a context is. Each context must have exactly one of these settings.

The value of `local` is the name of a database in the embedded server. The values of the other settings say where
chatctl finds the URL of the database.
"""
READ_ONLY: Final = "read-only"

_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)


@dataclass(frozen=True)
class Context:
    """A name for a database.

    `source` is the name of a setting in `SOURCES`, and `value` is the value of this setting, for example a URL with a
    password.
    """

    name: str
    source: str
    value: str = field(repr=False)
    read_only: bool = False

    @property
    def label(self) -> str:
        return f"context {self.name}"

    @property
    def local(self) -> bool:
        """Whether the database is in the embedded server. A context with such a database has no URL."""
        return self.source == LOCAL


@dataclass(frozen=True)
class Contexts:
    """All contexts of a user, in their order in the configuration file, and the name of the current context."""

    by_name: dict[str, Context]
    current: str | None = None

    def named(self, name: str) -> Context:
        """Return the context with this name. Raises `NotFoundError` if the context does not exist."""
        if name not in self.by_name:
            hint = "see chatctl context list" if self.by_name else "add one: chatctl context add NAME"
            raise NotFoundError(f"no context {shown(name)}", did_you_mean(name, self.by_name) or hint)
        return self.by_name[name]

    def current_context(self) -> Context | None:
        """Return the current context, or None if no context is current.

        Raises `NotFoundError` if the configuration file names an unknown context as the current one.
        """
        return None if self.current is None else self.named(self.current)


def load() -> Contexts:
    """Read all contexts.

    Raises `NotConfiguredError` if the configuration file is not valid, and `NotAllowedError` if another user can write
    it.
    """
    return parse(read())


def parse(text: str) -> Contexts:
    """Parse the text of the configuration file.

    Raises `NotConfiguredError` for an unknown key, because a misspelt `read-only` must not be ignored.
    """
    try:
        said = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _no_toml(text, str(error)) from None
    current, tables = said.pop("current", None), said.pop("contexts", {})
    for name in said:
        _broken(f"unknown setting {_quoted(name)}", did_you_mean(name, ["current", "contexts"]))
    if not isinstance(tables, dict):
        _broken('"contexts" is not a table')
    if not isinstance(current, str | None):
        _broken('"current" is not a text')
    return Contexts({name: _context(name, table) for name, table in tables.items()}, current)


def _context(name: str, table: Any) -> Context:
    if not EASY.fullmatch(name):
        _broken(f"invalid context name {_quoted(name)}")
    if not isinstance(table, dict):
        _broken(f"context {name} is not a table")
    for key in table:
        if key not in {*SOURCES, READ_ONLY}:
            _broken(f"unknown setting {_quoted(key)} in context {name}", did_you_mean(key, [*SOURCES, READ_ONLY]))
    given = [source for source in SOURCES if source in table]
    if len(given) != 1:
        _broken(
            f"context {name} has {' and '.join(given) or 'no url'}",
            f"give the context exactly one of {', '.join(SOURCES)}",
        )
    if not isinstance(table[given[0]], str):
        _broken(f"{given[0]} of context {name} is not a text")
    if not isinstance(read_only := table.get(READ_ONLY, False), bool):
        _broken(f"{READ_ONLY} of context {name} must be true or false")
    return Context(name, given[0], table[given[0]], read_only)


def _no_toml(text: str, said: str) -> NotConfiguredError:
    """Return an error that names the line with invalid TOML. The reason is left out if it may quote a URL."""
    place = _PLACE.fullmatch(said)
    line = int(place[2]) if place and place[2] else text.count("\n") + 1
    why = place[1] if place and "://" not in said else "this is not TOML"
    return NotConfiguredError(f"{path()}:{line}: {why[:1].lower()}{why[1:]}", "correct it there, or move the file away")


def _broken(what: str, hint: str | None = None) -> NoReturn:
    raise NotConfiguredError(f"{path()}: {what}", hint or "correct it there, or move the file away")


def _quoted(key: str) -> str:
    """Return a key in quotation marks for a message.

    A key that contains a URL is not shown: it may contain a password.
    """
    return "(a URL)" if "://" in key else shown(key)
