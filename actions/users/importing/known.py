"""The roles that an import can give, and who has them while it goes on."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from bson import ObjectId

from changes import ABSENT, Add, Change, Document, Set, Update
from changes.change import FieldChange
from changes.id_lists import MOST_IDS, TooManyLinksError, add_missing, take_present
from database import connection

FIELD: Final = "userIds"


class Roles:
    """All roles: there are few, and what is none of them is no role that somebody could lose."""

    def __init__(self, documents: Iterable[Document]) -> None:
        named = ((document["_id"], document.get("name")) for document in documents)
        self.by_id = {identifier: name for identifier, name in named if isinstance(name, str)}
        self._by_name: dict[str, list[ObjectId]] = {}
        for identifier, name in self.by_id.items():
            self._by_name.setdefault(name, []).append(identifier)

    @classmethod
    def read(cls) -> "Roles":
        return cls(connection.database()["Role"].find({}, ["name"]))

    def names(self) -> Collection[str]:
        return self._by_name

    def ids(self, name: str) -> list[ObjectId]:
        return self._by_name.get(name, [])

    def of(self, names: Iterable[str]) -> Iterator[ObjectId]:
        """Return the ids of roles by their names, which have been looked at."""
        return (identifier for name in names for identifier in self.ids(name))


class Members:
    """The other side of the links with roles: changes gathered for a batch, one of each kind a role."""

    def __init__(self) -> None:
        self._documents: dict[ObjectId, Document] = {}
        self._reserved: dict[ObjectId, int] = {}
        self._new: dict[ObjectId, list[ObjectId]] = {}
        self._gained: dict[ObjectId, list[ObjectId]] = {}
        self._lost: dict[ObjectId, list[ObjectId]] = {}

    @property
    def known(self) -> int:
        """Count the roles that have been touched so far."""
        return len(self._documents)

    def new(self, role: ObjectId, user: ObjectId) -> None:
        """Add somebody who is created in the same batch, and so is in no list."""
        self._document(role)
        self._new.setdefault(role, []).append(user)

    def gain(self, role: ObjectId, user: ObjectId) -> None:
        self._document(role)
        self._gained.setdefault(role, []).append(user)

    def lose(self, role: ObjectId, user: ObjectId) -> None:
        self._document(role)
        self._lost.setdefault(role, []).append(user)

    def reserve(self, role: ObjectId, count: int) -> None:
        """See that there is room for so many more; raises `TooManyLinksError`."""
        held = self._document(role).get(FIELD) or ()
        self._reserved[role] = self._reserved.get(role, len(held)) + count
        if self._reserved[role] > MOST_IDS:
            raise TooManyLinksError("Role", role, FIELD, self._reserved[role])

    def changes(self) -> Iterator[Change]:
        """Return what has been gathered since the last time."""
        for role, users in self._lost.items():
            yield from _update(role, take_present(self._document(role), FIELD, users))
        for role, users in self._gained.items():
            yield from _update(role, add_missing("Role", self._document(role), FIELD, users))
        for role, users in self._new.items():
            yield from _update(role, _with_new(self._document(role), users))
        for gathered in (self._lost, self._gained, self._new):
            gathered.clear()

    def _document(self, role: ObjectId) -> Document:
        if role not in self._documents:
            found = connection.database()["Role"].find_one({"_id": role}, [FIELD])
            self._documents[role] = found or {"_id": role}
        return self._documents[role]


def _update(role: ObjectId, change: FieldChange | None) -> Iterator[Update]:
    if change is not None:
        yield Update("Role", (role,), {FIELD: change})


def _with_new(document: Document, users: list[ObjectId]) -> FieldChange:
    """Add new users, of whom nobody will ask again: what a list holds is not kept in step with them."""
    before = document.get(FIELD, ABSENT)
    if isinstance(before, list):
        return Add(tuple(users), new=True)
    document[FIELD] = list(users)
    return Set(before, document[FIELD])
