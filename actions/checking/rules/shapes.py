"""Fields that are not what they should be: absent, null, of another type."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from mongoengine import BooleanField, DateTimeField, ListField, LongField, ObjectIdField

from actions.checking.rule import Finding, Rule, by_collection, documents
from actions.finding import OBJECT_ID
from models.changes import Document, Draft
from models.schema import DOCUMENTS

TYPES: Final[dict[type, type]] = {
    BooleanField: bool,
    DateTimeField: datetime,
    ListField: list,
    LongField: int,
    ObjectIdField: ObjectId,
}
"""What the fields of the schema hold; all others hold text."""

SCHEMA: Final[dict[str, dict[str, tuple[type, bool]]]] = {
    document._meta["collection"]: {  # noqa: SLF001 - mongoengine has no public name for it
        "_id" if name == "id" else name: (TYPES.get(type(field), str), field.required or name == "id")
        for name, field in document._fields.items()
    }
    for document in DOCUMENTS
}
"""Collection → field → the type of its values, and whether it has to be there."""

READ: Final = {collection: tuple(fields) for collection, fields in SCHEMA.items()}

Fault = tuple[str, str, Any]
"""Which rule, which field, and what is there."""


class Shapes:
    """The faults in the shape of documents; mostly they are all alike, and a shape known to be right is passed over."""

    def __init__(self) -> None:
        self._right: set[Any] = set()
        self._seen: Sequence[Document] = ()
        self._faults: list[tuple[Any, Fault]] = []

    def faults(self, collection: str, documents: Sequence[Document], rule: str) -> Iterator[Finding]:
        """Give the faults of one rule among documents; those of the others are found on the way."""
        if documents is not self._seen:
            self._seen, self._faults = documents, list(self._all(collection, documents))
        for identifier, (name, field, value) in self._faults:
            if name == rule:
                yield Finding(collection, identifier, field, value)

    def _all(self, collection: str, documents: Sequence[Document]) -> Iterator[tuple[Any, Fault]]:
        for document in documents:
            shape = (collection, *document, *map(_kind, document.values()))
            if shape not in self._right:
                found = list(_faults(SCHEMA[collection], document))
                yield from ((document["_id"], fault) for fault in found)
                if not found:
                    self._right.add(shape)


def _kind(value: Any) -> Any:
    """Tell the type of a value, and those of a list's items."""
    return (list, *set(map(type, value))) if type(value) is list else type(value)


def _faults(schema: dict[str, tuple[type, bool]], document: Document) -> Iterator[Fault]:
    for field, (wanted, required) in schema.items():
        value = document.get(field)
        if value is None:
            if required and wanted is not list:
                yield "missing-field", field, None if field in document else "absent"
            elif wanted is list and field in document:
                yield "null-list", field, None
        elif wanted is list and isinstance(value, list):
            yield from _items(field, value)
        elif not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            yield _other(field, wanted, value)


def _items(field: str, items: list[Any]) -> Iterator[Fault]:
    for item in items:
        if not isinstance(item, ObjectId):
            yield _other(field, ObjectId, item)


def _other(field: str, wanted: type, value: Any) -> Fault:
    if wanted is ObjectId and field != "_id" and isinstance(value, str) and OBJECT_ID.fullmatch(value):
        return "string-id", field, value
    return "wrong-type", field, "null in the list" if value is None else type(value).__name__


class _Shape(Rule):
    reads = READ

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        return self.known.shared(Shapes).faults(collection, documents, self.name)


class MissingField(_Shape):
    """A required field is absent or null."""

    name = "missing-field"
    severity = "E"
    effect = "every query of the application that returns the document fails as a whole"
    fix = "give the field a value where there is one (chatctl users update, roles rename), or delete the document"


class WrongType(_Shape):
    """A field holds another type than the schema says."""

    name = "wrong-type"
    severity = "E"
    effect = "every query of the application that returns the document fails as a whole"
    fix = "write the value anew in its type, by hand: what was meant is not known"

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Take an `_id` as it was: it never changes, and one of another type may be none that can be looked up."""
        yield from (found for found in suspects if found.field == "_id")
        yield from super().confirm([found for found in suspects if found.field != "_id"])


class StringId(_Shape):
    """An id is stored as text."""

    name = "string-id"
    severity = "E"
    effect = "the document is read, but filters, links and cascades pass it over"
    mends = True

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        del decided
        _rewrite(draft, findings, _with_ids)


class NullList(_Shape):
    """A list is null."""

    name = "null-list"
    severity = "E"
    effect = "it is read as empty, and then linking anything to the document fails"
    mends = True

    def mend(self, draft: Draft, findings: Sequence[Finding], decided: frozenset[str]) -> None:
        del decided
        _rewrite(draft, findings, lambda value: [] if value is None else value)


def _with_ids(value: Any) -> Any:
    if isinstance(value, list):
        return list(dict.fromkeys(map(_with_ids, value)))
    return ObjectId(value) if isinstance(value, str) and OBJECT_ID.fullmatch(value) else value


def _rewrite(draft: Draft, findings: Sequence[Finding], rewritten: Any) -> None:
    """Give fields the values that follow from those they have."""
    for collection, faults in by_collection(findings).items():
        fields = {found.field for some in faults.values() for found in some if found.field}
        there = documents(collection, faults, sorted(fields))
        for identifier, some in faults.items():
            if identifier in there:
                names = {found.field for found in some if found.field}
                draft.room(1)
                values = {name: rewritten(there[identifier].get(name)) for name in names if name in there[identifier]}
                draft.set(collection, there[identifier], values)
