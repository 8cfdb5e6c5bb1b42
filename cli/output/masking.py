"""What people wrote to each other: shown as it is, or as its length where the database is marked so."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from cli.invocation import Invocation
from cli.views import MESSAGES
from database.wording import counted

Row = dict[str, Any]

PRIVATE: Final = frozenset(column.key for column in MESSAGES if column.private)
WHOLE: Final = frozenset({"firstMessage", "lastMessage"})
"""Private columns whose values are messages."""
MASKED: Final = (
    "messages and images are masked in this database; --reveal --reason TEXT shows them and records an event"
)


def may_show(invocation: Invocation, note: Callable[[str], None], targets: Sequence[Any] = ()) -> bool:
    """Decide, once a run, whether what people wrote is shown; where reading it is audited, leave the event first.

    `targets` are the ids of what is looked at, as far as one thing is. Whoever sees it masked is told so with `note`.
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
    """Give rows with their private values as lengths."""
    return ({key: _masked(key, value) if key in private else value for key, value in row.items()} for row in rows)


def masked_message(row: Row) -> Row:
    """Give a message with what it says as lengths."""
    return {key: masked(value) if key in PRIVATE else value for key, value in row.items()}


def masked(value: Any) -> Any:
    """Say of a private value how long it is, whatever it is in broken data."""
    from changes.visible_values import is_withheld

    return value if value is None or is_withheld(value) else f"({counted(len(str(value)), 'character')})"


def is_private(entry: Row) -> bool:
    """Tell whether an entry of the audit trail has in it what somebody wrote."""
    return entry["collection"] == "Message" and any(row["field"] in PRIVATE for row in entry["fields"])


def masked_entry(entry: Row) -> Row:
    """Give an entry of the audit trail with what people wrote as lengths."""
    if not is_private(entry):
        return entry
    fields = (
        {side: masked(value) if side != "field" and row["field"] in PRIVATE else value for side, value in row.items()}
        for row in entry["fields"]
    )
    return {**entry, "fields": list(fields)}


def _masked(key: str, value: Any) -> Any:
    return masked_message(value) if key in WHOLE and value is not None else masked(value)
