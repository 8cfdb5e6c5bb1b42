"""Read references to documents, and find documents by their references.

A reference is normally an ObjectId. Data from other tools can have an id in another form: its digits as text, or
`{"$oid": digits}`.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final
from weakref import WeakKeyDictionary

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from database.ids import OBJECT_ID, any_of, beginning_with, spellings
from database.listing import PRESENT
from database.wording import NAMED

NESTED: Final = ("$oid", "oid")
"""The key of an id that another tool has stored as a document, like `{"$oid": "65…"}` (Extended JSON)."""

ODD: Final = ("string", "object")
"""The BSON types of ids that are not ObjectIds: text, or a document like `{"$oid": digits}`."""

AT_ONCE: Final = 600
"""The largest number of values in one filter."""
PREFIXES_AT_ONCE: Final = 100
"""The largest number of id prefixes (the first characters that users type) in one filter."""

Document = dict[str, Any]

_NESTED_IDS: WeakKeyDictionary[Any, dict[tuple[str, str], bool]] = WeakKeyDictionary()


def referred(value: Any) -> Any:
    """Return an id as an ObjectId, even if it is stored as text or as `{"$oid": digits}`.

    If the value is not an id, return it unchanged.
    """
    if type(value) is ObjectId:
        return value
    inner = next(iter(value.values())) if _is_nested(value) else value
    return ObjectId(inner) if type(inner) is str and OBJECT_ID.fullmatch(inner) else value


def ids_in(document: Mapping[str, Any], field: str) -> list[ObjectId]:
    """Return the ids in a list of a document, as ObjectIds. Leave out all other values.

    If the field is not a list, return no ids.
    """
    items = document.get(field)
    if not isinstance(items, list):
        return []
    return [item if type(item) is ObjectId else found for item in items if type(found := referred(item)) is ObjectId]


def references_in(document: Mapping[str, Any], field: str) -> set[Any]:
    """Return the set of ids in a list of a document, even ids that are not ObjectIds.

    Values that cannot be in a Python set are left out.
    """
    items = document.get(field)
    found = map(referred, items) if isinstance(items, list) else ()
    return {item for item in found if isinstance(item, Hashable)}


def reference(document: Mapping[str, Any], field: str) -> ObjectId | None:
    """Return the id in a field of a document as an ObjectId. The stored id may have any form.

    Return None if the field has no id.
    """
    found = referred(document.get(field))
    return found if isinstance(found, ObjectId) else None


def forms(identifier: Any) -> list[Any]:
    """Return the values with which `$in` finds an id in its common forms: the ObjectId, and its digits as text.

    `$in` cannot find `{"$oid": digits}`. For this form, use `reference_filter`.
    """
    found = referred(identifier)
    if not isinstance(found, ObjectId):
        return [identifier]
    digits = str(found)
    return list(dict.fromkeys([found, digits, digits.upper()]))


def documents(
    database: Database[Document],
    collection: str,
    ids: Iterable[Any],
    fields: Sequence[str] | None = None,
    session: ClientSession | None = None,
) -> Iterator[Document]:
    """Read the documents with the given ids. The given ids and the stored ids may have any form."""
    wanted = dict.fromkeys(map(referred, ids))
    values = iter([form for one in wanted for form in forms(one)])
    found = set()
    while part := list(islice(values, AT_ONCE)):
        for document in database[collection].find({"_id": any_of(part)}, fields, session=session):
            found.add(referred(document["_id"]))
            yield document
    missing = iter([str(one) for one in wanted if isinstance(one, ObjectId) and one not in found])
    while (part := list(islice(missing, AT_ONCE))) and _has_nested_ids(database, collection):
        yield from database[collection].find({"_id.oid": {"$in": part}}, fields, session=session)


def ids_beginning_with(
    database: Database[Document], collection: str, prefixes: Iterable[str], where: Document | None = None
) -> dict[str, list[str]]:
    """Return prefix → the ids that begin with this prefix, as lists print them.

    If many ids match, some of them are left out. If an id is equal to the prefix, only this id is returned. `where` is
    an additional filter.
    """
    found: dict[str, list[str]] = {prefix: [] for prefix in prefixes}
    left = iter(found)
    while part := list(islice(left, PREFIXES_AT_ONCE)):
        filters = [{"_id": one} for prefix in part for one in beginning_with(prefix)]
        # If more documents than prefixes are found, a prefix is ambiguous. The error then lists at most `NAMED` ids.
        most = len(part) + NAMED
        begun = [*database[collection].find({"$or": filters, **(where or {})}, ["_id"], limit=most)]
        if _has_nested_ids(database, collection):
            nested = [{"_id.oid": one} for prefix in part for one in beginning_with(prefix)]
            begun += database[collection].find({"$or": nested}, ["_id"], limit=most)
        texts = dict.fromkeys(spellings(document["_id"])[-1] for document in begun)
        for prefix in part:
            matching = [text for text in texts if text.lower().startswith(prefix.lower())]
            found[prefix] = [prefix] if prefix in texts else matching
    return found


def existing(
    database: Database[Document], collection: str, ids: Iterable[Any], session: ClientSession | None = None
) -> set[ObjectId]:
    """Return only those ids for which a document exists. The `_id` of the document may have any form."""
    return {referred(one["_id"]) for one in documents(database, collection, ids, ["_id"], session)}


def referring_to(
    database: Database[Document], collection: str, field: str, ids: Iterable[Any], session: ClientSession | None = None
) -> Document:
    """Return a filter for documents that refer to one of the ids in `field`.

    The field may be an id or a list of ids, and the ids may have any form.
    """
    return reference_filter(field, ids, odd=has_other_forms(database, collection, field, session))


def has_other_forms(
    database: Database[Document], collection: str, field: str, session: ClientSession | None = None
) -> bool:
    """Tell whether, in some document, this field has an id that is not an ObjectId."""
    odd = {"$or": [{field: {"$type": kind, **PRESENT}} for kind in ODD]}
    return database[collection].find_one(odd, {"_id": 1}, session=session) is not None


def reference_filter(field: str, ids: Iterable[Any], *, odd: bool) -> Document:
    """Return the filter for documents whose `field` refers to one of the ids.

    If `odd` is true, the filter also finds references that are not ObjectIds. If `odd` is false, it finds only
    ObjectIds, and the server can use an index. Servers refuse `$in` with `{"$oid": …}`. So for this form, the filter
    compares the value of the key `$oid`.
    """
    wanted = [referred(identifier) for identifier in ids]
    if not odd:
        return {field: among(wanted)}
    found = [form for identifier in wanted for form in forms(identifier)]
    nested = [{path: {"$in": digits}} for path, digits in _nested(field, found)]
    return {"$or": [{field: among(found)}, *nested]}


def not_referring_to(field: str, identifier: Any) -> Document:
    """Return the filter for documents whose `field` does not refer to an id. The reference may have any form."""
    found = forms(identifier)
    return {field: {"$nin": found}, **{path: {"$nin": digits} for path, digits in _nested(field, found)}}


def among(values: list[Any]) -> Document:
    """Return the condition for a field that is one of the values, or a list with at least one of them."""
    return {**({"$eq": values[0]} if len(values) == 1 else any_of(values)), **PRESENT}


def joined(conditions: Document, *filters: Document) -> Document:
    """Combine filters with AND.

    If possible, their fields stay at the top level of the result, because `Listing` looks for fields there.
    """
    both = dict(conditions)
    for one in filters:
        if both.keys().isdisjoint(one):
            both |= one
        else:
            both["$and"] = [*both.get("$and", ()), one]
    return both


def _has_nested_ids(database: Database[Document], collection: str) -> bool:
    """Tell whether some `_id` of a collection is a document like `{"$oid": digits}`.

    The answer is kept in memory, because some servers read all documents to find it.
    """
    known = _NESTED_IDS.setdefault(database.client, {})
    if (key := (database.name, collection)) not in known:
        known[key] = database[collection].find_one({"_id": {"$type": "object"}}, {"_id": 1}) is not None
    return known[key]


def _nested(field: str, values: list[Any]) -> list[tuple[str, list[str]]]:
    digits = [value for value in values if isinstance(value, str)]
    return [(f"{field}.{key}", digits) for key in NESTED]


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in NESTED
