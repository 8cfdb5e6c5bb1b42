"""Names that somebody who is typing may mean: from the database in a third of a second, or none."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

SECONDS: Final = 1 / 3
"""What the database has; to load its driver takes a part of a second, too."""
SECONDS_TO_LOAD: Final = 2.0
AT_MOST: Final = 50
SAFE: Final = "[A-Za-z0-9_.@+-]{1,64}"
"""Names that mean nothing to any shell."""


def names(collection: str, begun: str, *, url: str | None = None, local: bool = False) -> list[str]:
    """Give names that begin as a word does, as they are typed; none on any failure.

    Of more than `AT_MOST` the last is among them: what all have in common is not more than it seems.
    """
    found: list[str] = []
    loaded = threading.Event()

    def look() -> None:
        with suppress(Exception):
            found.extend(_look(collection, begun, url, local, loaded.set))
        loaded.set()

    # A name that is looked up in the network cannot be interrupted: the thread is left behind.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    loaded.wait(SECONDS_TO_LOAD)
    thread.join(SECONDS)
    return [] if thread.is_alive() else found


def _look(collection: str, begun: str, url: str | None, local: bool, loaded: Callable[[], None]) -> Iterator[str]:
    from models import connection, sources

    milliseconds = int(SECONDS * 1000)
    with connection.glance(sources.Choice(url, local), milliseconds) as database:
        if database is None:
            return
        from actions import finding

        loaded()
        read = finding.user_key if collection == "User" else partial(finding.key, collection)
        field, value = read(begun)
        if field == "_id":
            return
        where = {field: {"$gte": value, "$lt": f"{value}\U0010ffff", "$regex": f"^{SAFE}$"}}
        options: dict[str, Any] = {"projection": [field], "max_time_ms": milliseconds}
        found = list(database[collection].find(where, sort=[(field, 1)], limit=AT_MOST, **options))
        if len(found) == AT_MOST:
            found += database[collection].find(where, sort=[(field, -1)], limit=1, **options)
    for name in (document[field] for document in found):
        word = f"{begun[: len(begun) - len(value)]}{name}"
        # Not each name means itself: a username may look like an id, or like the e-mail address of somebody else.
        if re.fullmatch(SAFE, name) and not word.startswith("-") and read(word) == (field, name):
            yield word
