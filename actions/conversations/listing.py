"""List conversations, and show one conversation with the unread messages of each participant."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from pymongo import DESCENDING

from actions import SORTABLE, display_names, lookup, messages, queries
from actions.display_names import ConversationTitles, TitledConversation, Usernames, id_texts
from actions.queries import contains_text, reference_counter, time_range
from changes import Document
from changes.visible_values import readable
from database import connection
from database.errors import UsageError
from database.ids import id_text
from database.listing import Listing, Row
from database.referenced_listing import ReferencedListing
from database.references import forms, has_other_forms, joined, reference_filter, referred
from models.links import MESSAGE_CONVERSATION

CONVERSATION_FIELDS: Final = ("lastMessageAt", "created_at", *display_names.FIELDS)
"""The fields to read of a conversation. `messagesIds` is not read, because it may have hundreds of thousands of ids."""

NEWEST: Final = [("createAt", DESCENDING), ("_id", DESCENDING)]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of `conversations list`. They are combined with AND. Times are in UTC."""

    user: str | None = None
    between: tuple[str, str] | None = None
    group: bool = False
    direct: bool = False
    active_since: datetime | None = None
    idle_since: datetime | None = None
    search: str | None = None
    empty: bool = False


def find(filters: Filters | None = None) -> Listing:
    """List conversations as rows of `ConversationRows`. The conversation with the newest message is first.

    Filters for recent activity read the messages, because `lastMessageAt` is also set when a conversation is created.
    Raises `UnknownNameError` for an unknown user.
    """
    chosen = filters or Filters()
    where = joined(_by_fields(chosen), _by_participants(chosen))
    common: dict[str, Any] = {
        "resolve": ConversationRows(),
        "sortable": SORTABLE["conversations"],
        "order": "-lastMessageAt",
        "fields": CONVERSATION_FIELDS,
    }
    having = time_range(chosen.active_since, None)
    lacking = {"createAt": time_range(chosen.idle_since, None)} if chosen.idle_since else None
    if having or lacking or chosen.empty:
        common |= {"having": {"createAt": having} if having else None, "lacking": {} if chosen.empty else lacking}
        return ReferencedListing("Conversation", where, owned=MESSAGE_CONVERSATION, any_form=True, **common)
    return Listing("Conversation", where, **common)


def _by_fields(filters: Filters) -> Document:
    if filters.group and filters.direct:
        raise UsageError("--group and --direct cannot be combined", "use one of them")
    conditions: dict[str, Any] = {
        "isGroup": (filters.group and {"$eq": True}) or (filters.direct and {"$ne": True}),
        "name": filters.search is not None and contains_text("--search", filters.search),
    }
    return {field: condition for field, condition in conditions.items() if condition}


def _by_participants(filters: Filters) -> Document:
    refs = [ref for ref in (filters.user, *(filters.between or ())) if ref is not None]
    people = dict.fromkeys(lookup.find_user(ref, ())["_id"] for ref in refs)
    return joined({}, *(queries.refers_to("Conversation", "userIds", person) for person in people))


class ConversationRows:
    """Make rows of conversations. Messages are read only if a requested column needs them.

    A row is `{id, title, participants, lastMessageAt, name, isGroup, created_at}`. If `unread` is requested, it lists
    the participants who have not seen the last message. As in the application, earlier messages do not count. If
    `messages` is requested, it is the number of messages.
    """

    def __init__(self) -> None:
        self._names = Usernames()

    def __call__(self, conversations: Sequence[Document], columns: Collection[str] = ()) -> Iterator[Row]:
        places = ConversationTitles(self._names)
        places.add(conversations)
        identifiers = [conversation["_id"] for conversation in conversations]
        odd = "unread" in columns and has_other_forms(connection.database(), "Message", "conversationId")
        message_counts = reference_counter("Message", "conversationId")(identifiers) if "messages" in columns else None
        for conversation in conversations:
            identifier = conversation["_id"]
            place = places.get(identifier)
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
                row["unread"] = _not_read_by(place, reference_filter("conversationId", [identifier], odd=odd))
            if message_counts is not None:
                row["messages"] = message_counts[referred(identifier)]
            yield row


def _not_read_by(place: TitledConversation, where: Document) -> list[Row]:
    last = connection.database()["Message"].find_one(where, ["seenIds"], sort=NEWEST)
    seen = {*id_texts(last, "seenIds")} if last else set()
    return [person for person in place.participants if last and person["id"] not in seen]


