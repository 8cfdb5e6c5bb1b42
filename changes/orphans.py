"""Orphans, which are documents without their required parent: an undo restores only those that had none before."""

from collections.abc import Iterator
from typing import Any

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from changes.change import Change, Delete, Document
from database.own_collections import IMAGES
from database.references import documents, reference, referred
from models.links import OWNED


def without_parent(
    database: Database[Document], batch: list[Change], session: ClientSession | None
) -> Iterator[Document]:
    """Yield `{collection, id, field}` of each document that a batch deletes and whose parent is missing already."""
    for owned in OWNED:
        deleted = [
            change.document for change in batch if isinstance(change, Delete) and change.collection == owned.collection
        ]
        parents = {one["_id"]: parent for one in deleted if (parent := reference(one, owned.field))}
        there = present(database, owned.parent, parents.values(), session)
        for child, parent in parents.items():
            if parent not in there:
                yield {"collection": owned.collection, "id": child, "field": owned.field}


def present(
    database: Database[Document], collection: str, ids: Any, session: ClientSession | None = None
) -> set[ObjectId]:
    """Return those of the ids whose document exists, also if its `_id` is the digits as text."""
    return {referred(one["_id"]) for one in documents(database, collection, ids, ["_id"], session)}


def recorded(database: Database[Document], event: ObjectId) -> set[tuple[str, Any, str]]:
    """Return collection, id and field of each reference that led nowhere when an event deleted its document."""
    images = database[IMAGES].find({"event": event, "orphans": {"$exists": True}}, {"orphans": 1})
    return {(orphan["collection"], orphan["id"], orphan["field"]) for image in images for orphan in image["orphans"]}
