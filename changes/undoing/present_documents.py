"""The documents that an undo changes. They are read once, and then each planned change is made to them in memory."""

from collections.abc import Hashable, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final, TypeAlias

from bson import ObjectId
from pymongo.database import Database

from changes.change import Change, Document, Insert, Update
from database import references
from database.references import forms, referred

Key: TypeAlias = tuple[str, Any]
"""A collection, and the `_id` of a document in this collection."""

AT_ONCE: Final = 500
"""The largest number of ids in one filter. Some servers compare each document with each id."""


class PresentDocuments:
    """The documents that an undo changes, by collection and `_id`, with all changes that are planned so far."""

    def __init__(self, database: Database[Document]) -> None:
        self.database = database
        self._documents: dict[Key, Document] = {}
        self._exists: dict[Key, bool] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._documents

    def get(self, key: Key) -> Document | None:
        """Return a document that was read before. Return None if it was not found, or if the plan deletes it."""
        return self._documents.get(key)

    def add(self, key: Key, document: Document) -> None:
        """Note that the plan inserts a document."""
        self._documents[key] = document

    def pop(self, key: Key) -> Document | None:
        """Note that the plan deletes a document, and return this document."""
        return self._documents.pop(key, None)

    def copies(self) -> dict[Key, Document]:
        """Return copies of all documents as they are now. Later changes of the plan do not change these copies."""
        return {
            key: {name: [*value] if isinstance(value, list) else value for name, value in document.items()}
            for key, document in self._documents.items()
        }

    def read(self, collection: str, ids: list[Any], fields: Iterable[str] | None = None) -> None:
        """Read documents from the database, with all fields or only with `fields`."""
        projection = None if fields is None else {"_id": 1, **dict.fromkeys(fields, 1)}
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            for document in self.database[collection].find({"_id": {"$in": some}}, projection):
                self._documents[collection, document["_id"]] = document

    def existing(self, collection: str, ids: list[Any], returning: AbstractSet[Key]) -> list[Any]:
        """Return the ids whose document exists now, or is inserted by the undo (`returning`).

        The ids can have any form.
        """
        wanted = [found for item in ids if isinstance(found := referred(item), ObjectId)]
        unknown = [one for one in dict.fromkeys(wanted) if (collection, one) not in self._exists]
        there = references.existing(self.database, collection, unknown)
        self._exists |= {(collection, one): one in there for one in unknown}

        def exists(one: Any) -> bool:
            if not isinstance(one, Hashable):  # In broken data, a list may be an item of the list.
                return False
            keys = [(collection, form) for form in forms(one)]
            return any(key in self or key in returning for key in keys) or self._exists.get((collection, one), False)

        return [item for item in ids if exists(referred(item))]


def read(database: Database[Document], changes: list[Change]) -> PresentDocuments:
    """Read the documents of changes.

    Inserted and deleted documents are read with all fields. Other documents are read with the changed fields.
    """
    documents = PresentDocuments(database)
    whole = {(change.collection, change.ids[0]) for change in changes if not isinstance(change, Update)}
    updates = [change for change in changes if isinstance(change, Update)]
    for collection in {update.collection for update in updates}:
        mine = [update for update in updates if update.collection == collection]
        ids = [one for update in mine for one in update.ids if (collection, one) not in whole]
        documents.read(collection, ids, {name for update in mine for name in update.fields})
    for collection in {collection for collection, _ in whole}:
        documents.read(collection, [one for place, one in whole if place == collection])
    return documents


def inserted(changes: list[Change]) -> set[Key]:
    """Return the key (collection, `_id`) of each document that the changes insert."""
    return {(change.collection, change.ids[0]) for change in changes if isinstance(change, Insert)}