ENDS: Final = {"first": "createAt", "last": "-createAt"}
RECENT: Final = 1_000
"""The number of newest messages to search first.

Nearly every participant has seen or written one of these messages.
"""


def show(conversation: str) -> Row:
    """Return the row that `find` makes of a conversation, with its first and last message, `unread` and `people`.

    `messages` is the number of messages. A message is unread for a person if it is newer than all messages that this
    person has seen or written. `unread` lists the participants with unread messages, and the number of these messages.
    `people` lists all participants, with the numbers of their sent messages and of their unread messages.
    """
    document = lookup.find_one("Conversation", conversation, CONVERSATION_FIELDS)
    [row] = ConversationRows()([document])
    found = messages.find(messages.Filters(conversation=f"id:{id_text(document['_id'])}"))
    sent = _sent_counts(found.where)
    total = sum(sent.values())
    missed = unread_counts(found.where, [person["id"] for person in row["participants"]], total)
    people = [
        {"person": person, "messages": sent.get(person["id"], 0), "unread": missed[person["id"]]}
        for person in row["participants"]
    ]
    ends = {name: next(found.rows(sort, limit=1), None) for name, sort in ENDS.items()}
    return {
        **row,
        "messages": total,
        **{f"{name}Message": message for name, message in ends.items()},
        "unread": [{**one["person"], "messages": one["unread"]} for one in people if one["unread"]],
        "people": people,
        "ends": [{**message, "which": name} for name, message in ends.items() if message],
    }


def _sent_counts(where: Document) -> dict[str, int]:
    """Count the messages of each sender: id of the sender as text → number."""
    pipeline: list[dict[str, Any]] = [{"$match": where}, {"$group": {"_id": "$senderId", "n": {"$sum": 1}}}]
    counted: dict[str, int] = {}
    for group in connection.database()["Message"].aggregate(pipeline):
        sender = id_text(referred(group["_id"]))
        counted[sender] = counted.get(sender, 0) + group["n"]
    return counted


def unread_counts(where: Document, people: Collection[str], total: int) -> dict[str, int]:
    """Count the unread messages of each person: those after the last message that the person has seen or written.

    `where` matches all messages of one conversation, and `total` is the number of these messages.
    """
    unread: dict[str, int] = {}
    read = 0
    for message in _messages().find(where, ["senderId", "seenIds"], sort=NEWEST, limit=RECENT):
        for person in (id_text(referred(message.get("senderId"))), *id_texts(message, "seenIds")):
            unread.setdefault(person, read)
        read += 1
        if unread.keys() >= {*people}:
            break
    left = [person for person in people if person not in unread]
    last = _last_read(where, left) if left and read == RECENT else {}
    newer = {place: _count_newer(where, *place) for place in {*last.values()}}
    return {
        person: unread[person] if person in unread else newer[last[person]] if person in last else total
        for person in people
    }


def _last_read(where: Document, people: Collection[str]) -> dict[str, tuple[Any, ObjectId]]:
    """Find the last message that each person has seen or written: person → time and id of the message.

    All people need only one query.
    """
    among = [form for person in people for form in forms(person)]
    seen = {"$cond": [{"$isArray": "$seenIds"}, "$seenIds", []]}
    pipeline: list[Document] = [
        {"$match": joined(where, {"$or": [{"senderId": {"$in": among}}, {"seenIds": {"$in": among}}]})},
        {"$sort": dict(NEWEST)},
        {"$project": {"createAt": 1, "person": {"$concatArrays": [["$senderId"], seen]}}},
        {"$unwind": "$person"},
        {"$match": {"person": {"$in": among}}},
        {"$group": {"_id": {"$toString": "$person"}, "at": {"$first": "$createAt"}, "id": {"$first": "$_id"}}},
    ]
    return {group["_id"]: (group["at"], group["id"]) for group in _messages().aggregate(pipeline)}


def _count_newer(where: Document, at: Any, identifier: ObjectId) -> int:
    after = [{"createAt": {"$gt": at}}, {"createAt": at, "_id": {"$gt": identifier}}]
    return int(_messages().count_documents(joined(where, {"$or": after})))


def _messages() -> Any:
    return connection.database()["Message"]
