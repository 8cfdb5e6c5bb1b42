"""List conversations, by who is in them and by what goes on there."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo import DESCENDING

from actions import conversation_titles, finding
from actions.conversation_titles import Place, Places
from actions.filter_conditions import between, containing
from actions.reference_counts import counting
from actions.usernames import Names, ids
from changes import Document
from changes.showable import readable
from database import connection
from database.errors import UsageError
from database.listing import Listing, Row
from database.referenced_listing import Linked
from database.references import filter_of, has_other_forms, joined, referred
from models.links import MESSAGE_CONVERSATION

SORTABLE: Final = ("lastMessageAt", "created_at", "name")
FIELDS: Final = ("lastMessageAt", "created_at", *conversation_titles.FIELDS)
"""What is read of a conversation. Never the ids of its messages: there may be hundreds of thousands."""

NEWEST: Final = [("createAt", DESCENDING), ("_id", DESCENDING)]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of conversations is narrowed by; all that is given has to hold. Times are in UTC."""

    user: str | None = None
    between: tuple[str, str] | None = None
    group: bool = False
    direct: bool = False
    active_since: datetime | None = None
    idle_since: datetime | None = None
    search: str | None = None
    empty: bool = False


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
        return Linked("Conversation", where, owned=MESSAGE_CONVERSATION, any_form=True, **common)
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


class Rows:
    """Make rows of conversations, some at a time; of what has to be read of messages only the columns that are wanted.

    A row is `{id, title, participants, lastMessageAt, name, isGroup, created_at}` and, where wanted, `unread` (who has
    not seen the last message, which is all that the application goes by) and `messages`, how many there are.
    """

    def __init__(self) -> None:
        self._names = Names()

    def __call__(self, conversations: Sequence[Document], columns: Collection[str] = ()) -> Iterator[Row]:
        known = Places(self._names)
        known.learn(conversations)
        wanted = [conversation["_id"] for conversation in conversations]
        odd = "unread" in columns and has_other_forms(connection.database(), "Message", "conversationId")
        counted = counting("Message", "conversationId")(wanted) if "messages" in columns else None
        for conversation in conversations:
            identifier = conversation["_id"]
            place = known.of(identifier)
            row = {
                "id": identifier,
                "title": place.title,
                "participants": place.participants,
                "lastMessageAt": readable(conversation.get("lastMessageAt")),
                "name": readable(conversation.get("name")),
                "isGroup": readable(conversation.get("isGroup")),
                "created_at": readable(conversation.get("created_at")),
            }
            if "unread" in columns:
                row["unread"] = _unread(place, filter_of("conversationId", [identifier], odd=odd))
            if counted is not None:
                row["messages"] = counted[referred(identifier)]
            yield row


def _unread(place: Place, where: Document) -> list[Row]:
    last = connection.database()["Message"].find_one(where, ["seenIds"], sort=NEWEST)
    seen = {*ids(last, "seenIds")} if last else set()
    return [person for person in place.participants if last and person["id"] not in seen]
