"""Names that somebody who is typing may mean: from the database in a third of a second, or none."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from database import url_sources
from models.names import EASY

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from changes import Document

Read = Callable[[str], tuple[str, Any]]
"""From what is typed to the field and the value that it means."""

SECONDS: Final = 1 / 3
"""What the database has; to load its driver takes a part of a second, too."""
SECONDS_TO_LOAD: Final = 2.0
AT_MOST: Final = 50
READ_AT_MOST: Final = 1_000
"""Documents, where most of the names are none that is offered."""


def names(collection: str, begun: str, choice: url_sources.Choice) -> list[str]:
    """Give names that begin as a word does, as they are typed; none on any failure.

    Where there are more than `AT_MOST`, the last of all is among them: what those given have in common, all have.
    """
    found: list[str] = []
    loaded = threading.Event()

    def look() -> None:
        with suppress(Exception):
            found.extend(_look(collection, begun, choice, loaded.set))
        loaded.set()

    # To look up a host's name cannot be interrupted: the thread is left behind.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    loaded.wait(SECONDS_TO_LOAD)
    thread.join(SECONDS)
    return [] if thread.is_alive() else found


def _look(collection: str, begun: str, choice: url_sources.Choice, loaded: Callable[[], None]) -> list[str]:
    from database import connection

    with connection.peek(choice, _milliseconds()) as database:
        if database is None:
            return []
        from actions import finding

        loaded()
        read = finding.user_key if collection == "User" else finding.key
        found = list(islice(_words(database[collection], begun, read, 1), AT_MOST))
        return found if len(found) < AT_MOST else [*found, *islice(_words(database[collection], begun, read, -1), 1)]


def _words(documents: "Collection[Document]", begun: str, read: Read, way: int) -> Iterator[str]:
    """Give names in their order, up or down, as they are typed.

    Not each name means itself: a username may look like an id, or like the e-mail of somebody else.
    """
    field, value = read(begun)
    if field == "_id":
        return
    head = begun[: len(begun) - len(value)]
    where = {field: {"$gte": value, "$lt": f"{value}\U0010ffff"}}
    options: dict[str, Any] = {"limit": READ_AT_MOST, "max_time_ms": _milliseconds()}
    for document in documents.find(where, [field], sort=[(field, way)], **options):
        name = document[field]
        word = f"{head}{name}"
        if isinstance(name, str) and EASY.fullmatch(name) and read(word) == (field, name):
            yield word


def _milliseconds() -> int:
    return int(SECONDS * 1000)
