"""Legal holds: the users, conversations, messages and events that they keep.

A hold names users and conversations. It keeps these users with their accounts and profiles, all their messages, the
conversations in which they are participants, and all messages in these conversations. It also keeps the events of the
audit trail that mention any of these documents. `losses` refuses the changes that would lose such data.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from changes.change import Document
from changes.draft import BATCH
from database.ids import any_of
from database.own_collections import AUDIT, HOLDS
from database.references import AT_ONCE, documents, ids_in, referred, referring_to
from database.wording import counted

ACTIVE: Final = {"kind": "hold", "released": None}
"""The filter for the holds that are not released."""

KEPT: Final[Mapping[str, Mapping[str, str]]] = {
    "User": {"_id": "User"},
    "Account": {"userId": "User"},
    "Profile": {"userId": "User"},
    "Conversation": {"_id": "Conversation"},
    "Message": {"conversationId": "Conversation", "senderId": "User"},
}
"""Collection → field → collection of the document that this field refers to.

A document is held if one of these fields has the id of a user or conversation that a legal hold keeps.
"""


@dataclass(frozen=True)
class Held:
    """The data that legal holds keep. `ids` is collection → id → name of a hold, for users, conversations and holds."""

    ids: Mapping[str, Mapping[Any, str]]

    def __bool__(self) -> bool:
        return bool(self.ids[HOLDS])

    @property
    def users(self) -> list[Any]:
        return list(self.ids["User"])

    @property
    def conversations(self) -> list[Any]:
        return list(self.ids["Conversation"])

    def note(self, number: int, noun: str) -> str:
        """Say how many items a command skips because a legal hold keeps them, and how to see the hold."""
        names = sorted(set(self.ids[HOLDS].values()))
        why = f"the hold {names[0]}: chatctl holds show {names[0]}"
        by = why if len(names) == 1 else f"{len(names):,} holds: chatctl holds list"
        return f"{counted(number, noun)} {'is' if number == 1 else 'are'} kept by {by}"

    def named(self, collection: str, identifier: Any) -> str | None:
        """Return the name of the hold that keeps a user or a conversation. If no hold keeps it, return None."""
        found = referred(identifier)
        return self.ids[collection].get(found) if isinstance(found, Hashable) else None

    def keeper(self, collection: str, document: Mapping[str, Any]) -> str | None:
        """Return the name of the hold that keeps a document. If no hold keeps it, return None.

        The document must have the fields that `KEPT` lists for its collection.
        """
        names = (self.named(of, document.get(field)) for field, of in KEPT.get(collection, {}).items())
        return next(filter(None, names), None)

    def stored(
        self, database: Database[Document], collection: str, ids: Iterable[Any], session: ClientSession | None = None
    ) -> Iterator[tuple[Any, str]]:
        """Yield each id whose document a legal hold keeps, together with the name of the hold."""
        fields = list(KEPT.get(collection, {}))
        left = iter(ids if fields else ())
        while some := list(islice(left, BATCH)):
            found = (
                [{"_id": one} for one in some]
                if fields == ["_id"]
                else database[collection].find({"_id": any_of(some)}, fields, session=session)
            )
            for document in found:
                if hold := self.keeper(collection, document):
                    yield document["_id"], hold

    def about(self, database: Database[Document], part: Document, session: ClientSession | None = None) -> str | None:
        """Return the name of a hold that keeps data mentioned in a part of the audit trail. Otherwise, return None."""
        entries = part["changes"]
        values = (value for entry in entries for value in _values(entry))
        mentioned = {one for one in map(referred, (*part.get("targets", ()), *values)) if isinstance(one, Hashable)}
        for known in self.ids.values():
            if found := mentioned & known.keys():
                return known[found.pop()]
        for collection in KEPT.keys() - self.ids.keys():
            ids = [one for entry in entries if entry["collection"] == collection for one in entry["ids"]]
            if stored := next(self.stored(database, collection, ids, session), None):
                return stored[1]
        return None

    def events(
        self, database: Database[Document], where: Document, session: ClientSession | None = None
    ) -> dict[ObjectId, str]:
        """Return id of an event → name of the hold that keeps this event.

        Only the parts of the audit trail that match `where` are read.
        """
        found: dict[ObjectId, str] = {}
        for part in database[AUDIT].find({"kind": "part", **where}, session=session):
            if part["event"] not in found and (hold := self.about(database, part, session)):
                found[part["event"]] = hold
        return found


def _values(entry: Document) -> Iterator[Any]:
    """Yield the ids in an entry of the audit trail, and all values of its fields."""
    yield from entry["ids"]
    for row in entry["fields"]:
        for side, value in row.items():
            if side != "field":
                yield from value if isinstance(value, list) else [value]


def read(database: Database[Document], session: ClientSession | None = None) -> Held:
    """Read which data the active holds keep."""
    return Holds().read(database, session)


class Holds:
    """Read which data the active holds keep, several times.

    The ids that a hold has recorded, and the conversations that list its users, are read only once.
    """

    def __init__(self) -> None:
        self._recorded: dict[ObjectId, list[Any]] = {}
        self._listed: dict[ObjectId, list[Any]] = {}

    def read(self, database: Database[Document], session: ClientSession | None = None) -> Held:
        """Read which data the active holds keep now."""
        active = database[HOLDS].find(ACTIVE, session=session).sort("name", 1)
        return self.kept_by(database, list(active), session)

    def kept_by(
        self, database: Database[Document], holds: Sequence[Document], session: ClientSession | None = None
    ) -> Held:
        """Return the data that these legal holds keep, including conversations that held users joined or left later."""
        held: dict[str, dict[Any, str]] = {"User": {}, "Conversation": {}, HOLDS: {}}
        for hold in holds:
            name = hold["name"]
            held[HOLDS][hold["_id"]] = name
            for user in hold["users"]:
                held["User"].setdefault(referred(user), name)
            for place in (*map(referred, hold["conversations"]), *self._recorded_by(database, hold, session)):
                held["Conversation"].setdefault(place, name)
        for hold in holds:
            for place in self._listing(database, hold, session):
                held["Conversation"].setdefault(place, hold["name"])
        for user in documents(database, "User", held["User"], ["conversationIds"], session):
            for place in ids_in(user, "conversationIds"):
                held["Conversation"].setdefault(place, held["User"][referred(user["_id"])])
        return Held(held)

    def _recorded_by(self, database: Database[Document], hold: Document, session: ClientSession | None) -> list[Any]:
        """Return the conversations that a legal hold recorded when it was placed."""
        if hold["_id"] not in self._recorded:
            where = {"hold": hold["_id"], "collection": "Conversation"}
            found = database[HOLDS].find(where, ["ids"], session=session)
            self._recorded[hold["_id"]] = [referred(one) for part in found for one in part["ids"]]
        return self._recorded[hold["_id"]]

    def _listing(self, database: Database[Document], hold: Document, session: ClientSession | None) -> list[Any]:
        """Return the conversations that list a user of the hold, even if the user does not list the conversation."""
        if hold["_id"] not in self._listed:
            people, found = hold["users"], []
            for some in (people[start : start + AT_ONCE] for start in range(0, len(people), AT_ONCE)):
                where = referring_to(database, "Conversation", "userIds", some, session)
                found += [
                    referred(one["_id"]) for one in database["Conversation"].find(where, ["_id"], session=session)
                ]
            self._listed[hold["_id"]] = found
        return self._listed[hold["_id"]]
