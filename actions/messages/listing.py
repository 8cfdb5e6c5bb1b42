"""Messages, found by where and when they were written, by whom, and who has seen them."""

from typing import Any, Final

from actions import finding
from actions.filter_conditions import between
from actions.messages.filters import Filters
from actions.messages.rows import FIELDS, Rows
from changes import Document
from database import connection
from database.listing import Listing, Row
from database.references import joined, not_referring_to

SORTABLE: Final = ("createAt",)
NEWEST: Final = "-createAt"


def find(filters: Filters | None = None) -> Listing:
    """List messages as `Rows` makes them, newest first.

    Raises `UnknownNameError` for a conversation or a user that is not there.
    """
    return Listing("Message", where(filters or Filters()), Rows(), SORTABLE, NEWEST, FIELDS)


def show(ref: str) -> Row:
    """Describe one message."""
    [found] = finding.messages([ref], FIELDS)
    return next(Rows()([found.document]))


def where(filters: Filters) -> Document:
    """Return what matches the messages that are meant."""
    reader, sender = (_user(ref) for ref in (filters.unseen_by, filters.sender))
    conditions: dict[str, Any] = {
        "createAt": between(filters.since, filters.until),
        "image": filters.with_image and {"$nin": [None, ""]},
    }
    return joined(
        {field: condition for field, condition in conditions.items() if condition},
        _conversations(filters.conversation, reader),
        {} if sender is None else finding.referring("Message", "senderId", sender),
        *(not_referring_to(field, reader) for field in ("senderId", "seenIds") if reader is not None),
    )


def _user(ref: str | None) -> Any:
    return None if ref is None else finding.user(ref, ())["_id"]


def _conversations(ref: str | None, reader: Any) -> Document:
    """Match what was written in a conversation, or in all that a reader is in."""
    chosen = [] if ref is None else [finding.one("Conversation", ref, ())["_id"]]
    if reader is not None:
        among = {"_id": {"$in": chosen}} if chosen else {}
        taking_part = joined(among, finding.referring("Conversation", "userIds", reader))
        found = connection.database()["Conversation"].find(taking_part, ["_id"])
        chosen = [conversation["_id"] for conversation in found]
    elif ref is None:
        return {}
    return finding.referring("Message", "conversationId", *chosen)
