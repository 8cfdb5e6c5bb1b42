"""The one connection of a run: the database that was chosen, reached when it is first needed."""

import atexit
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from database import failures, own_collections, url_sources, urls
from database.errors import ChatctlError, NotConfiguredError, ReadOnlyError, RefusedError

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database
    from pymongo.monitoring import CommandListener

    from database.local.files import Server
    from database.missing_privileges import MissingPrivileges

MILLISECONDS_TO_FIND_A_SERVER = 5000
_SECONDS_TO_CLOSE = 1
"""The driver ends its sessions on the server; a server that has gone is not waited for."""


@dataclass(frozen=True)
class Target:
    """The database that this run works on, in words that may be shown to anybody."""

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
    """What `choose` was told, and what followed from it so far."""

    choice: url_sources.Choice
    source: url_sources.Source | None = None
    target: Target | None = None
    database: "Database[dict[str, Any]] | None" = None
    marker: "tuple[own_collections.Marker | None] | None" = None
    transactions: bool | None = None
    lock: int | None = None
    embedded: "Server | None" = None
    missing_privileges: "MissingPrivileges | None" = None


_run = _Run(url_sources.Choice())


def choose(
    url: str | None = None,
    local: bool = False,
    env_file: Path | None = None,
    expect: str | None = None,
    context: str | None = None,
) -> None:
    """Remember the root options of this run; nothing is read or connected before it is needed."""
    global _run  # noqa: PLW0603 - a process works on one database, as MongoEngine's registry has it
    choice = url_sources.Choice(url, local, env_file, expect, context)
    close()
    _run = _Run(choice)


def target() -> Target:
    """Say which database was chosen, without connecting to it."""
    if _run.target is None:
        _run.target = _target(_located())
    return _run.target


def permit_write() -> None:
    """Refuse to write in a read-only context, and where nobody has said which of two databases is meant.

    Raises `ReadOnlyError` or `RefusedError`; no server is asked, and no command of a context run.
    """
    source = _source()
    if source.context and source.context.read_only:
        raise ReadOnlyError(f"{source.label} is read-only", "see with --dry-run what it would do, or name another")
    if source.found and (other := _other(source)):
        raise RefusedError(
            f"{source.label} and the current context {other} name two databases, and this would write",
            f"say which is meant, with --env-file {source.label} or --context {other}",
        )


def database() -> "Database[dict[str, Any]]":
    """Give the database, connecting on first use; that a server answers is known at the first operation."""
    if _run.database is None:
        _run.database = _connect(_located(), target().name)
        if _run.choice.expect is not None:
            _check_expected(_run.choice.expect)
    return _run.database


def marker() -> "own_collections.Marker | None":
    """Read the marker of the database, once a run; None where it is not protected."""
    if _run.marker is None:
        _run.marker = (own_collections.read_marker(database()),)
    return _run.marker[0]


def transactions() -> bool:
    """Tell whether the server has transactions: it is one of a replica set, or a gateway to a cluster."""
    if _run.transactions is None:
        hello = database().command("hello")
        _run.transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
    return _run.transactions


def clock() -> datetime:
    """Tell the time by the server's clock; some servers say it in milliseconds since 1970."""
    said = database().command("hello").get("localTime") or datetime.now(UTC)
    return said.replace(tzinfo=UTC) if isinstance(said, datetime) else datetime.fromtimestamp(said / 1000, UTC)


def explain(error: BaseException) -> ChatctlError | None:
    """Say what an error of the driver means in words of our own; None for what is none, or not known."""
    missing = _run.missing_privileges.missing if _run.missing_privileges else ()
    known = failures.explain(error, _run.target.host if _run.target else "the database's host", missing)
    if known is not None and _run.target and _run.target.local:
        from database import local

        return local.explain(known, _run.embedded)
    return known


def check_alive(hint: str | None = None) -> None:
    """Raise `UnreachableError` if this run uses an embedded server that is gone: waiting for it would be in vain."""
    if _run.embedded:
        from database import local

        if local.is_gone(_run.embedded):
            raise local.gone(hint)


