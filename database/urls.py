"""Find the URL of the database in options, variables, `.env` files and contexts, and check the URL.

This module reads a `.env` file by the rules of Prisma, as the application does. With other rules, chatctl could use
another database than the application. The package python-dotenv has other rules: `#` after a letter does not end a
value, backticks and `KEY: value` are unknown, more escapes are replaced, and a value can only use variables of earlier
lines.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from database.errors import NotConfiguredError, UsageError
from database.wording import shown

if TYPE_CHECKING:
    from database.contexts import Context


EXAMPLE: Final = "mongodb://user:password@host:27017/database"
_NO_DATABASE_NAME = frozenset('/\\. "$*<>:|?\0')
TOO_LONG = 64
"""The length in bytes from which the name of a database is too long. A valid name has fewer bytes."""
LONGEST_WAIT = 9
"""The largest number of digits of the option `wTimeoutMS` in a URL.

A longer number may not fit into 32 bits.
"""


class Address(NamedTuple):
    """The parts of a URL that are not secret: `name` of the database, `hosts` ("host:port[,…]"), and `user`."""

    name: str
    hosts: str
    user: str | None
    has_password: bool


def parse(url: str, label: str) -> Address:
    """Parse the URL of a database. Raises `NotConfiguredError` if the URL is not valid.

    `label` is the source of the URL, which the error names. The error never quotes the URL.
    """
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
    """Return the text of a small file. Raises `NotConfiguredError` if the file cannot be read."""
    try:
        return file.read_text("utf-8-sig", errors="replace")
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "the name is not valid"
        raise NotConfiguredError(f"{what} ({file}) cannot be read: {reason.lower()}") from None


def _split(url: str, label: str) -> SplitResult:
    """Split a URL into its parts.

    Brackets are escaped first, because some versions of Python refuse a URL with brackets after the first host.
    """
    try:
        if url.isprintable():
            return urlsplit(url.replace("[", "%5B").replace("]", "%5D"))
    except ValueError:
        pass  # the text of this error quotes the URL, so another error is raised below
    raise unreadable(label)


def _check_escapes(label: str, user: str, parts: SplitResult) -> None:
    """Raise `NotConfiguredError` if the user name or the password has a character that must be escaped.

    An `@` after the `?` is allowed if the URL has a user. If the URL has no user, the text before this `@` is probably
    a password that contains a `?`.
    """
    early = "@" in parts.path or parts.fragment or ("@" in parts.query and not user)
    if early or "@" in user or user.count(":") > 1:
        raise NotConfiguredError(
            f"the user name or password of the database URL in {label} has a character that must be escaped",
            "percent-encode it: / is %2F, @ is %40, : is %3A, ? is %3F, # is %23, % is %25",
        )


def _is_host(host: str) -> bool:
    """Tell whether a text is "name", "name:port", "[v6]:port" or an escaped socket path.

    Any other text may be a part of a password in which a character was not escaped.
    """
    if host.endswith("%5D"):
        return True
    name, colon, port = host.rpartition(":")
    return port.isdecimal() and bool(name) if colon else bool(host)


def _is_option(said: str) -> bool:
    """Tell whether a text is "name=value". Any other text may be a part of a password.

    This function also checks the length of `wTimeoutMS`, because pymongo does not check it.
    """
    name, equals, value = said.partition("=")
    return bool(equals) and (name.lower() != "wtimeoutms" or len(value) <= LONGEST_WAIT)


_ASSIGNMENT = re.compile(
    r"""
    ^\s* (?:export\s+)? (?P<key>[A-Za-z0-9_.-]+) (?: \s*=\s*? | :\s+? )
    (?P<value> \s*(?P<quote>['"`]) (?: \\(?P=quote) | (?!(?P=quote))[\s\S] )* (?P=quote) | [^\#\r\n]+ )?
    \s* (?:\#.*)? $
    """,
    re.VERBOSE | re.MULTILINE,
)
_QUOTED = re.compile(r"""(['"`])([\s\S]*)\1""")
_VARIABLE = re.compile(r"(\\?)\$\{(\w*)\}", re.ASCII)


def read_dotenv(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a `.env` file. Each `${NAME}` in a value is replaced by the value of that variable.

    If a variable also exists in `environment`, its value in `environment` is used.
    """
    said = {match["key"]: _unquoted(match["value"] or "") for match in _ASSIGNMENT.finditer(_lines(text))}
    known = {**said, **environment}
    return {name: _expanded(known[name], known, (name,)) for name in said}


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unquoted(value: str) -> str:
    value = value.strip()
    quoted = _QUOTED.fullmatch(value)
    inside = quoted[2] if quoted else value
    return inside.replace("\\n", "\n").replace("\\r", "\r") if value.startswith('"') else inside


def _expanded(value: str, known: Mapping[str, str], within: tuple[str, ...]) -> str:
    """Replace each `${NAME}` by the value of the variable.

    A variable that is unknown, or that refers to itself, is replaced by an empty text.
    """

    def one(match: re.Match[str]) -> str:
        escaped, name = match.groups()
        if escaped:
            return match[0][1:]
        return "" if name in within else _expanded(known.get(name, ""), known, (*within, name))

    return _VARIABLE.sub(one, value)


VARIABLE = "MONGODB_DATABASE_URL"
CONTEXT = "CHATCTL_CONTEXT"
LOCAL_NAME = "chatctl"
LOCAL_HOST = "the embedded server"
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"", "0", "false", "no", "off"})
_HOW = f"set {VARIABLE} to {EXAMPLE}, or use the embedded database with --local"


@dataclass(frozen=True)
class Choice:
    """The options that choose the database (`--url`, `--local`, …), as typed. No file or variable is read yet."""

    url: str | None = field(default=None, repr=False)
    local: bool = False
    env_file: Path | None = None
    expect: str | None = None
    context: str | None = None

    def __post_init__(self) -> None:
        given = {"--url": self.url is not None, "--local": self.local, "--context": self.context is not None}
        named = [option for option, is_given in given.items() if is_given]
        if len(named) > 1:
            raise UsageError(f"{' and '.join(named[:2])} cannot be combined", "use only one of them")


@dataclass(frozen=True)
class Source:
    """The option, variable, file or context that chose the database. `label` is its name in messages.

    `url` is None for a database of the embedded server. For a context, `url` is None until the URL is needed. `found`
    is true if chatctl found a `.env` file in the working directory, and the user did not name this file with
    `--env-file`.
    """

    label: str
    url: str | None = field(default=None, repr=False)
    context: "Context | None" = None
    found: bool = False

    @property
    def local_name(self) -> str:
        """The name of the database in the embedded server, if the source chooses an embedded database."""
        return self.context.value if self.context else LOCAL_NAME

    @property
    def address(self) -> Address:
        """The parsed URL. Raises `NotConfiguredError` if the URL is not valid."""
        return parse(self.url or "", self.label)


def find(choice: Choice, environment: Mapping[str, str]) -> Source:
    """Return the source that chooses the database.

    The order is: options, environment variables, `.env` files, the current context. The first one that exists is used.
    """
    return (
        _from_options(choice)
        or _from_environment(environment)
        or _from_env_files(choice.env_file, environment)
        or _of_context()
    )


def without_files(choice: Choice, environment: Mapping[str, str]) -> Source | None:
    """Return the same source as `find`, without reading `.env` files.

    Return None if `find` would read a `.env` file.
    """
    if source := _from_options(choice) or _from_environment(environment):
        return source
    return None if choice.env_file or any(_env_files_here()) else _of_context()


def _from_options(choice: Choice) -> Source | None:
    if choice.local:
        return Source("--local")
    if choice.url is not None:
        return Source("--url", choice.url.strip())
    return None if choice.context is None else _of_context(choice.context)


def _from_environment(environment: Mapping[str, str]) -> Source | None:
    if _local_by_environment(environment):
        return Source("CHATCTL_LOCAL")
    if name := environment.get(CONTEXT):
        return _of_context(name)
    if VARIABLE in environment:
        return Source(VARIABLE, environment[VARIABLE].strip())
    if file := environment.get(f"{VARIABLE}_FILE"):
        return Source(f"{VARIABLE}_FILE", read(Path(file), f"{VARIABLE}_FILE").strip())
    return None


def _local_by_environment(environment: Mapping[str, str]) -> bool:
    """Read CHATCTL_LOCAL.

    An invalid word is an error. If the word were ignored, the command could use the wrong database.
    """
    said = environment.get("CHATCTL_LOCAL", "").strip()
    if said.lower() not in _YES | _NO:
        raise UsageError(f"CHATCTL_LOCAL: {shown(said)} is not valid here. Choose true or false.")
    return said.lower() in _YES


def _of_context(name: str | None = None) -> Source:
    """Return the named context, or else the current context, as a source. Its URL is not read yet."""
    from database import contexts  # Imported here, because most runs do not need contexts.

    known = contexts.load()
    context = known.current_context() if name is None else known.named(name)
    if context is None:
        how = "use --context NAME, or choose a current context: chatctl context use NAME" if known.by_name else _HOW
        raise NotConfiguredError("no database is configured", how)
    return Source(context.label, context=context)


def _from_env_files(named: Path | None, environment: Mapping[str, str]) -> Source | None:
    """Return the URL in the file of `--env-file`, or else in `.env` or `prisma/.env`.

    Values in the second file can use variables of the first file.
    """
    known = dict(environment)
    for file in [named] if named else _env_files_here():
        known = {**read_dotenv(read(file, "the .env file"), known), **known}
        if VARIABLE in known:
            return Source(str(file), known[VARIABLE].strip(), found=named is None)
    if named:
        raise NotConfiguredError(f"{named} does not set {VARIABLE}", _HOW)
    return None


def _env_files_here() -> Iterator[Path]:
    return (path for path in (Path(".env"), Path("prisma", ".env")) if path.is_file())
