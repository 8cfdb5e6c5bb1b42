"""What refers to a document: its id, and the forms of it that are found in data from other tools."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from models.listing import PRESENT

OBJECT_ID: Final = re.compile("[0-9a-fA-F]{24}")
NESTED: Final = ("$oid", "oid")
"""Keys of Extended JSON that was stored without being read as such: `{"$oid": "65…"}`."""

ODD: Final = ("string", "object")
"""The BSON types of the other forms."""

Document = dict[str, Any]


def referred(value: Any) -> Any:
    """Return the id that a value stands for, in any form; a value that stands for no ObjectId is returned as it is."""
    if type(value) is ObjectId:
        return value
    inner = next(iter(value.values())) if _is_nested(value) else value
    return ObjectId(inner) if type(inner) is str and OBJECT_ID.fullmatch(inner) else value


def ids_in(document: Mapping[str, Any], field: str) -> list[ObjectId]:
    """Return the ids in a list of a document, in any form; the list may be absent, or hold what is no id."""
    items = document.get(field)
    if not isinstance(items, list):
        return []
    return [item if type(item) is ObjectId else found for item in items if type(found := referred(item)) is ObjectId]


def reference(document: Mapping[str, Any], field: str) -> ObjectId | None:
    """Return the id that a field of a document refers to, in any form; None where it refers to nothing."""
    found = referred(document.get(field))
    return found if isinstance(found, ObjectId) else None


def forms(identifier: Any) -> list[Any]:
    """Return the values by which `$in` finds an id: itself and its digits as text. No `$in` takes the nested forms."""
    found = referred(identifier)
    if not isinstance(found, ObjectId):
        return [identifier]
    digits = str(found)
    return list(dict.fromkeys([found, digits, digits.upper()]))


def id_forms(identifier: Any) -> list[Any]:
    """Return the values that the `_id` of the document with an id may be. No server stores `{"$oid": …}` as one."""
    found = referred(identifier)
    return [*forms(found), {"oid": str(found)}] if isinstance(found, ObjectId) else [identifier]


def to(
    database: Database[Document], collection: str, field: str, ids: Iterable[Any], session: ClientSession | None = None
) -> Document:
    """Return the filter for the documents whose `field` refers to one of some ids, or is a list that holds one."""
    return filter_of(field, ids, odd=has_other_forms(database, collection, field, session))


def has_other_forms(
    database: Database[Document], collection: str, field: str, session: ClientSession | None = None
) -> bool:
    """Tell whether a field refers to anything otherwise than by an ObjectId; mostly it does not."""
    odd = {"$or": [{field: {"$type": kind, **PRESENT}} for kind in ODD]}
    return database[collection].find_one(odd, {"_id": 1}, session=session) is not None


def filter_of(field: str, ids: Iterable[Any], *, odd: bool) -> Document:
    """Return the filter for what refers to one of some ids; without `odd` forms it is one that an index serves.

    A server takes no `$in` with `{"$oid": …}`, so those forms are found by the path inside.
    """
    wanted = [referred(identifier) for identifier in ids]
    if not odd:
        return {field: among(wanted)}
    found = [form for identifier in wanted for form in forms(identifier)]
    nested = [{path: {"$in": digits}} for path, digits in _nested(field, found)]
    return {"$or": [{field: among(found)}, *nested]}


def not_to(field: str, identifier: Any) -> Document:
    """Return the filter for the documents whose `field` does not refer to an id, in any form."""
    found = forms(identifier)
    return {field: {"$nin": found}, **{path: {"$nin": digits} for path, digits in _nested(field, found)}}


def among(values: list[Any]) -> Document:
    """Return the condition that a field is one of some values, or a list that holds one."""
    return {**({"$eq": values[0]} if len(values) == 1 else {"$in": values}), **PRESENT}


def joined(conditions: Document, *filters: Document) -> Document:
    """Return one filter for all that has to hold; keys stay at the top level, where a list looks for them."""
    both = dict(conditions)
    for one in filters:
        if both.keys().isdisjoint(one):
            both |= one
        else:
            both["$and"] = [*both.get("$and", ()), one]
    return both


def _nested(field: str, values: list[Any]) -> list[tuple[str, list[str]]]:
    digits = [value for value in values if isinstance(value, str)]
    return [(f"{field}.{key}", digits) for key in NESTED]


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in NESTED
