"""The driver's client: how it is made, and how a program that has one ends."""

import atexit
import logging
import warnings
from typing import TYPE_CHECKING, Any

from database import addresses, sources

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.monitoring import CommandListener


def make(source: sources.Source, milliseconds: int, *listeners: "CommandListener") -> "MongoClient[dict[str, Any]]":
    """Make a client, which waits so long for a server; options of the URL that would be less safe are set aside."""
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
            raise addresses.unreadable(source.label) from None


def leave_at_once() -> None:
    """Keep the driver from waiting half a second at the program's end for threads that sleep or are not needed."""
    from pymongo.synchronous import monitor

    if wait := getattr(monitor, "_shutdown_resources", None):
        atexit.unregister(wait)
