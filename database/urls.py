"""Parse and check the URL of a database."""

from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from database.errors import NotConfiguredError

EXAMPLE: Final = "mongodb://user:password@host:27017/database"
_NO_DATABASE_NAME = frozenset('/\\. "$*<>:|?\0')
TOO_LONG = 64
"""The name of a database is shorter than this many bytes."""
LONGEST_WAIT = 9
"""The most digits of a number of milliseconds that is certain to fit into 32 bits."""


class Address(NamedTuple):
    """What a URL says, without its secrets: `hosts` is "host:port[,…]"."""

    name: str
    hosts: str
    user: str | None
    has_password: bool


def parse(url: str, label: str) -> Address:
    """Parse a URL. Raises `NotConfiguredError`, which names the source of the URL (`label`) and never quotes it."""
    scheme = url.partition("://")[0]
    if not url:
        raise NotConfiguredError(f"the database URL in {label} is empty", f"set it to {EXAMPLE}")
    if scheme not in {"mongodb", "mongodb+srv"}:
        raise NotConfiguredError(
            f"the database URL in {label} must start with mongodb:// or mongodb+srv://",
            f"use the form {EXAMPLE}",
        )
    parts = _split(url, label)
    user, _, hosts = parts.netloc.rpartition("@")
    _check_escapes(label, user, parts)
    name = unquote(parts.path.removeprefix("/"))
    if not all(map(_is_host, hosts.split(","))) or not all(map(_is_option, filter(None, parts.query.split("&")))):
        raise unreadable(label)
    if not name:
        raise NotConfiguredError(
            f"the database URL in {label} does not name a database",
            f"add the name after the host: {EXAMPLE}",
        )
    if not is_database_name(name):
        raise NotConfiguredError(
            f"the database URL in {label} has an invalid database name",
            "the name is the part between the host and the ?; in a password write / as %2F and @ as %40",
        )
    login, _, password = user.partition(":")
    return Address(name, unquote(hosts), unquote(login) or None, bool(password))


def is_database_name(text: str) -> bool:
    """Tell whether a text is a valid name of a database."""
    return 0 < len(text.encode(errors="surrogateescape")) < TOO_LONG and not _NO_DATABASE_NAME & set(text)


def unreadable(label: str) -> NotConfiguredError:
    return NotConfiguredError(f"the database URL in {label} cannot be read", f"use the form {EXAMPLE}")


def read(file: Path, what: str) -> str:
    """Read a small file; raises `NotConfiguredError`."""
    try:
        return file.read_text("utf-8-sig", errors="replace")
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "the name is not valid"
        raise NotConfiguredError(f"{what} ({file}) cannot be read: {reason.lower()}") from None


def _split(url: str, label: str) -> SplitResult:
    """Split a URL. Brackets are escaped first: some versions of Python allow them only in the first host."""
    try:
        if url.isprintable():
            return urlsplit(url.replace("[", "%5B").replace("]", "%5D"))
    except ValueError:
        pass  # the text of the error quotes the URL
    raise unreadable(label)


def _check_escapes(label: str, user: str, parts: SplitResult) -> None:
    """Raise `NotConfiguredError` if the user name or password has a character that must be escaped.

    An `@` in an option is legal, but without a user before the host it is the rest of a password.
    """
    early = "@" in parts.path or parts.fragment or ("@" in parts.query and not user)
    if early or "@" in user or user.count(":") > 1:
        raise NotConfiguredError(
            f"the user name or password of the database URL in {label} has a character that must be escaped",
            "percent-encode it: / is %2F, @ is %40, : is %3A, ? is %3F, # is %23, % is %25",
        )


def _is_host(host: str) -> bool:
    """Tell whether a text is "name", "name:port", "[v6]:port" or an escaped socket path, not the rest of a password."""
    if host.endswith("%5D"):
        return True
    name, colon, port = host.rpartition(":")
    return port.isdecimal() and bool(name) if colon else bool(host)


def _is_option(said: str) -> bool:
    """Tell whether a text is "name=value", not the rest of a password; pymongo does not check `wTimeoutMS`."""
    name, equals, value = said.partition("=")
    return bool(equals) and (name.lower() != "wtimeoutms" or len(value) <= LONGEST_WAIT)
