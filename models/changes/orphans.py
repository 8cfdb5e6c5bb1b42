"""Documents without the document that they need: an undo brings back only those that were so before."""

from collections.abc import Iterator
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from models.changes.change import Change, Delete, Document
from models.links import OWNED
from models.records import IMAGES
from models.references import id_forms, reference, referred

AT_ONCE: Final = 500
"""Ids in one filter: some servers compare each document with each of them."""


def without_parent(
    database: Database[Document], batch: list[Change], session: ClientSession | None
) -> Iterator[Document]:
    """Yield `{collection, id}` of each document that a batch deletes and whose parent is missing already."""
    for owned in OWNED:
        deleted = [
            change.document for change in batch if isinstance(change, Delete) and change.collection == owned.collection
        ]
        parents = {one["_id"]: parent for one in deleted if (parent := reference(one, owned.field))}
        there = present(database, owned.parent, parents.values(), session)
        for child, parent in parents.items():
            if parent not in there:
                yield {"collection": owned.collection, "id": child}


def present(
    database: Database[Document], collection: str, ids: Any, session: ClientSession | None = None
) -> set[ObjectId]:
    """Return those of some ids whose document is there, also where its `_id` is their digits as text."""
    found: set[ObjectId] = set()
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), AT_ONCE):
        among = [form for one in wanted[start : start + AT_ONCE] for form in id_forms(one)]
        documents = database[collection].find({"_id": {"$in": among}}, {"_id": 1}, session=session)
        found.update(referred(document["_id"]) for document in documents)
    return found


def recorded(database: Database[Document], event: ObjectId) -> set[tuple[str, Any]]:
    """Return the collection and id of each document that was an orphan when an event deleted it."""
    images = database[IMAGES].find({"event": event, "orphans": {"$exists": True}}, {"orphans": 1})
    return {(orphan["collection"], orphan["id"]) for image in images for orphan in image["orphans"]}
