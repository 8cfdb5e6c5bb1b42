"""The target database of this run, and the only connection to it. The first query opens the connection."""

import atexit
import logging
import os
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from database import errors, own_collections, urls
from database.errors import ChatctlError, NotConfiguredError, ReadOnlyError, RefusedError

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database
    from pymongo.monitoring import CommandListener

    from database.contexts import Context
    from database.local.files import Server
    from database.privileges import MissingPrivileges, Privilege

MILLISECONDS_TO_FIND_A_SERVER = 5000
_SECONDS_TO_CLOSE = 1
"""The time limit for closing a connection, in seconds. A server that has already stopped does not answer."""


@dataclass(frozen=True)
class Target:
    """The target database of this run, without secrets.

    `source` says how the database was chosen, for example `--url`, `.env` or `context prod`. `user` is the name of the
    database user.
    """

    name: str
    host: str
    source: str
    user: str | None = None
    local: bool = False
    password_on_command_line: bool = False
    context: str | None = None
    read_only: bool = False


@dataclass
class _Run:
    """The state of this run: the options given to `choose`, and what was read or opened since then."""

    choice: urls.Choice
    source: urls.Source | None = None
    target: Target | None = None
    database: "Database[dict[str, Any]] | None" = None
    marker: "tuple[own_collections.Marker | None] | None" = None
    hello: "dict[str, Any] | None" = None
    lock: int | None = None
    embedded: "Server | None" = None
    missing_privileges: "MissingPrivileges | None" = None


_run = _Run(urls.Choice())


def choose(
    url: str | None = None,
    local: bool = False,
    env_file: Path | None = None,
    expect: str | None = None,
    context: str | None = None,
) -> None:
    """Store the options that choose the database. This function reads no file and opens no connection."""
    global _run  # noqa: PLW0603 - a process works on only one database
    choice = urls.Choice(url, local, env_file, expect, context)
    close()
    _run = _Run(choice)


def target() -> Target:
    """Return the target database, without connecting to it."""
    if _run.target is None:
        _run.target = _target(_located())
    return _run.target


def permit_write() -> None:
    """Raise an error if this run must not write to the database.

    Raises `ReadOnlyError` in a read-only context. Raises `RefusedError` if `.env` and the current context point to
    different databases. This check does not connect to the server, and does not run the `url-command` of a context.
    """
    source = _source()
    if source.context and source.context.read_only:
        raise ReadOnlyError(f"{source.label} is read-only", "Use --dry-run, or choose a context that allows writes.")
    if source.found and (other := _other(source)):
        raise RefusedError(
            f"{source.label} and context {other} point to different databases. Choose one before writing.",
            f"use --env-file {source.label} or --context {other}",
        )


def database() -> "Database[dict[str, Any]]":
    """Return the target database. The first call creates the client, but only the first query contacts the server."""
    if _run.database is None:
        _run.database = _connect(_located(), target().name)
        if _run.choice.expect is not None:
            _check_expected(_run.choice.expect)
    return _run.database


def marker() -> "own_collections.Marker | None":
    """Return the marker of the target database, or None if it is not protected. The marker is read once per run."""
    if _run.marker is None:
        _run.marker = (own_collections.read_marker(database()),)
    return _run.marker[0]


def transactions() -> bool:
    """Tell whether the MongoDB server supports transactions: it is in a replica set, or routes a sharded cluster."""
    return "setName" in _hello() or is_sharded()


def is_sharded() -> bool:
    """Tell whether the MongoDB server says that it is the router of a sharded cluster (mongos)."""
    return _hello().get("msg") == "isdbgrid"


def clock() -> datetime:
    """Return the time of the MongoDB server, in UTC. Some servers send milliseconds since 1970 instead of a date."""
    said = database().command("hello").get("localTime") or datetime.now(UTC)
    return said.replace(tzinfo=UTC) if isinstance(said, datetime) else datetime.fromtimestamp(said / 1000, UTC)


def explain(error: BaseException) -> ChatctlError | None:
    """Translate an error of the database driver into a `ChatctlError`. Return None for all other errors."""
    missing = _run.missing_privileges.missing if _run.missing_privileges else ()
    return _explained(error, _run.target, missing, _run.embedded)


