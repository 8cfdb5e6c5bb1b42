"""The entries of the audit trail: descriptions of changes without secrets. Personal data can be removed from entries.

`changes.visible_values` decides which values are secret. Events of older versions of chatctl can contain secret values.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

import bson
from bson import ObjectId

from changes.change import (
    ABSENT,
    Add,
    Change,
    Document,
    FieldChange,
    Insert,
    Set,
    Update,
)
from changes.visible_values import NAMED, field_name, name_of, showable
from database.decoding import AS_STORED
from database.own_collections import AUDIT, IMAGES, PROPOSALS, STATE

OUR_RECORDS: Final = frozenset({AUDIT, IMAGES})
ERASED: Final = "(erased)"
LONGEST_TEXT: Final = 1_000
LONGEST_LIST: Final = 5_000
PAGE_BYTES: Final = 2 * 1024 * 1024
FEW_ROWS: Final = 20
"""An entry with up to this number of fields always fits into one document, because the size of a field is limited."""


def lease_id(event: ObjectId | str) -> str:
    """Return the `_id` of the lease of an event, a document in `chatctl_state`."""
    return f"lease:{event}"


def is_lease(change: Change) -> bool:
    """Tell whether a change writes to a lease.

    The audit trail does not show leases, and an undo does not restore leases.
    """
    return change.collection == STATE and all(str(identifier).startswith(lease_id("")) for identifier in change.ids)


def stays_after_undo(change: Change) -> bool:
    """Tell whether an undo leaves out a change, because it is a change of a lease or of a proposal.

    Invariant: a proposal never changes. If an undo deleted the decision about a proposal, the proposal would be open
    again.
    """
    return is_lease(change) or change.collection == PROPOSALS


def describe(change: Change, *, values: bool = True) -> Iterator[Document]:
    """Yield the audit entries of a change, in the form `{op, collection, ids, name?, fields: [{field, …}]}`.

    Each field has the values `from` and `to` (left out if the field is absent), or the ids `added` or `taken`. A value
    that must not be shown is replaced by its type. Long texts are cut. A change with many fields or ids becomes several
    entries, so that each entry fits into one document. If `values` is false, an entry has only the names of the fields.
    """
    if change.collection in OUR_RECORDS or is_lease(change):
        # The audit trail has no entries about changes of itself: data that is deleted from the trail must not return.
        return
    head: Document = {"op": type(change).__name__.lower(), "collection": change.collection, "ids": list(change.ids)}
    if not values:
        names = change.fields if isinstance(change, Update) else change.document.keys() - {"_id"}
        rows = [{"field": field_name(name)} for name in sorted(names)]
    else:
        name = None if isinstance(change, Update) else name_of(change.collection, change.document)
        head |= {"name": cut(name)} if name else {}
        rows = [row for row in _rows(change) if change.collection != PROPOSALS or row["field"] == "state"]
    for page in pages(rows) if len(rows) > FEW_ROWS else [rows]:
        yield {**head, "fields": page}


def _rows(change: Change) -> Iterator[Document]:
    if isinstance(change, Update):
        for name, field in change.fields.items():
            yield from _field(change.collection, name, _sides(field))
        return
    side = "to" if isinstance(change, Insert) else "from"
    for name, value in change.document.items():
        if name != "_id":
            yield from _field(change.collection, name, {side: value})


def _sides(field: FieldChange) -> dict[str, Any]:
    """Return the values of a changed field with the keys of the audit trail: `from` and `to`, `added`, or `taken`."""
    if not isinstance(field, Set):
        return {"added" if isinstance(field, Add) else "taken": list(field.ids)}
    sides = {"from": field.before, "to": field.after}
    return {side: value for side, value in sides.items() if value is not ABSENT}


def _field(collection: str, name: str, values: dict[str, Any]) -> Iterator[Document]:
    """Yield the entry of a changed field. If a list is long, yield several entries with parts of the list."""
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
    """Shorten a long text for the audit trail."""
    return value if len(value) <= LONGEST_TEXT else f"{value[:LONGEST_TEXT]}… ({len(value):,} characters)"


def pages(entries: Iterable[Document], size: int = PAGE_BYTES, most: int = sys.maxsize) -> Iterator[list[Document]]:
    """Group entries into lists. Each list has at most `most` entries and fits into one document."""
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


def values_of(part: Document, own: set[Any]) -> Iterator[tuple[str, Any]]:
    """Yield (field, value) for each value in the entries about the documents whose ids are in `own`.

    `part` is a part of an event.
    """
    for entry in part["changes"]:
        if not own.isdisjoint(entry["ids"]):
            for row in entry["fields"]:
                yield from ((row["field"], value) for side, value in row.items() if side != "field")


def blanked(part: Document, own: set[Any], label: str) -> Document:
    """Return `changes` and `names` of a part of an event without the names and values of the documents in `own`.

    Each removed name is replaced by `label`, and each removed value by a fixed text. Ids and the names of fields are
    kept.
    """
    changes = [entry if own.isdisjoint(entry["ids"]) else _entry(entry, label) for entry in part["changes"]]
    names = [{**named, "name": label} if named["id"] in own else named for named in part["names"]]
    return {"changes": changes, "names": names}


def without_secrets(part: Document) -> Document:
    """Return `changes` and `names` of a part of an event, without values that must not be kept."""
    return {
        "changes": [entry_without_secrets(entry) for entry in part["changes"]],
        "names": names_without_secrets(part),
    }


def names_without_secrets(part: Document) -> list[Document]:
    """Return the names in a part of an event that may be kept: names of documents of the collections in `NAMED`."""
    nameless = {one for entry in part["changes"] if entry["collection"] not in NAMED for one in entry["ids"]}
    return [named for named in part["names"] if named["id"] not in nameless or named["name"] == str(named["id"])]


def entry_without_secrets(entry: Document) -> Document:
    """Return an entry of the audit trail in which each value that must not be kept is replaced by its type."""
    collection = entry["collection"]
    fields = [
        {side: value if side == "field" else showable(collection, row["field"], value) for side, value in row.items()}
        for row in entry["fields"]
    ]
    kept = {**entry, "fields": fields}
    if collection not in NAMED:
        kept.pop("name", None)
    return kept


def fields_with_secrets(part: Document) -> list[str]:
    """Return the fields for which a part of an event contains a value that must not be kept."""
    found = without_secrets(part)
    rows, kept = ([row for entry in held["changes"] for row in entry["fields"]] for held in (part, found))
    fields = [row["field"] for row, shown in zip(rows, kept, strict=True) if row != shown]
    return fields or (["name"] if any(part[key] != value for key, value in found.items()) else [])


def replace_words(text: str, words: Iterable[str], label: str) -> str:
    """Replace whole words in a text by `label`. Upper and lower case do not matter.

    `ada` is replaced in `(ada)`, `ada's` and `ask ada.`, but not in `ada-2`, `canada` or `ada@example.org`. At the end
    of a shortened text, the beginning of a word is replaced too.
    """
    listed = sorted(filter(None, words), key=len, reverse=True)
    if not listed:
        return text
    pattern = rf"(?<![\w.@+-])(?:{'|'.join(map(re.escape, listed))})(?![\w@+-]|\.\w)"
    found = re.sub(pattern, lambda _: label, text, flags=re.IGNORECASE)
    if (last := re.search(r"(\S+)(?=… \([\d,]+ characters\)$)", found)) and any(
        word.lower().startswith(last[1].lower()) for word in listed
    ):
        return found[: last.start()] + label + found[last.end() :]
    return found


def _entry(entry: Document, label: str) -> Document:
    fields = [
        {side: value if side == "field" else _value(value) for side, value in row.items()} for row in entry["fields"]
    ]
    return {**entry, "fields": fields} | ({"name": label} if "name" in entry else {})


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(item) for item in value]
    return value if value is None or isinstance(value, ObjectId) else ERASED