@contextmanager
def peek(choice: url_sources.Choice, milliseconds: int) -> "Iterator[Database[dict[str, Any]] | None]":
    """Open a database for a moment, beside the one of this run; None where there is none at hand.

    No `.env` is read, no command of a context run, and an embedded server that does not run is not started. Nothing is
    waited for longer than `milliseconds`, but what the network's names stand for.
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


def close() -> None:
    """End the connection, if there is one; the next use opens another."""
    if _run.database is not None:
        import mongoengine
        import pymongo

        with pymongo.timeout(_SECONDS_TO_CLOSE):
            mongoengine.disconnect()
        _run.database = _run.transactions = _run.marker = None
        _leave_at_once()
    if _run.lock is not None:  # the embedded server may end when nobody holds it any more
        os.close(_run.lock)
        _run.lock = None


def _check_expected(name: str) -> None:
    """Go no further unless the database has the name that was expected: its marker's, or without one its own."""
    chosen = target()
    found = marker()
    if name != (found.name if found else chosen.name):
        close()
        protected = f', protected as "{found.name}"' if found else ""
        raise RefusedError(
            f'this is the database "{chosen.name}" on {chosen.host}{protected}, not "{name}"',
            "name another database, or --expect the right one",
        )


def _source() -> url_sources.Source:
    if _run.source is None:
        _run.source = url_sources.find(_run.choice, os.environ)
    return _run.source


def _located() -> url_sources.Source:
    """Give the source with its URL; a context's is found out once, when it is needed."""
    source = _source()
    if source.context and source.url is None:
        from database import contexts

        source = _run.source = replace(source, url=contexts.url(source.context))
    return source


def _other(source: url_sources.Source) -> str | None:
    """Name the current context where it leads elsewhere than a `.env`, as far as is known, or is read-only."""
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


def _target(source: url_sources.Source) -> Target:
    if source.url is None:
        return Target(url_sources.LOCAL_NAME, "the embedded server", source.label, local=True)
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


def _connect(source: url_sources.Source, name: str) -> "Database[dict[str, Any]]":
    import mongoengine

    if source.url is None:
        source = _embedded(source, name)
    from database.missing_privileges import MissingPrivileges

    _run.missing_privileges = MissingPrivileges()
    client = _client(source, MILLISECONDS_TO_FIND_A_SERVER, _run.missing_privileges)
    # MongoEngine would read the URL a second time, keep it, and quote it in its errors: it gets a client instead.
    mongoengine.connect(name, uuidRepresentation="standard", mongo_client_class=lambda **_: client)
    return client[name]


def _embedded(source: url_sources.Source, name: str) -> url_sources.Source:
    """Start the embedded server where it does not run, and keep it up while this connection lasts."""
    if os.name != "posix":
        raise NotConfiguredError("the embedded database runs on Linux and macOS alone", "name a server with --url")
    from database import local

    url, _run.lock, _run.embedded = local.use(name)
    return replace(source, url=url)


def _at_hand(choice: url_sources.Choice) -> url_sources.Source | None:
    """Find a source and its URL without side effects."""
    source = url_sources.without_files(choice, os.environ)
    if source is None or source.url is not None:
        return source
    if source.context:
        from database import contexts

        return None if source.context.source == "url-command" else replace(source, url=contexts.url(source.context))
    if os.name != "posix":
        return None
    from database import local

    url = local.peek(url_sources.LOCAL_NAME)
    return None if url is None else replace(source, url=url)


def _client(
    source: url_sources.Source, milliseconds: int, *listeners: "CommandListener"
) -> "MongoClient[dict[str, Any]]":
    """Make a client that waits so long for a server; options of the URL that would be less safe are overridden."""
    import pymongo
    from pymongo.errors import PyMongoError

    from database.decoding import AS_STORED

    logging.getLogger("pymongo").setLevel(logging.CRITICAL)  # it would print tracebacks of what is tried again
    with warnings.catch_warnings():
        # pymongo drops an option it cannot read (`tls=yes`) with a warning and connects without it.
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
            # Their texts quote the URL, passwords and all.
            raise urls.unreadable(source.label) from None


def _leave_at_once() -> None:
    """Keep the driver from waiting half a second at the program's end for threads that sleep or are not needed."""
    from pymongo.synchronous import monitor

    if wait := getattr(monitor, "_shutdown_resources", None):
        atexit.unregister(wait)
