"""Rules about unique values, their indexes, and the names of collections."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bson import ObjectId
from pymongo.errors import OperationFailure

from actions.database.checking.rule import DuplicateRule, Finding, Rule, Scan, Values
from actions.database.server import misnamed_collections
from changes import Document
from database import connection, indexes
from database.errors import is_refusal
from database.wording import counted
from models.schema import UNIQUE_INDEXES

KEYS: Final = {
    collection: tuple(fields for _, fields in unique) for collection, unique in UNIQUE_INDEXES.items() if unique
}


class DuplicateKey(DuplicateRule):
    """Two documents have the same value in a unique field, because the unique index is missing."""

    name = "duplicate-key"
    severity = "E"
    effect = "A search by this value finds any one of these documents. The unique index cannot be created."
    fix = 'delete one of them in mongosh: db.{collection}.deleteOne({{_id: ObjectId("{id}")}})'
    fixes = {
        "User.email": "chatctl users update id:{id} --email ADDRESS, or chatctl users delete id:{id}",
        "User.username": "chatctl users update id:{id} --username NAME, or chatctl users delete id:{id}",
        "Role.name": "chatctl roles rename id:{id} NEW, or chatctl roles delete id:{id}",
        "Permission.name": "chatctl permissions rename id:{id} NEW, or chatctl permissions delete id:{id}",
        "Profile.userId": "chatctl db repair --rule second-profile --delete",
    }
    reads = {collection: tuple(field for fields in keys for field in fields) for collection, keys in KEYS.items()}

    def __init__(self, scan: Scan) -> None:
        super().__init__(scan)
        held = {
            (one.index.collection, one.index.keys)
            for one in indexes.inspect(connection.database())
            if one.state == "present"
        }
        self._unkept = {
            collection: [fields for fields in keys if (collection, tuple((field, 1) for field in fields)) not in held]
            for collection, keys in KEYS.items()
        }

    def values(self, collection: str, document: Document) -> Iterator[tuple[str, Values]]:
        for fields in self._unkept[collection]:
            values = tuple(document.get(field) for field in fields)
            if all(type(value) in (str, ObjectId) for value in values):
                yield ", ".join(fields), values


class _IndexRule(Rule):
    state: str

    def late_suspects(self) -> Iterator[Finding]:
        for one in indexes.inspect(connection.database()):
            if one.state == self.state and one.index in indexes.APPLICATION:
                keys = ", ".join(field for field, _ in one.index.keys)
                yield Finding(one.index.collection, one.index.name, keys, one.message)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        return iter(suspects)


class MissingIndex(_IndexRule):
    """A unique index of the application is missing."""

    name = "missing-index"
    severity = "W"
    effect = "Two documents can get the same value, and a search for a value reads all documents."
    fix = (
        "chatctl db repair --rule {name}, after all documents have different values"
        " (chatctl db check --rule duplicate-key --rule missing-field)"
    )
    state = "missing"

    def repairable(self, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Finding]:
        del decisions
        return filter(self._has_no_duplicates, findings)

    @staticmethod
    def _has_no_duplicates(found: Finding) -> bool:
        """Tell whether all documents have different values in a unique field.

        Two missing values count as equal, as in a unique index.
        """
        keys = {
            f"k{number}": {"$ifNull": [f"${field}", None]} for number, field in enumerate(str(found.field).split(", "))
        }
        pipeline: list[Document] = [
            {"$group": {"_id": keys, "count": {"$sum": 1}}},
            {"$match": {"count": {"$gt": 1}}},
            {"$limit": 1},
        ]
        return not list(connection.database()[found.collection].aggregate(pipeline, allowDiskUse=True))


class MisnamedIndex(_IndexRule):
    """A unique index of the application has another name or other keys, or is not unique."""

    name = "misnamed-index"
    severity = "W"
    effect = "Duplicate values are accepted, or the application cannot tell which value was a duplicate."
    fix = "drop the conflicting index in mongosh: db.{collection}.dropIndex(NAME), then chatctl db indexes --apply"
    state = "conflict"


class OtherCollection(Rule):
    """A collection has a wrong name: like `user` instead of `User`, or `Users` while the collection `User` is empty."""

    name = "other-collection"
    severity = "E"
    effect = "The application does not see these documents."
    fix = (
        "if the documents belong to the application, move them to {collection} in mongosh:"
        " db.{id}.aggregate([{{$merge: '{collection}'}}]), then db.{id}.drop()"
    )

    def late_suspects(self) -> Iterator[Finding]:
        for name, meant in misnamed_collections(connection.database().list_collection_names()).items():
            yield Finding(meant, name, None, self._size(name))

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        return iter(suspects)

    def _size(self, name: str) -> str:
        """Return the number of documents of a collection, as text.

        If the database user has no right to count them, return a text that says so. This is possible with the roles of
        `db roles`.
        """
        try:
            return counted(connection.database()[name].estimated_document_count(), "document")
        except OperationFailure as error:
            if not is_refusal(error.code, error):
                raise
            return "counting is not allowed"


def index(found: Finding) -> Any:
    """Return the index that a finding is about."""
    return next(one for one in indexes.APPLICATION if one.name == found.id)
