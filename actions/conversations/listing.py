"""Conversations, found by who is in them and what goes on there."""

from typing import Any, Final

from actions import finding
from actions.conversations.filters import Filters
from actions.conversations.rows import FIELDS, Rows
from actions.filter_conditions import between, containing
from changes import Document
from database.errors import UsageError
from database.listing import Listing
from database.referenced_listing import ReferencedListing
from database.references import joined
from models.links import MESSAGE_CONVERSATION

SORTABLE: Final = ("lastMessageAt", "created_at", "name")


def find(filters: Filters | None = None) -> Listing:
    """List conversations as `Rows` makes them, those in which something was said last first.

    Activity is read from the messages, because creating a conversation also sets `lastMessageAt`.
    Raises `UnknownNameError` for a user who is not there.
    """
    chosen = filters or Filters()
    where = joined(_fields(chosen), _people(chosen))
    common: dict[str, Any] = {"resolve": Rows(), "sortable": SORTABLE, "order": "-lastMessageAt", "fields": FIELDS}
    having = between(chosen.active_since, None)
    lacking = {"createAt": between(chosen.idle_since, None)} if chosen.idle_since else None
    if having or lacking or chosen.empty:
        common |= {"having": {"createAt": having} if having else None, "lacking": {} if chosen.empty else lacking}
        return ReferencedListing("Conversation", where, owned=MESSAGE_CONVERSATION, any_form=True, **common)
    return Listing("Conversation", where, **common)


def _fields(filters: Filters) -> Document:
    if filters.group and filters.direct:
        raise UsageError("--group and --direct contradict each other", "give one of them")
    conditions: dict[str, Any] = {
        "isGroup": (filters.group and {"$eq": True}) or (filters.direct and {"$ne": True}),
        "name": filters.search is not None and containing("--search", filters.search),
    }
    return {field: condition for field, condition in conditions.items() if condition}


def _people(filters: Filters) -> Document:
    refs = [ref for ref in (filters.user, *(filters.between or ())) if ref is not None]
    people = dict.fromkeys(finding.user(ref, ())["_id"] for ref in refs)
    return joined({}, *(finding.referring("Conversation", "userIds", person) for person in people))
