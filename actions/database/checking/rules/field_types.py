"""Rules about required fields, types and lists."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from bson import DatetimeMS, Int64, ObjectId, Timestamp

from actions import queries
from actions.database.checking.repairing import convert
from actions.database.checking.rule import Finding, RepairDraft, Rule, by_collection
from changes import Batch, Document, are_ids
from changes.events import now
from database import connection
from database.references import reference, referred
from models.links import PROFILE_USER
from models.schema import SCHEMA
from models.values import UserStatus

ALLOWED_TYPES: Final[dict[type, tuple[type, ...]]] = {int: (int, Int64), UserStatus: (str,)}
"""Type of a field in the schema → the types of values that are right for it. Other fields allow only their own type.

Code, a BSON type that Python reads as a kind of `str`, is therefore not a text.
"""

SEVERITIES: Final = {
    (int, float): "I",
    (datetime, Timestamp): "I",
    (str, ObjectId): "I",
    (datetime, DatetimeMS): "W",
}
"""The severities of wrong types that the application can still load (with Prisma 6).

The key is: type in the schema, stored type.
"""

ALL_FIELDS: Final = {collection: tuple(fields) for collection, fields in SCHEMA.items()}

MEANING: Final = {datetime: "a date", int: "a number", ObjectId: "an id"}
"""Type in the schema → the words that say what a value of another type means."""

NULL: Final = "null in the list"
CERTAIN: Final = (*(f"({meant})" for meant in MEANING.values()), NULL)
"""Texts at the end of the description of a wrong value.

If a description ends with one of these texts, only one correction of the value is right.
"""

Fault = tuple[tuple[str, str], str, Any]
"""A fault: the names of its rule and severity, the field, and the wrong value or words about it."""


class ShapeFaults:
    """Finds wrong fields and types.

    The names of the fields of a document and the types of their values are the shape of the document. Most documents
    have the same shape. A valid shape is checked only once. After that, only lists of ids are checked in such
    documents.
    """

    def __init__(self) -> None:
        self._valid_shapes: dict[Any, list[str]] = {}
        self._last_documents: Sequence[Document] = ()
        self._last_faults: list[tuple[Any, Fault]] = []

    def faults(self, collection: str, documents: Sequence[Document], rule: str, severity: str) -> Iterator[Finding]:
        """Yield the faults of one rule and severity.

        One search finds the faults of all rules. Its result is kept for the calls by the other rules.
        """
        if documents is not self._last_documents:
            self._last_documents, self._last_faults = documents, list(self._all(collection, documents))
        for identifier, (kind, field, value) in self._last_faults:
            if kind == (rule, severity):
                yield Finding(collection, identifier, field, value)

    def _all(self, collection: str, documents: Sequence[Document]) -> Iterator[tuple[Any, Fault]]:
        for document in documents:
            shape = (collection, *document, *map(type, document.values()))
            lists = self._valid_shapes.get(shape)
            if lists is None or not all(are_ids(document[field]) for field in lists):
                found = list(_faults_of(SCHEMA[collection], document))
                yield from ((document["_id"], fault) for fault in found)
                if not found:
                    self._valid_shapes[shape] = [field for field, value in document.items() if type(value) is list]


def _faults_of(schema: dict[str, tuple[type, bool]], document: Document) -> Iterator[Fault]:
    """Yield the faults of a document.

    If the `_id` is wrong, only this fault is yielded, because the `_id` must be repaired first.
    """
    if not isinstance(document["_id"], ObjectId):
        yield ("wrong-type", "E"), "_id", _type_name(ObjectId, document["_id"])
        return
    for field, (wanted, required) in schema.items():
        value = document.get(field)
        if value is not None:
            for rule, what in _faults_of_value(wanted, value):
                yield rule, field, what
        elif wanted is list and field in document:
            yield ("null-list", "E"), field, None
        elif wanted is not list and required:
            has_default = wanted is UserStatus and field not in document
            yield ("missing-field", "W" if has_default else "E"), field, None if field in document else "absent"


def _faults_of_value(wanted: type, value: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield the faults of a value, as ((rule, severity), description).

    For a list, yield only the first fault of each rule and severity.
    """
    if wanted is list and isinstance(value, list):
        others = (_type_fault(ObjectId, item) for item in value if not isinstance(item, ObjectId))
        yield from dict(reversed([*others])).items()
    elif type(value) not in ALLOWED_TYPES.get(wanted, (wanted,)):
        yield _type_fault(wanted, value)


