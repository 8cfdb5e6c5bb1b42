"""Where the name of the database comes from: options, environment, files, in that order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from database import dotenv
from database.errors import NotConfiguredError, UsageError

if TYPE_CHECKING:
    from database.contexts import Context

VARIABLE = "MONGODB_DATABASE_URL"
CONTEXT = "CHATCTL_CONTEXT"
EXAMPLE = "mongodb://user:password@host:27017/database"
LOCAL_NAME = "chatctl"
_HOW = f"set {VARIABLE} to {EXAMPLE}, or use the embedded database with --local"
_NO_DATABASE_NAME = frozenset('/\\. "$*<>:|?\0')
TOO_LONG = 64
"""Bytes that the name of a database has not."""
LONGEST_WAIT = 9
"""The most digits of a number of milliseconds that always fits into 32 bits."""


@dataclass(frozen=True)
class Choice:
    """The root options of a run; nothing is read until the database is needed."""

    url: str | None = field(default=None, repr=False)
    local: bool = False
    env_file: Path | None = None
    expect: str | None = None
    context: str | None = None

    def __post_init__(self) -> None:
        given = {"--url": self.url is not None, "--local": self.local, "--context": self.context is not None}
        named = [option for option, is_given in given.items() if is_given]
        if len(named) > 1:
            raise UsageError(f"{' and '.join(named[:2])} name two databases", "give one of them")


@dataclass(frozen=True)
class Source:
    """The place that named the database.

    `url` is None for the embedded one, and for a `context` until the database is needed. A source that was `found`
    because a file lay in the working directory was not named by anybody.
    """

    label: str
    url: str | None = field(default=None, repr=False)
    context: "Context | None" = None
    found: bool = False


class Address(NamedTuple):
    """What a URL says, without its secrets: `hosts` is "host:port[,…]"."""

    name: str
    hosts: str
    user: str | None
    has_password: bool


def find(choice: Choice, environment: Mapping[str, str]) -> Source:
    """Find the first source that names a database."""
    return (
        _from_options(choice)
        or _from_environment(environment)
        or _from_env_files(choice.env_file, environment)
        or _of_context()
    )


def without_files(choice: Choice, environment: Mapping[str, str]) -> Source | None:
    """Find the source as `find` does, but read no `.env`: None where there is one, for it could name another."""
    if source := _from_options(choice) or _from_environment(environment):
        return source
    return None if choice.env_file or any(_env_files_here()) else _of_context()


def parse(source: Source) -> Address:
    """Take a URL apart; whatever is wrong with it is said without quoting any of it."""
    url = source.url or ""
    scheme = url.partition("://")[0]
    if not url:
        raise NotConfiguredError(f"the database URL in {source.label} is empty", f"set it to {EXAMPLE}")
    if scheme not in {"mongodb", "mongodb+srv"}:
        raise NotConfiguredError(
            f"the database URL in {source.label} starts with neither mongodb:// nor mongodb+srv://",
            f"it looks like {EXAMPLE}",
        )
    parts = _split(source, url)
    user, _, hosts = parts.netloc.rpartition("@")
    _check_escapes(source, user, parts)
    name = unquote(parts.path.removeprefix("/"))
    if not all(map(_is_host, hosts.split(","))) or not all(map(_is_option, filter(None, parts.query.split("&")))):
        raise unreadable(source)
    if not name:
        raise NotConfiguredError(
            f"the database URL in {source.label} names no database",
            f"put the name behind the host, as in {EXAMPLE}",
        )
    if not is_database_name(name):
        raise NotConfiguredError(
            f"the database URL in {source.label} names a database that cannot exist",
            "the part between the host and ? is the name; in a password write / as %2F and @ as %40",
        )
    login, _, password = user.partition(":")
    return Address(name, unquote(hosts), unquote(login) or None, bool(password))


def is_database_name(text: str) -> bool:
    """Tell what a database can be called."""
    return 0 < len(text.encode(errors="surrogateescape")) < TOO_LONG and not _NO_DATABASE_NAME & set(text)


def unreadable(source: Source) -> NotConfiguredError:
    return NotConfiguredError(f"the database URL in {source.label} cannot be read", f"it looks like {EXAMPLE}")


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
        return Source(f"{VARIABLE}_FILE", text(Path(file), f"{VARIABLE}_FILE").strip())
    return None


def _local_by_environment(environment: Mapping[str, str]) -> bool:
    """Take 1 for yes; a `true` that is quietly passed over would be a command on the wrong database."""
    said = environment.get("CHATCTL_LOCAL", "")
    if said not in {"", "0", "1"}:
        raise NotConfiguredError("CHATCTL_LOCAL is neither 1 nor 0", "set CHATCTL_LOCAL=1, or unset it")
    return said == "1"


def _of_context(name: str | None = None) -> Source:
    """Find a context by its name, else the current one; what its URL is shows when the database is needed."""
    from database import contexts  # a run whose database is named otherwise does not read them

    known = contexts.load()
    context = known.the_current() if name is None else known.named(name)
    if context is None:
        how = "take --context NAME, or make one the current one: chatctl context use NAME" if known.by_name else _HOW
        raise NotConfiguredError("no database is configured", how)
    return Source(context.label, context=context)


def _from_env_files(named: Path | None, environment: Mapping[str, str]) -> Source | None:
    """Read `--env-file` alone, else `.env` and then `prisma/.env`, each expanded with all that came before."""
    known = dict(environment)
    for file in [named] if named else _env_files_here():
        known = {**dotenv.read(text(file, "the .env file"), known), **known}
        if VARIABLE in known:
            return Source(str(file), known[VARIABLE].strip(), found=named is None)
    if named:
        raise NotConfiguredError(f"{named} does not set {VARIABLE}", _HOW)
    return None


def _env_files_here() -> Iterator[Path]:
    return (path for path in (Path(".env"), Path("prisma", ".env")) if path.is_file())


def text(file: Path, what: str) -> str:
    """Read a small file; raises `NotConfiguredError`."""
    try:
        return file.read_text("utf-8-sig", errors="replace")
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "no such name can be"
        raise NotConfiguredError(f"{what} ({file}) cannot be read: {reason.lower()}") from None


def _split(source: Source, url: str) -> SplitResult:
    """Split a URL; some Pythons allow no bracket behind the first host, so they are escaped meanwhile."""
    try:
        if url.isprintable():
            return urlsplit(url.replace("[", "%5B").replace("]", "%5D"))
    except ValueError:
        pass  # its text quotes the URL
    raise unreadable(source)


def _check_escapes(source: Source, user: str, parts: SplitResult) -> None:
    """Notice a user name or password that ends the host part early, or holds a second `@`.

    An `@` in an option is legal, but where no user stands before the host it is what is left of a password.
    """
    early = "@" in parts.path or parts.fragment or ("@" in parts.query and not user)
    if early or "@" in user or user.count(":") > 1:
        raise NotConfiguredError(
            f"the user name or password of the database URL in {source.label} has a character that must be escaped",
            "percent-encode it: / is %2F, @ is %40, : is %3A, ? is %3F, # is %23, % is %25",
        )


def _is_host(host: str) -> bool:
    """Tell "name", "name:port", "[v6]:port" and an escaped socket path from what is left of a broken password."""
    if host.endswith("%5D"):
        return True
    name, colon, port = host.rpartition(":")
    return port.isdecimal() and bool(name) if colon else bool(host)


def _is_option(said: str) -> bool:
    """Tell whether a text is "name=value", not the rest of a broken password; pymongo does not check `wTimeoutMS`."""
    name, equals, value = said.partition("=")
    return bool(equals) and (name.lower() != "wtimeoutms" or len(value) <= LONGEST_WAIT)