def _explained(
    error: BaseException, where: Target | None, missing: "Collection[Privilege]", embedded: "Server | None"
) -> ChatctlError | None:
    known = errors.explain(error, where.host if where else "the database's host", missing)
    if known is not None and where and where.local:
        from database import local

        return local.explain(known, embedded)
    return known


def check_alive(hint: str | None = None) -> None:
    """Raise `UnreachableError` if this run uses the embedded server and this server has stopped.

    Without this check, the command would wait for a server that never answers.
    """
    if _run.embedded:
        from database import local

        if local.is_gone(_run.embedded):
            raise local.gone(hint)


@contextmanager
def peek(choice: urls.Choice, milliseconds: int) -> "Iterator[Database[dict[str, Any]] | None]":
    """Open the database that `choice` names for a short read, and close it again. The target database stays the same.

    Yields None if the database cannot be opened without side effects: this function reads no `.env`, runs no command of
    a context, and starts no embedded server. Each wait is at most `milliseconds` long, except the lookup of host names.
    """
    source = _at_hand(choice)
    if source is None:
        yield None
        return
    name = source.address.name
    client = _client(source, milliseconds)
    _leave_at_once()
    with client:
        yield client[name]


@dataclass(frozen=True)
class Beside:
    """A database that this run only reads, while another database is the target database."""

    target: Target
    database: "Database[dict[str, Any]]"
    missing: "MissingPrivileges"
    embedded: "Server | None" = None

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Translate the driver's errors in the `with` block. The texts name this database, not the target."""
        from pymongo.errors import PyMongoError

        try:
            yield
        except PyMongoError as error:
            raise _explained(error, self.target, self.missing.missing, self.embedded) or error from None


@contextmanager
def beside() -> Iterator[Beside]:
    """Open the target database a second time, for reading. It stays open while another target database is chosen."""
    from database.privileges import MissingPrivileges

    database()  # this call also checks the name that the user expects (--expect)
    found, source, missing = target(), _located(), MissingPrivileges()
    lock = embedded = None
    if source.url is None:
        source, lock, embedded = _embedded(source, found.name)
    try:
        with _client(source, MILLISECONDS_TO_FIND_A_SERVER, missing) as client:
            yield Beside(found, client[found.name], missing, embedded)
    finally:
        if lock is not None:
            os.close(lock)


def choose_context(context: "Context") -> None:
    """Make the database of a context the target database of this run."""
    global _run  # noqa: PLW0603 - see `choose`
    close()
    _run = _Run(urls.Choice(), urls.Source(context.label, context=context))


def close() -> None:
    """Close the connection if it is open. The next use opens a new connection."""
    if _run.database is not None:
        import pymongo

        with pymongo.timeout(_SECONDS_TO_CLOSE):
            _run.database.client.close()
        _run.database = _run.hello = _run.marker = None
        _leave_at_once()
    if _run.lock is not None:  # The embedded server may stop when no command holds this lock.
        os.close(_run.lock)
        _run.lock = None


def _hello() -> dict[str, Any]:
    """Return the server's answer to the command `hello`. The command is sent once per run."""
    if _run.hello is None:
        _run.hello = database().command("hello")
    return _run.hello


def _check_expected(name: str) -> None:
    """Raise `RefusedError` if the database does not have the expected name (`--expect`).

    The name of a protected database is the name in its marker. Any other database has only its own name.
    """
    chosen = target()
    found = marker()
    if name != (found.name if found else chosen.name):
        close()
        protected = f', protected as "{found.name}"' if found else ""
        raise RefusedError(
            f'the target database is "{chosen.name}" on {chosen.host}{protected}, not "{name}"',
            "choose another database, or correct --expect or CHATCTL_EXPECT",
        )


def _source() -> urls.Source:
    if _run.source is None:
        _run.source = urls.find(_run.choice, os.environ)
    return _run.source


def _located() -> urls.Source:
    """Return the source of the target database (an option, file or context) with its URL. The URL is read only once."""
    source = _source()
    if source.context and source.url is None and not source.context.local:
        from database import contexts

        source = _run.source = replace(source, url=contexts.url(source.context))
    return source


