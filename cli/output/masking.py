"""Mask messages and images: in a database that is protected with --mask-bodies, only their lengths are shown."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from cli.invocation import Invocation
from cli.views import MESSAGES
from database.wording import counted

Row = dict[str, Any]

PRIVATE: Final = frozenset(column.key for column in MESSAGES if column.private)
WHOLE: Final = frozenset({"firstMessage", "lastMessage"})
"""Private columns whose values are whole messages. Of such a message, only the text and the image are masked."""
MASKED: Final = (
    "messages and images are masked in this database; --reveal --reason TEXT shows them and records an event"
)


def may_show(invocation: Invocation, note: Callable[[str], None], targets: Sequence[Any] = ()) -> bool:
    """Decide once for each run whether messages are shown. If the database audits reading, record an event first.

    `targets` are the ids of the documents that are shown, if they are known. `note` tells the user that messages are
    masked.
    """
    if invocation.shows_bodies is None:
        from changes.events import record_reading
        from database import connection

        marker = connection.marker()
        masked = marker is not None and marker.mask_bodies
        invocation.shows_bodies = not masked or invocation.reveal
        if not invocation.shows_bodies:
            note(MASKED)
        elif marker is not None and (masked or marker.audit_reads):
            record_reading(invocation.command, invocation.reason, targets)
    return invocation.shows_bodies


def masked_rows(rows: Iterable[Row], private: Collection[str]) -> Iterator[Row]:
    """Yield rows in which each value of a private column is replaced by its length."""
    return ({key: _masked(key, value) if key in private else value for key, value in row.items()} for row in rows)


def masked_message(row: Row) -> Row:
    """Return a message in which the text and the image are replaced by their lengths."""
    return {key: masked(value) if key in PRIVATE else value for key, value in row.items()}


def masked(value: Any) -> Any:
    """Return a text like `(12 characters)`, which is printed instead of a private value.

    The value may have any type.
    """
    from changes.visible_values import is_withheld

    return value if value is None or is_withheld(value) else f"({counted(len(str(value)), 'character')})"


def is_private(entry: Row) -> bool:
    """Tell whether a recorded change of an event (`entry`) contains the text or the image of a message."""
    return entry["collection"] == "Message" and any(row["field"] in PRIVATE for row in entry["fields"])


def masked_entry(entry: Row) -> Row:
    """Return a recorded change of an event in which texts and images of messages are replaced by their lengths."""
    if not is_private(entry):
        return entry
    fields = (
        {side: masked(value) if side != "field" and row["field"] in PRIVATE else value for side, value in row.items()}
        for row in entry["fields"]
    )
    return {**entry, "fields": list(fields)}


def _masked(key: str, value: Any) -> Any:
    return masked_message(value) if key in WHOLE and value is not None else masked(value)
