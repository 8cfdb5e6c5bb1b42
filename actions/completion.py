"""Read names from the database for shell completion. The database has a third of a second to answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from database import urls
from database.own_collections import PROPOSALS
from models.names import EASY

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from changes import Document

Read = Callable[[str], tuple[str, Any]]
"""A function that takes a typed text. It returns the field to search, and the value to search for in this field."""

SECONDS: Final = 1 / 3
"""The time limit for the answer of the database, in seconds. The time to load the database driver does not count."""
SECONDS_TO_LOAD: Final = 2.0
AT_MOST: Final = 50
READ_AT_MOST: Final = 1_000
"""The largest number of documents to read. It is only reached if most of the names cannot be completed."""


def names(collection: str, prefix: str, choice: urls.Choice) -> list[str]:
    """Return the names that begin with a text, in the form in which users type them. After any error, return no names.

    If there are more than `AT_MOST` names, only the first names and the very last name are returned. From these names,
    the shell still finds the first letters that all names have in common.
    """
    found: list[str] = []
    loaded = threading.Event()

    def read() -> None:
        with suppress(Exception):
            found.extend(_read_names(collection, prefix, choice, loaded.set))
        loaded.set()

    # Nothing can interrupt the lookup of a host name. If it takes too long, the thread continues to run.
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    loaded.wait(SECONDS_TO_LOAD)
    thread.join(SECONDS)
    return [] if thread.is_alive() else found


def _read_names(collection: str, prefix: str, choice: urls.Choice, loaded: Callable[[], None]) -> list[str]:
    from database import connection

    with connection.peek(choice, _milliseconds()) as database:
        if database is None:
            return []
        from actions import lookup

        loaded()
        read = lookup.parse_user_ref if collection == "User" else lookup.parse_ref
        documents = database[collection]
        if collection == PROPOSALS:
            return list(islice(_open_proposals(documents, prefix), AT_MOST))
        found = list(islice(_matching_names(documents, prefix, read, 1), AT_MOST))
        last = islice(_matching_names(documents, prefix, read, -1), 1)
        return found if len(found) < AT_MOST else [*found, *last]


def _matching_names(documents: "Collection[Document]", prefix: str, read: Read, direction: int) -> Iterator[str]:
    """Yield names in ascending (1) or descending (-1) order, in the form in which users type them.

    A name is left out if chatctl would not read it as a name, for example because it looks like an id.
    """
    field, value = read(prefix)
    if field == "_id":
        return
    head = prefix[: len(prefix) - len(value)]
    where = {field: {"$gte": value, "$lt": f"{value}\U0010ffff"}}
    options: dict[str, Any] = {"limit": READ_AT_MOST, "max_time_ms": _milliseconds()}
    for document in documents.find(where, [field], sort=[(field, direction)], **options):
        name = document[field]
        word = f"{head}{name}"
        if isinstance(name, str) and EASY.fullmatch(name) and read(word) == (field, name):
            yield word


def _open_proposals(documents: "Collection[Document]", prefix: str) -> Iterator[str]:
    """Yield the ids of proposals that are not decided yet and have not expired."""
    where = {"kind": "proposal", "expires": {"$gt": datetime.now(UTC)}}
    found = documents.find(where, ["_id"], sort=[("_id", -1)], limit=READ_AT_MOST, max_time_ms=_milliseconds())
    ids = [text for one in found if (text := str(one["_id"])).startswith(prefix) and EASY.fullmatch(text)]
    decisions = {"_id": {"$in": [f"decision:{one}" for one in ids]}}
    decided = {one["_id"] for one in documents.find(decisions, ["_id"], max_time_ms=_milliseconds())}
    yield from (one for one in ids if f"decision:{one}" not in decided)


def _milliseconds() -> int:
    return int(SECONDS * 1000)
