"""The one connection of a run: the database that was chosen, reached when it is first needed."""

import atexit
import logging
import os
import warnings
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import failures, sources
from models.errors import ChatctlError, NotConfiguredError, RefusedError, UnreachableError

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database

    from models.refusals import Refusals

MILLISECONDS_TO_FIND_A_SERVER = 5000


@dataclass(frozen=True)
class Target:
    """The database that this run works on, in words that may be shown to anybody."""

    name: str
    host: str
    source: str
    user: str | None = None
    local: bool = False
    password_on_command_line: bool = False


@dataclass
class _Run:
    """What `choose` was told, and what followed from it so far."""

    choice: sources.Choice
    source: sources.Source | None = None
    target: Target | None = None
    database: "Database[dict[str, Any]] | None" = None
    transactions: bool | None = None
    lock: int | None = None
    refusals: "Refusals | None" = None


_run = _Run(sources.Choice())


def choose(
    url: str | None = None, local: bool = False, env_file: Path | None = None, expect: str | None = None
) -> None:
    """Remember the root options of this run; nothing is read or connected before it is needed."""
    global _run  # noqa: PLW0603 - a process works on one database, as MongoEngine's registry has it
    choice = sources.Choice(url, local, env_file, expect)
    close()
    _run = _Run(choice)


def target() -> Target:
    """Say which database was chosen, without connecting to it."""
    if _run.target is None:
        _run.target = _target(_source())
    return _run.target


def database() -> "Database[dict[str, Any]]":
    """Give the database, connecting on first use; that a server answers is known at the first operation."""
    if _run.database is None:
        chosen = target()
        if _run.choice.expect not in {None, chosen.name}:
            raise RefusedError(
                f'this is the database "{chosen.name}" on {chosen.host}, not "{_run.choice.expect}"',
                "name another database, or --expect the right one",
            )
        _run.database = _connect(_source(), chosen.name)
    return _run.database


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
    missing = _run.refusals.missing if _run.refusals else ()
    known = failures.explain(error, _run.target.host if _run.target else "the database's host", missing)
    if isinstance(known, UnreachableError) and _run.lock is not None:
        return UnreachableError(
            "the embedded server has gone away", "run the command again, after `chatctl db stop` if need be"
        )
    return known


def close() -> None:
    """End the connection, if there is one; the next use opens another."""
    if _run.database is not None:
        import mongoengine
        from pymongo.synchronous import monitor

        mongoengine.disconnect()
        _run.database = _run.transactions = None
        # The driver would wait half a second at the program's end for threads that sleep, though its client is closed.
        if wait := getattr(monitor, "_shutdown_resources", None):
            atexit.unregister(wait)
    if _run.lock is not None:  # the embedded server may end when nobody holds it any more
        os.close(_run.lock)
        _run.lock = None


def _source() -> sources.Source:
    if _run.source is None:
        _run.source = sources.find(_run.choice, os.environ)
    return _run.source


def _target(source: sources.Source) -> Target:
    if source.url is None:
        return Target(sources.LOCAL_NAME, "the embedded server", source.label, local=True)
    address = sources.parse(source)
    exposed = address.has_password and source.label == "--url"
    return Target(address.name, address.hosts, source.label, address.user, password_on_command_line=exposed)


def _connect(source: sources.Source, name: str) -> "Database[dict[str, Any]]":
    import mongoengine

    if source.url is None:
        source = _embedded(source, name)
    client = _client(source)
    # MongoEngine would read the URL a second time, keep it, and quote it in its errors: it gets a client instead.
    mongoengine.connect(name, uuidRepresentation="standard", mongo_client_class=lambda **_: client)
    return client[name]


def _embedded(source: sources.Source, name: str) -> sources.Source:
    """Start the embedded server where it does not run, and keep it up while this connection lasts."""
    if os.name != "posix":
        raise NotConfiguredError("the embedded database runs on Linux and macOS alone", "name a server with --url")
    from models import local

    url, _run.lock = local.use(name)
    return replace(source, url=url)


def _client(source: sources.Source) -> "MongoClient[dict[str, Any]]":
    """Make the client; options of the URL that would read or write less safely are set aside."""
    import pymongo
    from pymongo.errors import PyMongoError

    from models.refusals import Refusals

    _run.refusals = Refusals()
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
                event_listeners=[_run.refusals],
                tz_aware=True,
                uuidRepresentation="standard",
                datetime_conversion="DATETIME_AUTO",  # a date beyond the year 9999 is no reason to fail
                read_preference=pymongo.ReadPreference.PRIMARY,
                w="majority",
                serverSelectionTimeoutMS=MILLISECONDS_TO_FIND_A_SERVER,
                connectTimeoutMS=MILLISECONDS_TO_FIND_A_SERVER,
            )
        except (PyMongoError, ValueError, TypeError, OSError, UserWarning):
            # Their texts quote the URL, passwords and all.
            raise sources.unreadable(source) from None
