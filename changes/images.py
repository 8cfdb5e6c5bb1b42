"""Images: what an undo needs of an event, kept whole for thirty days in `chatctl_images`, secrets included.

An image also names the orphans among the deleted documents: those that had no parent before. An undo restores a
document without its parent only if it is one of them.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import bson
from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from changes.change import ABSENT, Add, Change, Delete, Document, FieldChange, Insert, Set, Take, Update
from database.decoding import AS_STORED
from database.own_collections import AUDIT, IMAGES
from database.references import existing, reference
from models.links import OWNED

PART_BYTES: Final = 8 * 1024 * 1024
"""Bytes of an image in one document."""


def encode_changes(changes: Iterable[Change]) -> list[bytes]:
    """Write changes down whole, in parts that fit into a document each."""
    data = bson.encode({"changes": [_encoded(change) for change in changes]}, codec_options=AS_STORED)
    return [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]


def decode_changes(parts: Iterable[bytes]) -> list[Change]:
    """Read back what `encode_changes` wrote."""
    return [_decoded(entry) for entry in bson.decode(b"".join(parts), AS_STORED)["changes"]]


def _encoded(change: Change) -> Document:
    if not isinstance(change, Update):
        return {"op": type(change).__name__, "collection": change.collection, "document": change.document}
    fields = [[name, _kind(field), *_sides(field)] for name, field in change.fields.items()]
    return {"op": "Update", "collection": change.collection, "ids": list(change.ids), "fields": fields}


def _kind(field: FieldChange) -> str:
    return "Set" if isinstance(field, Set) else type(field).__name__


def _sides(field: FieldChange) -> list[Any]:
    if not isinstance(field, Set):
        return [list(field.ids), *([True] if field.bare else [])]
    # A list of no or one item: a value can be null, and absent is another thing.
    return [[] if value is ABSENT else [value] for value in (field.before, field.after)]


def _decoded(entry: Document) -> Change:
    if entry["op"] != "Update":
        return (Insert if entry["op"] == "Insert" else Delete)(entry["collection"], entry["document"])
    return Update(
        entry["collection"], tuple(entry["ids"]), {name: _decoded_field(*rest) for name, *rest in entry["fields"]}
    )


def _decoded_field(kind: str, *sides: Any) -> FieldChange:
    if kind == "Set":
        before, after = (side[0] if side else ABSENT for side in sides)
        return Set(before, after)
    ids, *bare = sides
    return (Add if kind == "Add" else Take)(tuple(ids), bare=bool(bare))


def read(database: Database[dict[str, Any]], event: ObjectId) -> list[list[Change]]:
    """Return the batches of an event as they were carried out; none if an image is missing.

    Invariant: half an image undoes nothing. The trail tells how many batches there must be.
    """
    parts: dict[int, list[bytes]] = {}
    missing = set(database[AUDIT].distinct("batch", {"event": event, "kind": "part"}))
    for image in database[IMAGES].find({"event": event}).sort([("batch", 1), ("part", 1)]):
        held = parts.setdefault(image["batch"], [])
        held.append(image["data"])
        if len(held) == image["parts"]:
            missing.discard(image["batch"])
    return [] if missing else [decode_changes(data) for _, data in sorted(parts.items())]


def orphans_in(database: Database[Document], batch: list[Change], session: ClientSession | None) -> Iterator[Document]:
    """Yield `{collection, id, field}` of each document that a batch deletes and whose parent is missing already."""
    for owned in OWNED:
        deleted = [
            change.document for change in batch if isinstance(change, Delete) and change.collection == owned.collection
        ]
        parents = {one["_id"]: parent for one in deleted if (parent := reference(one, owned.field))}
        there = existing(database, owned.parent, parents.values(), session)
        for child, parent in parents.items():
            if parent not in there:
                yield {"collection": owned.collection, "id": child, "field": owned.field}


def recorded_orphans(database: Database[Document], event: ObjectId) -> set[tuple[str, Any, str]]:
    """Return collection, id and field of each reference that led nowhere when an event deleted its document."""
    found = database[IMAGES].find({"event": event, "orphans": {"$exists": True}}, {"orphans": 1})
    return {(orphan["collection"], orphan["id"], orphan["field"]) for image in found for orphan in image["orphans"]}
