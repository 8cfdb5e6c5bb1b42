"""Conversations as messages show them: what they are called, and who takes part."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from actions import finding
from actions.usernames import Names, ids
from changes import Document
from changes.visible_values import readable_text
from database.ids import id_text
from database.listing import Row
from database.references import referred
from database.wording import NAMED

FIELDS: Final = ("name", "isGroup", "userIds")
"""What has to be read of a conversation."""

PAIR: Final = 2
"""People in a one-to-one conversation."""

HELD: Final = 10_000
"""Conversations that are kept in memory."""


class Place(NamedTuple):
    """A conversation: `title` is the name of a group, or else who is in it; `participants` are `{id, username}`."""

    id: str
    title: str
    participants: Sequence[Row]


class Places:
    """Conversations and people, read many at a time."""

    def __init__(self, names: Names | None = None) -> None:
        self._names = names or Names()
        self._known: dict[str, Place] = {}

    def meet(self, places: Iterable[str], people: Iterable[str]) -> None:
        """Read the conversations and people that are not known yet."""
        wanted = set(places)
        if len(self._known) > HELD:
            self._known = {place: self._known[place] for place in wanted & self._known.keys()}
        new = wanted - self._known.keys()
        self.learn(list(finding.with_id("Conversation", new, FIELDS)), people)
        for place in new - self._known.keys():
            self._known[place] = Place(place, "a conversation that is gone", ())

    def learn(self, conversations: Sequence[Document], people: Iterable[str] = ()) -> None:
        """Take conversations that were read, with their `FIELDS`, and read who is in them."""
        members = {_key(conversation["_id"]): ids(conversation, "userIds") for conversation in conversations}
        self._names.meet([*people, *(person for some in members.values() for person in some)])
        for conversation in conversations:
            key = _key(conversation["_id"])
            participants = [self.person(person) for person in dict.fromkeys(members[key])]
            self._known[key] = Place(key, _title(conversation, participants), participants)

    def of(self, conversation: Any) -> Place:
        """Return a conversation that `meet` or `learn` has seen."""
        return self._known[_key(conversation)]

    def person(self, person: str) -> Row:
        """Return `{id, username}` of somebody whom `meet` or `learn` has seen; None is the username of who is gone."""
        return {"id": person, "username": self._names.of(person)}


def _key(conversation: Any) -> str:
    return id_text(referred(conversation))


def is_group(conversation: Document) -> bool:
    """Tell a group; the application calls a conversation one-to-one that does not say it is one."""
    return conversation.get("isGroup") is True


def titles(conversations: Sequence[Document]) -> dict[Any, str]:
    """Say what conversations are called; of those that have a name nobody who is in them is looked up."""
    places = Places()
    places.learn([{**one, "userIds": []} if one.get("name") else one for one in conversations])
    return {one["_id"]: places.of(one["_id"]).title for one in conversations}


def called(person: Row) -> str:
    """Return what a person is called, also one who is gone, or of whom nothing is known."""
    return str(person["username"] or (f"deleted user {person['id']}" if person["id"] else "unknown author"))


def listed(people: Sequence[Row]) -> str:
    """Return what some people are called, and of many how many more there are."""
    more = f" and {len(people) - NAMED:,} more" if len(people) > NAMED else ""
    return f"{', '.join(map(called, people[:NAMED]))}{more}"


def _title(conversation: Document, participants: Sequence[Row]) -> str:
    if name := conversation.get("name"):
        return readable_text(name)
    return listed(participants) or "nobody"
