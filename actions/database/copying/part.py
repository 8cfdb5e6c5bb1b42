"""Choose a part of a database to copy: some users and conversations, and everything that belongs to them."""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pymongo.database import Database

from database.ids import Document
from database.references import AT_ONCE, documents, references_in, referred, referring_to
from models.links import OTHER_SIDES

COPIED_IDS: Final = {("Conversation", "messagesIds"): "Message"}
"""A list of ids that only one side has → the collection of the documents."""
LISTS: Final = {side: other for side, (other, _) in OTHER_SIDES.items()} | COPIED_IDS
"""(collection, field) of each list of ids → the collection of the documents that it lists."""


@dataclass(frozen=True)
class Wanted:
    """What the user wants to copy. At most one of these is given; without any, it is everything."""

    users: int | None = None
    since: datetime | None = None
    conversations: Collection[Any] = ()

    @property
    def everything(self) -> bool:
        return self.users is None and self.since is None and not self.conversations


class Ids:
    """A set of ids that needs only 8 bytes for each id, because there may be millions of messages."""

    def __init__(self, ids: Iterable[Any]) -> None:
        self._hashes = array("q", sorted(map(hash, ids)))

    def __contains__(self, identifier: Any) -> bool:
        number = hash(identifier)
        place = bisect_left(self._hashes, number)
        return place < len(self._hashes) and self._hashes[place] == number

    def __len__(self) -> int:
        return len(self._hashes)


@dataclass
class Part:
    """The ids of the documents of a part, by collection. `messages` is a filter that finds its messages, and others.

    In a part, no list has the id of a document that is not in the part, and no document is without its parent.
    """

    ids: dict[str, "Collection[Any] | Ids"]
    messages: Document = field(default_factory=dict)

    def where(self, collection: str) -> Document:
        return self.messages if collection == "Message" else {}

    def take(self, collection: str, found: Iterable[Document]) -> list[Document]:
        """Return the documents that belong to the part. Their lists have only ids of documents of the part."""
        lists = [(name, self.ids[other]) for (side, name), other in LISTS.items() if side == collection]
        return [_trimmed(document, lists) for document in found if self._has(collection, document)]

    def _has(self, collection: str, document: Document) -> bool:
        if collection in {"Profile", "Account"}:
            return _is_in(self.ids["User"], document.get("userId"))
        return _is_in(self.ids[collection], document["_id"])


def _is_in(ids: "Collection[Any] | Ids", value: Any) -> bool:
    identifier = referred(value)
    return isinstance(identifier, Hashable) and identifier in ids


def _trimmed(document: Document, lists: Iterable[tuple[str, Any]]) -> Document:
    for name, ids in lists:
        if isinstance(listed := document.get(name), list):
            document[name] = [item for item in listed if _is_in(ids, item)]
    return document


def choose(database: Database[Document], wanted: Wanted) -> Part:
    """Read the ids of the users, conversations and messages of a part.

    The senders of the messages belong to it too, because a message without its sender breaks the application.
    """
    if wanted.users is not None:
        users, conversations = _some_users(database, wanted.users)
    else:
        users, conversations = _conversations(database, wanted)
    where = _messages_of(database, wanted, conversations)
    ids: dict[str, Any] = {"Conversation": conversations, "User": users}
    ids["Message"] = Ids(_messages(database, where, conversations, users))
    for collection in ("Role", "Permission"):
        ids[collection] = {referred(one["_id"]) for one in database[collection].find({}, ["_id"])}
    return Part(ids, where)


def _some_users(database: Database[Document], number: int) -> tuple[set[Any], set[Any]]:
    """Return users and the conversations in which only they are: the last used ones first, then new users."""
    users: set[Any] = set()
    conversations: set[Any] = set()
    for place in database["Conversation"].find({}, ["userIds"]).sort("lastMessageAt", -1):
        people = references_in(place, "userIds")
        if people and len(users | people) <= number:
            users |= people
            conversations.add(referred(place["_id"]))
    users = _existing(database, users)
    for user in database["User"].find({}, ["_id"]).sort("_id", -1):
        if len(users) >= number:
            break
        users.add(referred(user["_id"]))
    return users, conversations


def _conversations(database: Database[Document], wanted: Wanted) -> tuple[set[Any], set[Any]]:
    """Return the users and the ids of the wanted conversations, and the users who were active since the wanted time."""
    if wanted.since is None:
        found = documents(database, "Conversation", wanted.conversations, ["userIds"])
        active: Iterable[Document] = ()
    else:
        since = {"$gte": wanted.since}
        found = database["Conversation"].find({"lastMessageAt": since}, ["userIds"])
        active = database["User"].find({"$or": [{"createdAt": since}, {"lastLogin": since}]}, ["_id"])
    users: set[Any] = set()
    conversations: set[Any] = set()
    for place in found:
        users |= references_in(place, "userIds")
        conversations.add(referred(place["_id"]))
    return _existing(database, users) | {referred(user["_id"]) for user in active}, conversations


def _existing(database: Database[Document], users: Iterable[Any]) -> set[Any]:
    return {referred(user["_id"]) for user in documents(database, "User", users, ["_id"])}


def _messages_of(database: Database[Document], wanted: Wanted, conversations: Collection[Any]) -> Document:
    """Return a filter for the messages of a part. For many conversations it finds other messages too."""
    if wanted.since is not None:
        return {"createAt": {"$gte": wanted.since}}
    few = len(conversations) <= AT_ONCE
    return referring_to(database, "Message", "conversationId", conversations) if few else {}


def _messages(
    database: Database[Document], where: Mapping[str, Any], conversations: Collection[Any], users: set[Any]
) -> Iterator[Any]:
    """Yield the ids of the messages of some conversations, and add their senders to the users."""
    absent: set[Any] = set()
    for message in database["Message"].find(where, ["conversationId", "senderId"]):
        sender = referred(message.get("senderId"))
        if not _is_in(conversations, message.get("conversationId")) or not isinstance(sender, Hashable):
            continue
        if sender not in users and sender not in absent:
            (users if _existing(database, [sender]) else absent).add(sender)
        if sender in users and isinstance(identifier := referred(message["_id"]), Hashable):
            yield identifier