def _type_fault(wanted: type, value: Any) -> tuple[tuple[str, str], Any]:
    if wanted is ObjectId and convert(wanted, value):
        return ("string-id", "E"), value
    return ("wrong-type", SEVERITIES.get((wanted, type(value)), "E")), _type_name(wanted, value)


def _type_name(wanted: type, value: Any) -> str:
    """Return the name of a value's type, for example `str`.

    If the value can be converted to the right type, the name also has the meaning of the value: `str (a date)`.
    """
    if value is None:
        return NULL
    meant = f" ({MEANING[wanted]})" if convert(wanted, value) is not None else ""
    return f"{type(value).__name__}{meant}"


class _ShapeRule(Rule):
    reads = ALL_FIELDS
    one_collection = True
    in_one_document = True

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        return self.scan.shared(ShapeFaults).faults(collection, documents, self.name, self.severity)


REINSTATE: Final = "chatctl users reinstate id:{id}, or chatctl users suspend id:{id} to keep the user out"
BY_HAND: Final = (
    'set a value in mongosh: db.{collection}.updateOne({{_id: ObjectId("{id}")}}, {{$set: {{{field}: …}}}})'
)


class MissingField(_ShapeRule):
    """A required field is absent or null."""

    name = "missing-field"
    severity = "E"
    effect = "The application cannot load this document, or any list that contains it."
    fix = BY_HAND
    fixes = {
        "User.email": "chatctl users update id:{id} --email ADDRESS",
        "User.username": "chatctl users update id:{id} --username NAME",
        "User.status": REINSTATE,
        "Role.name": "chatctl roles rename id:{id} NAME",
        "Permission.name": "chatctl permissions rename id:{id} NAME",
        "Conversation": BY_HAND + ", or chatctl conversations delete {id}",
        "Message": BY_HAND + ", or chatctl messages delete {id}",
    }


class MissingStatus(_ShapeRule):
    """The status of a user is absent; the application reads the default of its schema, ACTIVE."""

    name = "missing-field"
    severity = "W"
    effect = "The application reads ACTIVE, but its filters on the status do not find the user."
    fix = "chatctl db repair --rule {name} (writes ACTIVE), or chatctl users reinstate id:{id}"
    reads = {"User": ALL_FIELDS["User"]}
    automatic = True

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del decisions
        for _, user in draft.each("User", {found.id for found in findings}):
            if "status" not in user:
                draft.reserve(1)
                draft.set("User", user, {"status": UserStatus.ACTIVE.value, "updatedAt": now()})
                yield from draft.finished_batches()


