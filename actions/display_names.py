"""Read the usernames of users and the titles of conversations, to show them instead of ids.

Each query reads the names for many ids.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from bson import ObjectId

from actions import lookup, queries
from changes import Document
from changes.visible_values import readable_text
from database.ids import id_text
from database.listing import Row
from database.references import referred
from database.wording import NAMED

FIELDS: Final = ("name", "isGroup", "userIds")
"""The fields of a conversation that its title needs."""

MOST_USERNAMES: Final = 50_000
MOST_CONVERSATIONS: Final = 10_000
"""The largest number of conversations to keep in memory.

If there are more, only the conversations that are needed now are kept.
"""


def id_texts(document: Document, field: str) -> list[str]:
    """Return the ids in a list of a document as texts. The stored ids may have any type."""
    value = document.get(field)
    if not isinstance(value, list):
        return []
    items = (item if type(item) is ObjectId else referred(item) for item in value)
    return [str(item) for item in items if isinstance(item, (ObjectId, str))]


class Usernames:
    """Keep the usernames of users in memory: id → username."""

    def __init__(self) -> None:
        self._names: dict[str, str | None] = {}

    def load(self, ids: Iterable[str]) -> None:
        """Read the usernames of those users whose usernames are not in memory yet."""
        wanted = set(ids)
        if len(self._names) > MOST_USERNAMES:
            self._names = {user: self._names[user] for user in wanted & self._names.keys()}
        new = wanted - self._names.keys()
        self._names |= dict.fromkeys(new)
        for user in queries.find_by_ids("User", new, ["username"]):
            self._names[id_text(referred(user["_id"]))] = lookup.user_label(user)

    def get(self, user: str) -> str | None:
        """Return the username of a user. Call `load` with this user first. Return None if the user no longer exists."""
        return self._names[user]


class TitledConversation(NamedTuple):
    """A conversation with its title. `participants` lists `{id, username}` of each participant.

    `title` is the name of a group. Without a name, it is made of the usernames of the participants.
    """

    id: str
    title: str
    participants: Sequence[Row]


class ConversationTitles:
    """Keep the titles and participants of conversations in memory, by id."""

    def __init__(self, usernames: Usernames | None = None) -> None:
        self._usernames = usernames or Usernames()
        self._titled: dict[str, TitledConversation] = {}

    def load(self, ids: Iterable[str], users: Iterable[str]) -> None:
        """Read those conversations and usernames that are not in memory yet."""
        wanted = set(ids)
        if len(self._titled) > MOST_CONVERSATIONS:
            self._titled = {key: self._titled[key] for key in wanted & self._titled.keys()}
        new = wanted - self._titled.keys()
        self.add(list(queries.find_by_ids("Conversation", new, FIELDS)), users)
        for key in new - self._titled.keys():
            self._titled[key] = TitledConversation(key, "deleted conversation", ())

    def add(self, conversations: Sequence[Document], users: Iterable[str] = ()) -> None:
        """Add conversations that have the fields `FIELDS`, and read the usernames of their participants."""
        members = {_key(conversation["_id"]): id_texts(conversation, "userIds") for conversation in conversations}
        self._usernames.load([*users, *(user for some in members.values() for user in some)])
        for conversation in conversations:
            key = _key(conversation["_id"])
            participants = [self.person(user) for user in dict.fromkeys(members[key])]
            self._titled[key] = TitledConversation(key, _title(conversation, participants), participants)

    def get(self, conversation: Any) -> TitledConversation:
        """Return the conversation with this id. Call `load` with this conversation first."""
        return self._titled[_key(conversation)]

    def person(self, user: str) -> Row:
        """Return `{id, username}` of a user.

        Call `load` with this user first. The username of a deleted user is None.
        """
        return {"id": user, "username": self._usernames.get(user)}


def titles(conversations: Sequence[Document]) -> dict[Any, str]:
    """Return id → title of conversations. Participants are read only if a conversation has no name."""
    known = ConversationTitles()
    known.add([{**one, "userIds": []} if one.get("name") else one for one in conversations])
    return {one["_id"]: known.get(one["_id"]).title for one in conversations}


def person_label(person: Row) -> str:
    """Return the text that names a person `{id, username}`.

    The text for a deleted user contains the id. The text for an unknown person is "unknown author".
    """
    return str(person["username"] or (f"deleted user {person['id']}" if person["id"] else "unknown author"))


def people_label(people: Sequence[Row]) -> str:
    """Return the names of people as one text. If there are many people, name the first ones and count the others."""
    more = f" and {len(people) - NAMED:,} more" if len(people) > NAMED else ""
    return f"{', '.join(map(person_label, people[:NAMED]))}{more}"


def _key(conversation: Any) -> str:
    return id_text(referred(conversation))


def _title(conversation: Document, participants: Sequence[Row]) -> str:
    if name := conversation.get("name"):
        return readable_text(name)
    return people_label(participants) or "no participants"
