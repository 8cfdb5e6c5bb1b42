"""Find the URL of a context: in its setting, a variable or a file, or from a command."""

import os
import re
import selectors
import shlex
import subprocess
import time
from typing import IO, Final, cast

from database import urls
from database.contexts import config_file
from database.contexts.config_file import Context
from database.errors import InvalidInputError, NotConfiguredError
from database.wording import shown
from models.names import EASY, HOW_EASY

SECONDS: Final = 30.0
"""The time limit for a command that prints a URL, in seconds."""
LONGEST: Final = 64 * 1024
"""The number of bytes that are kept from the output of a command that prints a URL."""

OF_THE_SERVER: Final = frozenset({"admin", "config", "local"})
"""The names of databases in which a MongoDB server keeps its own data. A context cannot use these names."""

_VARIABLE: Final = re.compile("[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def url(context: Context) -> str:
    """Return the URL of a context. If the context has a `url-command`, run this command.

    Raises `NotConfiguredError` if the URL cannot be found. The error never quotes the URL.
    """
    if context.source == "url-env":
        said = os.environ.get(context.value, "")
        if not said:
            raise _failed(context, f"takes its URL from {context.value}, which is not set")
    elif context.source == "url-file":
        place = config_file.path().parent / context.value
        if place.exists() and not place.is_file():
            raise _failed(context, f"takes its URL from {place}, which is not a file")
        said = urls.read(place, f"the file of {context.label}")
    elif context.source == "url-command":
        said = _printed(context)
    else:
        said = context.value
    return said.strip()


def address(context: Context) -> urls.Address | None:
    """Return the address of the database of a context. Return None if this would need to run a `url-command`."""
    if context.local:
        return urls.Address(context.value, urls.LOCAL_HOST, None, has_password=False)
    return None if context.source == "url-command" else urls.parse(url(context), context.label)


def check(context: Context) -> None:
    """Raise `InvalidInputError` if the name or the setting of a context cannot be valid.

    This check does not look for files and environment variables, because the user may create them later.
    """
    if not EASY.fullmatch(context.name):
        raise InvalidInputError(f"invalid context name {shown(context.name)}", HOW_EASY)
    try:
        if context.source == "url":
            urls.parse(context.value, "--url")
        elif context.source == "url-file" and not context.value:
            raise InvalidInputError("--url-file is empty", "give a file that contains a URL")
        elif context.source == "url-env" and not _VARIABLE.fullmatch(context.value):
            raise InvalidInputError(
                f"--url-env: {shown(context.value)} is not a valid variable name", "use a name like PRODUCTION_URL"
            )
        elif context.source == "url-command":
            _words(context)
        elif context.local and (not urls.is_database_name(context.value) or context.value in OF_THE_SERVER):
            raise InvalidInputError(f"{shown(context.value)} cannot be the name of a database")
    except NotConfiguredError as error:
        raise InvalidInputError(error.message, error.hint) from None


def _printed(context: Context) -> str:
    """Run the `url-command` of a context without a shell, and return the first line of its output.

    The terminal shows the error output of the command.
    """
    deadline = time.monotonic() + SECONDS
    try:
        words = _words(context)
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # noqa: S603 - typed by the user
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "the name is not valid"
        raise _failed(context, f"has a command that cannot be run: {reason.lower()}") from None
    with process:
        try:
            said = _read(cast("IO[bytes]", process.stdout), deadline)
            code = process.wait(max(deadline - time.monotonic(), 0))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise _failed(context, f"has a command that took more than {SECONDS:g} seconds") from None
        finally:
            process.kill()
    if code:
        raise _failed(context, f"has a command that failed with exit code {code}")
    line = said.decode(errors="replace").strip().partition("\n")[0]
    if not line:
        raise _failed(context, "has a command that printed nothing")
    return line


def _read(pipe: IO[bytes], deadline: float) -> bytes:
    """Read a pipe to its end, but return only the first `LONGEST` bytes. Raises `TimeoutError` after the deadline."""
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(max(deadline - time.monotonic(), 0)):
            part = os.read(pipe.fileno(), LONGEST)
            if not part:
                return said
            said = (said + part)[:LONGEST]
            if time.monotonic() > deadline:
                break
    raise TimeoutError


def _words(context: Context) -> list[str]:
    try:
        words = shlex.split(context.value)
    except ValueError:
        raise _failed(context, "has a command with an unclosed quote") from None
    if not words:
        raise _failed(context, "has an empty command")
    return words


def _failed(context: Context, what: str) -> NotConfiguredError:
    return NotConfiguredError(f"{context.label} {what}", f"see chatctl context show {context.name}")