class WrongType(_ShapeRule):
    """A field has a different type than in the schema."""

    name = "wrong-type"
    severity = "E"
    effect = "The application cannot load this document, or any list that contains it."
    fix = "the right value is not certain: set it in mongosh: db.{collection}.updateOne(…)"
    fixes = {"User.status": REINSTATE}
    odd_ids = True

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Confirm faults, but do not read a wrong `_id` again: it cannot change, and a query may not find it."""
        yield from (found for found in suspects if found.field == "_id")
        yield from super().confirm([found for found in suspects if found.field != "_id"])

    def repairable(self, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Finding]:
        """Yield the faults with only one right correction.

        A wrong `_id` is left out if another document already has the right `_id`.
        """
        del decisions
        certain = [found for found in findings if str(found.value).endswith(CERTAIN)]
        moved = by_collection(found for found in certain if found.field == "_id")
        taken = {collection: _ids_used_twice(collection, list(faults)) for collection, faults in moved.items()}
        yield from (f for f in certain if f.field != "_id" or referred(f.id) not in taken[f.collection])

    def fix_command(self, found: Finding) -> str:
        if any(self.repairable([found], frozenset())):
            return f"chatctl db repair --rule {self.name}"
        if found.field != "_id":
            return super().fix_command(found)
        if isinstance(referred(found.id), ObjectId):
            return "delete one of the two documents with this id in mongosh"
        return "in mongosh, insert the document again with a new ObjectId, change its references, and delete this one"

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del decisions
        yield from _replace_ids(draft, [found for found in findings if found.field == "_id"])
        yield from _rewrite(draft, [found for found in findings if found.field != "_id"])


class FarDate(_ShapeRule):
    """A date is outside the years 1 to 9999."""

    name = "wrong-type"
    severity = "W"
    effect = "The application reads an invalid date."
    fix = BY_HAND.replace("set a value", "write the right date")


class ReadableType(_ShapeRule):
    """A field has a different type, but the application reads it correctly."""

    name = "wrong-type"
    severity = "I"
    effect = "None. The application reads a Double as an Int, a Timestamp as a date and an ObjectId as text."
    fix = "no change needed"


class StringId(_ShapeRule):
    """An id is stored as text."""

    name = "string-id"
    severity = "E"
    effect = "The application reads the document, but its filters, links and cascading deletes do not find it."
    fixes = {
        "Profile.userId": "chatctl db repair --rule {name}; if the user has another profile, delete one of the two"
        ' in mongosh: db.Profile.deleteOne({{_id: ObjectId("{id}")}})'
    }
    automatic = True

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        return _rewrite(draft, list(self.repairable(findings, decisions)))

    def repairable(self, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Finding]:
        """Leave out a profile if its user has another profile too: a person must choose one of the two."""
        del decisions
        holders: Counter[Any] = Counter()
        for users in queries.chunks(referred(found.value) for found in findings if _is_profile_user(found)):
            where = queries.refers_to("Profile", "userId", *users)
            profiles = connection.database()["Profile"].find(where, ["userId"])
            # In a profile, `userId` may be a list by mistake. `reference` returns None for it, so it does not count.
            holders.update(user for profile in profiles if (user := reference(profile, "userId")))
        yield from (found for found in findings if not _is_profile_user(found) or holders[referred(found.value)] == 1)


def _is_profile_user(found: Finding) -> bool:
    return (found.collection, found.field) == PROFILE_USER[:2]


class NullList(_ShapeRule):
    """A list is null."""

    name = "null-list"
    severity = "E"
    effect = "The application reads an empty list, but it cannot link anything to the document."
    automatic = True

    def repair(self, draft: RepairDraft, findings: Sequence[Finding], decisions: frozenset[str]) -> Iterator[Batch]:
        del decisions
        return _rewrite(draft, findings)


def _converted(collection: str, field: str, value: Any) -> Any:
    """Return a value, converted to the type in the schema. If its meaning is not certain, return it unchanged."""
    wanted, _ = SCHEMA[collection].get(field, (None, False))
    if wanted is list:
        return [] if value is None else _converted_list(value) if isinstance(value, list) else value
    if wanted is None or type(value) in ALLOWED_TYPES.get(wanted, (wanted,)):
        return value
    meant = convert(wanted, value)
    return value if meant is None else meant


def _converted_list(items: list[Any]) -> list[Any]:
    """Convert the ids in a list to ObjectIds. Remove null, and an id that the list already has as an ObjectId."""
    seen = {item for item in items if isinstance(item, ObjectId)}
    kept = []
    for item in items:
        identifier = referred(item)
        if item is not None and (identifier is item or identifier not in seen):
            kept.append(identifier)
        if identifier is not item:
            seen.add(identifier)
    return kept


def _rewrite(draft: RepairDraft, findings: Sequence[Finding]) -> Iterator[Batch]:
    """Draft changes that replace the wrong values of fields by the right values."""
    for collection, faults in by_collection(findings).items():
        for identifier, document in draft.each(collection, faults):
            names = {str(found.field) for found in faults[identifier]} & document.keys()
            values = {name: _converted(collection, name, document[name]) for name in sorted(names)}
            draft.reserve(1)
            draft.set(collection, document, values)
            yield from draft.finished_batches()


def _replace_ids(draft: RepairDraft, findings: Sequence[Finding]) -> Iterator[Batch]:
    """Correct the `_id` of documents: insert each with the right `_id` and delete the old one.

    An `_id` cannot be updated.
    """
    for collection, faults in by_collection(findings).items():
        for part in queries.chunks(faults):
            taken = _ids_used_twice(collection, part)
            for document in queries.find_by_values(collection, "_id", part):
                if (identifier := referred(document["_id"])) not in taken:
                    fields = {name: _converted(collection, name, value) for name, value in document.items()}
                    draft.reserve(2)
                    draft.delete(collection, document)
                    draft.insert(collection, {**fields, "_id": identifier})
                    yield from draft.finished_batches()


def _ids_used_twice(collection: str, ids: Sequence[Any]) -> set[Any]:
    """Return the ids that two documents have.

    One document has the id as an ObjectId, and the other in another form, for example as text.
    """
    found = Counter(referred(document["_id"]) for document in queries.find_by_ids(collection, ids, ["_id"]))
    return {identifier for identifier, number in found.items() if number > 1}
