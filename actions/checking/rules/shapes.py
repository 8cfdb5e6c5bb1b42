"""Fields that are not what they should be: absent, null, of another type."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from bson import DatetimeMS, Int64, ObjectId

from actions import finding
from actions.checking.mending import Mending
from actions.checking.rule import Finding, Rule, as_id, by_collection
from models.changes import Batch, Document, are_ids
from models.links import PROFILE_USER
from models.schema import SCHEMA

ALIKE: Final[dict[type, tuple[type, ...]]] = {int: (int, Int64), datetime: (datetime, DatetimeMS)}
"""What a type is read as: a date that no calendar has is one all the same, and code is no text, though it looks so."""

READ: Final = {collection: tuple(fields) for collection, fields in SCHEMA.items()}

Fault = tuple[str, str, Any]
"""Which rule, which field, and what is there."""


class Shapes:
    """The faults in the shape of documents; mostly they are all alike, and a shape known to be right is passed over."""

    def __init__(self) -> None:
        self._right: dict[Any, list[str]] = {}
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
            shape = (collection, *document, *map(type, document.values()))
            lists = self._right.get(shape)
            if lists is None or not all(are_ids(document[field]) for field in lists):
                found = list(_faults(SCHEMA[collection], document))
                yield from ((document["_id"], fault) for fault in found)
                if not found:
                    self._right[shape] = [field for field, value in document.items() if type(value) is list]


def _faults(schema: dict[str, tuple[type, bool]], document: Document) -> Iterator[Fault]:
    """Find what is wrong with a document; while its id is, nothing else of it can be looked up or mended."""
    if not isinstance(document["_id"], ObjectId):
        yield "wrong-type", "_id", _type(document["_id"])
        return
    for field, (wanted, required) in schema.items():
        value = document.get(field)
        if value is not None:
            for rule, what in _wrong(wanted, value):
                yield rule, field, what
        elif wanted is list and field in document:
            yield "null-list", field, None
        elif wanted is not list and required:
            yield "missing-field", field, None if field in document else "absent"


def _wrong(wanted: type, value: Any) -> Iterator[tuple[str, Any]]:
    """Find what is wrong with a value; of what is in a list, the first of each kind of fault."""
    if wanted is list and isinstance(value, list):
        others = (_other(ObjectId, item) for item in value if not isinstance(item, ObjectId))
        yield from dict(reversed([*others])).items()
    elif type(value) not in ALIKE.get(wanted, (wanted,)):
        yield _other(wanted, value)


def _other(wanted: type, value: Any) -> tuple[str, Any]:
    if wanted is ObjectId and as_id(value) is not value:
        return "string-id", value
    return "wrong-type", _type(value)


def _type(value: Any) -> str:
    return "null in the list" if value is None else type(value).__name__


class _Shape(Rule):
    reads = READ
    apart = True

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        return self.known.shared(Shapes).faults(collection, documents, self.name)


class MissingField(_Shape):
    """A required field is absent or null."""

    name = "missing-field"
    severity = "E"
    effect = "every query of the application that returns the document fails as a whole"

    def advise(self, found: Finding) -> str:
        named = {
            ("User", "email"): "chatctl users update id:{id} --email ADDRESS",
            ("User", "username"): "chatctl users update id:{id} --username NAME",
            ("User", "status"): "chatctl users suspend id:{id}, and users reinstate id:{id} behind it",
            ("Role", "name"): "chatctl roles rename id:{id} NAME",
            ("Permission", "name"): "chatctl permissions rename id:{id} NAME",
        }
        deleting = f"chatctl {found.collection.lower()}s delete {{id}}"
        by_hand = 'give it a value, in mongosh: db.{collection}.updateOne({{_id: ObjectId("{id}")}}, {{$set: …}})'
        fix = named.get((found.collection, str(found.field)), by_hand)
        if found.collection in {"Conversation", "Message"}:
            fix += f", or {deleting}"
        return fix.format(id=found.id, collection=found.collection)


class WrongType(_Shape):
    """A field holds another type than the schema says."""

    name = "wrong-type"
    severity = "E"
    effect = "every query of the application that returns the document fails as a whole"
    fix = "write the value anew in its type, in mongosh: db.{collection}.updateOne(…); what was meant is not known"
    all_ids = True

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

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        del decided
        return _rewrite(mending, list(self._free(findings)), _with_ids)

    def mendable(self, found: Finding, decided: frozenset[str]) -> bool:
        return super().mendable(found, decided) and any(self._free([found]))

    def advise(self, found: Finding) -> str:
        by_hand = 'delete one of the two, in mongosh: db.Profile.deleteOne({{_id: ObjectId("{id}")}})'
        beside = f", or where the user has another profile {by_hand}" if _is_unique(found) else ""
        return (self.fix + beside).format(name=self.name, id=found.id)

    @staticmethod
    def _free(findings: Sequence[Finding]) -> Iterator[Finding]:
        """Leave out profiles whose user has another: of those one has to be chosen."""
        forms = [form for found in findings if _is_unique(found) for form in finding.forms(found.value)]
        profiles = finding.having("Profile", "userId", forms, ["userId"])
        holders = Counter(str(as_id(profile["userId"])) for profile in profiles)
        yield from (found for found in findings if not _is_unique(found) or holders[str(as_id(found.value))] == 1)


def _is_unique(found: Finding) -> bool:
    return (found.collection, found.field) == PROFILE_USER[:2]


class NullList(_Shape):
    """A list is null."""

    name = "null-list"
    severity = "E"
    effect = "it is read as empty, and then linking anything to the document fails"
    mends = True

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        del decided
        return _rewrite(mending, findings, lambda value: [] if value is None else value)


def _with_ids(value: Any) -> Any:
    if not isinstance(value, list):
        return as_id(value)
    seen = {item for item in value if isinstance(item, ObjectId)}
    kept = []
    for item in value:
        identifier = as_id(item)
        if identifier is item or identifier not in seen:
            kept.append(identifier)
        if identifier is not item:
            seen.add(identifier)
    return kept


def _rewrite(mending: Mending, findings: Sequence[Finding], rewritten: Callable[[Any], Any]) -> Iterator[Batch]:
    """Give fields the values that follow from those they have."""
    for collection, faults in by_collection(findings).items():
        for identifier, document in mending.each(collection, faults):
            names = {str(found.field) for found in faults[identifier]} & document.keys()
            mending.draft.room(1)
            mending.draft.set(collection, document, {name: rewritten(document[name]) for name in sorted(names)})
            yield from mending.full()
