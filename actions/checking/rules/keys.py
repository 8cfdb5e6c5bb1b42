"""What must be there once: unique values, their indexes, the collections."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from actions.checking.known import Known
from actions.checking.rule import Finding, Rule
from models import connection, indexes
from models.changes import Document
from models.indexes import Index
from models.schema import FIELDS, UNIQUE_INDEXES

KEYS: Final = {
    collection: tuple(fields for _, fields in unique) for collection, unique in UNIQUE_INDEXES.items() if unique
}


class DuplicateKey(Rule):
    """Two documents have one value of a unique field, as an index that would prevent it is missing."""

    name = "duplicate-key"
    severity = "E"
    effect = "the application finds either of them; the unique index cannot be made"
    fix = "rename or delete one of them, then chatctl db indexes --apply"
    reads = {collection: tuple(field for fields in keys for field in fields) for collection, keys in KEYS.items()}

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._first: dict[int, Any] = {}
        states = indexes.inspect(connection.database())
        held = {(one.index.collection, one.index.keys) for one in states if one.state == "present"}
        self._unkept = {
            collection: [fields for fields in keys if (collection, tuple((field, 1) for field in fields)) not in held]
            for collection, keys in KEYS.items()
        }

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for fields in self._unkept[collection]:
            for document in documents:
                values = tuple(document.get(field) for field in fields)
                if None in values or any(isinstance(value, (list, dict)) for value in values):
                    continue
                key = hash((collection, fields, values))
                if self._first.setdefault(key, document["_id"]) != document["_id"]:
                    yield Finding(collection, document["_id"], ", ".join(fields), values)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for found in suspects:
            fields = str(found.field).split(", ")
            where: Document = {field: {"$eq": value} for field, value in zip(fields, found.value, strict=True)}
            same = list(connection.database()[found.collection].find(where, ["_id"]).limit(2))
            if len(same) > 1:
                yield found._replace(value=", ".join(map(str, found.value)))


class _OfIndexes(Rule):
    state: str

    def end(self) -> Iterator[Finding]:
        for one in self.wanted():
            yield Finding(one.collection, one.name, None, ", ".join(field for field, _ in one.keys))

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        return iter(suspects)

    def wanted(self) -> list[Index]:
        """Return the indexes of the application that are in this state."""
        found = indexes.inspect(connection.database())
        return [one.index for one in found if one.state == self.state and one.index in indexes.APPLICATION]


class MissingIndex(_OfIndexes):
    """A unique index of the application is missing."""

    name = "missing-index"
    severity = "W"
    effect = "nothing prevents two documents with one value, and finding one reads all"
    fix = "chatctl db indexes --apply"
    state = "missing"


class MisnamedIndex(_OfIndexes):
    """A unique index of the application is there under another name, or its name has other keys."""

    name = "misnamed-index"
    severity = "W"
    effect = "the application reads the name out of errors, and says the wrong thing or nothing"
    fix = "drop it by hand, then chatctl db indexes --apply"
    state = "conflict"


class OtherCollection(Rule):
    """A collection has the name of one of the application's in other letters."""

    name = "other-collection"
    severity = "E"
    effect = "the application does not see what lies there"
    fix = "move the documents to the collection of the right name, by hand"

    def end(self) -> Iterator[Finding]:
        right = {name.lower(): name for name in FIELDS}
        for name in connection.database().list_collection_names():
            if name not in FIELDS and name.lower() in right:
                yield Finding(right[name.lower()], name, None, "another collection")

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        return iter(suspects)
