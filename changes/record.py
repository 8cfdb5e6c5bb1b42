"""What is kept of a change: for people in the audit trail, without secrets; whole, for a while, to undo it with."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

import bson
from bson import ObjectId
from pymongo.database import Database

from changes.change import (
    ABSENT,
    Add,
    Change,
    Delete,
    Document,
    FieldChange,
    Insert,
    Set,
    Take,
    Update,
)
from changes.showable import field_name, name_of, showable
from database.decoding import AS_STORED
from database.own_collections import AUDIT, IMAGES, STATE

OUR_RECORDS: Final = frozenset({AUDIT, IMAGES})
LONGEST_TEXT: Final = 1_000
LONGEST_LIST: Final = 5_000
PART_BYTES: Final = 8 * 1024 * 1024
PAGE_BYTES: Final = PART_BYTES // 4
FEW_ROWS: Final = 20
"""So many fields fit into a document whatever they hold, each being cut to what two long lists take."""


def lease(event: ObjectId | str) -> str:
    """Return the `_id` of the lease of an event among the state documents."""
    return f"lease:{event}"


def is_lease(change: Change) -> bool:
    """Tell whether a change is about a lease. The trail does not show leases, and an undo does not restore them."""
    return change.collection == STATE and all(str(identifier).startswith(lease("")) for identifier in change.ids)


def describe(change: Change, *, values: bool = True) -> Iterator[Document]:
    """Yield a change as the audit trail has it: `{op, collection, ids, name?, fields: [{field, …}]}`.

    A field has `from` and `to` (missing if it was or will be absent), or ids `added` or `taken`. A value that may not
    be shown is replaced by its type (`changes.showable`). Long texts are cut, and many fields or ids are divided into
    several entries, so that each fits into a document. Without `values` an entry has only the names of the fields.
    """
    if change.collection in OUR_RECORDS or is_lease(change):
        return  # what is pruned from the trail must not come back into it
    head: Document = {"op": type(change).__name__.lower(), "collection": change.collection, "ids": list(change.ids)}
    if not values:
        names = change.fields if isinstance(change, Update) else change.document.keys() - {"_id"}
        rows = [{"field": field_name(name)} for name in sorted(names)]
    else:
        name = None if isinstance(change, Update) else name_of(change.collection, change.document)
        head |= {"name": cut(name)} if name else {}
        rows = list(_rows(change))
    for page in pages(rows) if len(rows) > FEW_ROWS else [rows]:
        yield {**head, "fields": page}


def _rows(change: Change) -> Iterator[Document]:
    if isinstance(change, Update):
        for name, field in change.fields.items():
            yield from _field(change.collection, name, _held(field))
        return
    side = "to" if isinstance(change, Insert) else "from"
    for name, value in change.document.items():
        if name != "_id":
            yield from _field(change.collection, name, {side: value})


def _held(field: FieldChange) -> dict[str, Any]:
    """Return the values of a field by their keys in the trail: `from` and `to`, `added` or `taken`."""
    if not isinstance(field, Set):
        return {"added" if isinstance(field, Add) else "taken": list(field.ids)}
    sides = {"from": field.before, "to": field.after}
    return {side: value for side, value in sides.items() if value is not ABSENT}


def _field(collection: str, name: str, values: dict[str, Any]) -> Iterator[Document]:
    """Yield a field as one row, or a long list as several rows for each side."""
    shown = {side: _short(showable(collection, name, value)) for side, value in values.items()}
    head = {"field": field_name(name)}
    if not any(map(_is_long, shown.values())):
        yield head | shown
        return
    for side, value in shown.items():
        items = value if isinstance(value, list) else [value]
        for start in range(0, max(len(items), 1), LONGEST_LIST):
            yield {**head, side: items[start : start + LONGEST_LIST]}


def _is_long(value: Any) -> bool:
    return isinstance(value, list) and len(value) > LONGEST_LIST


def _short(value: Any) -> Any:
    return cut(value) if isinstance(value, str) else value


def cut(value: str) -> str:
    """Cut a text to a length that does no harm in the trail."""
    return value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}… ({len(value):,} characters)"


def pages(entries: Iterable[Document], size: int = PAGE_BYTES, most: int = sys.maxsize) -> Iterator[list[Document]]:
    """Put entries, `most` of them at once, together into lists that fit into a document each."""
    page: list[Document] = []
    room = size
    for entry in entries:
        length = _size(entry)
        if page and (length > room or len(page) == most):
            yield page
            page, room = [], size
        page.append(entry)
        room -= length
    if page:
        yield page


def _size(document: Document) -> int:
    return len(bson.encode(document, codec_options=AS_STORED))


def freeze(changes: Iterable[Change]) -> list[bytes]:
    """Write changes down whole, in parts that fit into a document each."""
    data = bson.encode({"changes": [_frozen(change) for change in changes]}, codec_options=AS_STORED)
    return [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]


def thaw(parts: Iterable[bytes]) -> list[Change]:
    """Read back what `freeze` wrote."""
    return [_thawed(entry) for entry in bson.decode(b"".join(parts), AS_STORED)["changes"]]


def _frozen(change: Change) -> Document:
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


def _thawed(entry: Document) -> Change:
    if entry["op"] != "Update":
        return (Insert if entry["op"] == "Insert" else Delete)(entry["collection"], entry["document"])
    return Update(entry["collection"], tuple(entry["ids"]), {name: _side(*rest) for name, *rest in entry["fields"]})


def _side(kind: str, *sides: Any) -> FieldChange:
    if kind == "Set":
        before, after = (side[0] if side else ABSENT for side in sides)
        return Set(before, after)
    ids, *bare = sides
    return (Add if kind == "Add" else Take)(tuple(ids), bare=bool(bare))


def images(database: Database[dict[str, Any]], event: ObjectId) -> list[list[Change]]:
    """Return the batches of an event as they were carried out; none where they are no longer kept, or not all."""
    parts: dict[int, list[bytes]] = {}
    missing = set(database[AUDIT].distinct("batch", {"event": event, "kind": "part"}))
    for image in database[IMAGES].find({"event": event}).sort([("batch", 1), ("part", 1)]):
        held = parts.setdefault(image["batch"], [])
        held.append(image["data"])
        if len(held) == image["parts"]:
            missing.discard(image["batch"])
    return [] if missing else [thaw(data) for _, data in sorted(parts.items())]
