"""From what a person types to documents: a name or an id, read by its shape alone."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from bson import ObjectId

from actions.errors import AmbiguousNameError, UnknownNameError
from models import connection
from models.changes import Document
from models.errors import UsageError
from models.names import did_you_mean

OBJECT_ID: Final = re.compile("[0-9a-fA-F]{24}")
CHOICES: Final = 10_000
"""Names that are read for "did you mean"; with more, the nearest one is no help any more."""


class Found(NamedTuple):
    """What was typed, and the document it means."""

    ref: str
    document: Document


def object_id(text: str, what: str) -> ObjectId:
    """Read an id; raises `UsageError` for anything else."""
    if not OBJECT_ID.fullmatch(text):
        raise UsageError(f'"{text}" is no {what} id', "an id has 24 hex digits")
    return ObjectId(text)


def named(
    collection: str, refs: Iterable[str], fields: Sequence[str] | None = None, *, skip_missing: bool = False
) -> list[Found]:
    """Find roles or permissions by name or id, in one read; each once, in the order they were typed.

    Raises `UnknownNameError` with the nearest name, and `AmbiguousNameError` where a name is there twice.
    """
    keys = {ref: _key(collection, ref) for ref in refs}
    wanted: dict[str, list[Any]] = {"_id": [], "name": []}
    for field, value in keys.values():
        wanted[field].append(value)
    where = {"$or": [{field: {"$in": values}} for field, values in wanted.items()]}
    projection = None if fields is None else ["name", *fields]
    documents = list(connection.database()[collection].find(where, projection)) if keys else []
    found: dict[ObjectId, Found] = {}
    for ref, (field, value) in keys.items():
        matches = [document for document in documents if document.get(field) == value]
        if len(matches) > 1:
            ids = ", ".join(f"id:{match['_id']}" for match in matches)
            raise AmbiguousNameError(f'several {collection.lower()}s have the name "{value}"', f"name one of {ids}")
        if not matches and not skip_missing:
            raise UnknownNameError(f'no {collection.lower()} "{value}"', _hint(collection, field, value))
        for match in matches:
            found.setdefault(match["_id"], Found(str(match.get("name", ref)), match))
    return list(found.values())


def one(collection: str, ref: str, fields: Sequence[str] | None = None) -> Document:
    """Find one role or permission."""
    return named(collection, [ref], fields)[0].document


def label(document: Document) -> str:
    """Return what a role or permission is called; in broken data it may have no name."""
    return str(document.get("name") or document["_id"])


def _key(collection: str, ref: str) -> tuple[str, Any]:
    kind, colon, rest = ref.partition(":")
    if colon and kind == "id":
        return "_id", object_id(rest, collection.lower())
    if colon and kind == "name":
        return "name", rest
    return ("_id", ObjectId(ref)) if OBJECT_ID.fullmatch(ref) else ("name", ref)


def _hint(collection: str, field: str, value: Any) -> str:
    listing = f"see chatctl {collection.lower()}s list"
    if field == "_id":
        return listing
    names = connection.database()[collection].find({}, {"name": 1}).limit(CHOICES)
    return did_you_mean(value, [name for document in names if isinstance(name := document.get("name"), str)]) or listing