def _other(source: urls.Source) -> str | None:
    """Return the name of the current context if the context contradicts the `.env` file, otherwise None.

    A context contradicts the file if the context is read-only, or if it may point to another database.
    """
    from database import contexts

    current = contexts.load().current_context()
    if current is None:
        return None
    here = source.address
    try:
        there = contexts.address(current)
    except NotConfiguredError:
        there = None
    same = there and (there.name, there.hosts) == (here.name, here.hosts)
    return None if same and not current.read_only else current.name


def _target(source: urls.Source) -> Target:
    if source.url is None:
        context = source.context
        return Target(
            source.local_name,
            urls.LOCAL_HOST,
            source.label,
            local=True,
            context=context.name if context else None,
            read_only=bool(context and context.read_only),
        )
    address = source.address
    return Target(
        address.name,
        address.hosts,
        source.label,
        address.user,
        password_on_command_line=address.has_password and source.label == "--url",
        context=source.context.name if source.context else None,
        read_only=bool(source.context and source.context.read_only),
    )


def _connect(source: urls.Source, name: str) -> "Database[dict[str, Any]]":
    if source.url is None:
        source, _run.lock, _run.embedded = _embedded(source, name)
    from database.privileges import MissingPrivileges

    _run.missing_privileges = MissingPrivileges()
    return _client(source, MILLISECONDS_TO_FIND_A_SERVER, _run.missing_privileges)[name]


def _embedded(source: urls.Source, name: str) -> "tuple[urls.Source, int, Server]":
    """Start the embedded server if it does not run yet. It runs at least until the returned lock file is closed."""
    if os.name != "posix":
        raise NotConfiguredError("the embedded database runs only on Linux and macOS", "choose a server with --url")
    from database import local

    url, lock, server = local.use(name)
    return replace(source, url=url), lock, server


def _at_hand(choice: urls.Choice) -> urls.Source | None:
    """Return the source that the options choose, with its URL. Return None if this would have side effects.

    Side effects are: to run the command of a context, or to start the embedded server.
    """
    source = urls.without_files(choice, os.environ)
    if source is None or source.url is not None:
        return source
    if source.context and not source.context.local:
        from database import contexts

        return None if source.context.source == "url-command" else replace(source, url=contexts.url(source.context))
    if os.name != "posix":
        return None
    from database import local

    url = local.peek(source.local_name)
    return None if url is None else replace(source, url=url)


def _client(source: urls.Source, milliseconds: int, *listeners: "CommandListener") -> "MongoClient[dict[str, Any]]":
    """Create a MongoDB client that waits at most `milliseconds` for a server.

    The client sets the options that make writes safe, so an option of the URL cannot change them.
    """
    import pymongo
    from pymongo.errors import PyMongoError

    from database.decoding import AS_STORED

    logging.getLogger("pymongo").setLevel(logging.CRITICAL)  # hide the tracebacks that pymongo prints for each retry
    with warnings.catch_warnings():
        # For an invalid option (`tls=yes`), pymongo prints a warning and connects without TLS. Here it is an error.
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", "Unknown option|Wire protocol compression")
        try:
            return pymongo.MongoClient(
                source.url,
                connect=False,
                appname="chatctl",
                event_listeners=listeners,
                document_class=AS_STORED.document_class,
                tz_aware=AS_STORED.tz_aware,
                uuidRepresentation="unspecified",
                unicode_decode_error_handler=AS_STORED.unicode_decode_error_handler,
                datetime_conversion=AS_STORED.datetime_conversion,
                type_registry=AS_STORED.type_registry,
                read_preference=pymongo.ReadPreference.PRIMARY,
                w="majority",
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
            )
        except (PyMongoError, ValueError, TypeError, OSError, UserWarning):
            # The messages of these errors quote the URL with its password, so they are not shown.
            raise urls.unreadable(source.label) from None


def _leave_at_once() -> None:
    """Prevent the driver from waiting for its idle threads when the program ends. This saves half a second."""
    from pymongo.synchronous import monitor

    if wait := getattr(monitor, "_shutdown_resources", None):
        atexit.unregister(wait)
