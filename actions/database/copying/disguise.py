"""Replace the values of documents that tell something about people. See `made_up` for how a value is made up."""

from collections.abc import Callable, Container
from datetime import datetime
from typing import Any, Final

from bson import Int64, ObjectId

from actions.database.checking.rules.users import HASH
from actions.database.copying.made_up import MadeUp
from actions.database.copying.part import LISTS
from database.ids import Document
from models.schema import SCHEMA
from models.values import UserStatus

KEPT: Final = {
    "Account": {"type", "provider", "token_type", "scope"},
    "Role": {"name"},
    "Permission": {"name"},
}
"""Collection → its fields with words of the application, which stay as they are."""
STATUSES: Final = frozenset(map(str, UserStatus))
"""The valid statuses of users, which stay. Any other text can tell something about a person."""
SECRETS: Final = {
    "User": ("hashedPassword",),
    "Account": ("refresh_token", "access_token", "id_token", "session_state"),
}
"""Collection → its fields with secrets, which are left out."""

Rule = tuple[str, Callable[[Any], Any]]
"""The new name of a field, and the function for its value."""


class Disguise:
    """Makes the documents of a copy anonymous. The same value becomes the same everywhere in one copy.

    `password_hash` is the hash of the new password of all users; without it, they have no password. `people` are names
    of people that are made up where they are names of fields, in lower case.
    """

    def __init__(self, password_hash: str | None, people: Container[str]) -> None:
        self._hash = password_hash
        self._made_up = MadeUp(people)
        self._rules = {collection: _Rules(collection, self._made_up) for collection in SCHEMA}

    def hide(self, collection: str, documents: list[Document]) -> list[Document]:
        """Return the documents as they are in the copy."""
        rules = self._rules[collection]
        for name in SECRETS.get(collection, ()):
            for document in documents:
                secret = document.pop(name, None)
                if name == "hashedPassword" and (new := self._new_hash(secret)) is not None:
                    document[name] = new
        return [{rules[name][0]: rules[name][1](value) for name, value in one.items()} for one in documents]

    def _new_hash(self, old: Any) -> Any:
        """Return the new hash. A wrong hash is made up, because `db check` must find one in the copy too."""
        if self._hash is not None or old is None:
            return self._hash
        return None if isinstance(old, str) and HASH.fullmatch(old) else self._made_up.value(old)


class _Rules(dict[str, Rule]):
    """Name of a field → its rule. Rules of unknown fields are made when they are needed."""

    def __init__(self, collection: str, made_up: MadeUp) -> None:
        super().__init__()
        self._collection = collection
        self._made_up = made_up
        kept = KEPT.get(collection, set())
        for name, (kind, _) in SCHEMA[collection].items():
            self[name] = name, self._kept if name in kept else self._rule(name, kind)

    def __missing__(self, name: str) -> Rule:
        rule = self._made_up.key(name), self._made_up.value
        if len(self) < MOST_RULES:
            self[name] = rule
        return rule

    def _rule(self, name: str, kind: type) -> Callable[[Any], Any]:
        made_up = self._made_up
        if name == "hashedPassword":
            return lambda value: value
        if name == "expires_at":
            return self._seconds
        if name == "status":
            return lambda value: value if isinstance(value, str) and value in STATUSES else made_up.value(value)
        ids_of = self._collection if name == "_id" else LISTS.get((self._collection, name))
        make_id = made_up.new_id if ids_of == "Message" else made_up.id
        if kind is list:
            return lambda value: made_up.ids(value, make_id)
        usuals: dict[type, Callable[[Any], Any]] = {ObjectId: make_id, datetime: made_up.time, str: made_up.text}
        if (usual := usuals.get(kind)) is None:
            return made_up.value
        return lambda value: usual(value) if type(value) is kind else made_up.value(value)

    def _kept(self, value: Any) -> Any:
        return value if isinstance(value, str) else self._made_up.value(value)

    def _seconds(self, value: Any) -> Any:
        """Shift a time in seconds since 1970."""
        return type(value)(value - self._made_up.seconds) if type(value) in {int, Int64} else self._made_up.value(value)


MOST_RULES: Final = 10_000
"""The largest number of rules that are kept: in broken data, each document can have other fields."""
