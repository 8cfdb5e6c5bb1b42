"""Fields that are not what they should be: absent, null, of another type."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from bson import DatetimeMS, Int64, ObjectId, Timestamp

from actions import finding
from actions.database.checking.intended import intended
from actions.database.checking.mending import Mending
from actions.database.checking.rule import Finding, Rule, by_collection
from changes import Batch, Document, are_ids
from changes.events import now
from database import connection
from database.references import reference, referred
from models.links import PROFILE_USER
from models.schema import SCHEMA
from models.user import UserStatus

ALIKE: Final[dict[type, tuple[type, ...]]] = {int: (int, Int64), UserStatus: (str,)}
"""The allowed types, if there are others than the wanted one; code is not allowed as text."""

SEVERITIES: Final = {
    (int, float): "I",
    (datetime, Timestamp): "I",
    (str, ObjectId): "I",
    (datetime, DatetimeMS): "W",
}
"""The severity of types that the application can read, by the wanted and the found type (Prisma 6)."""

READ: Final = {collection: tuple(fields) for collection, fields in SCHEMA.items()}

MEANT: Final = {datetime: "a date", int: "a number", ObjectId: "an id"}
"""Wanted type → the words for a value that stands for it."""

NULL: Final = "null in the list"
CERTAIN: Final = (*(f"({meant})" for meant in MEANT.values()), NULL)
"""The ends of what is said of a value that has one right answer."""

Fault = tuple[tuple[str, str], str, Any]
"""The rule and its severity, the field, and what was found there."""


class Shapes:
    """The faults in the shape of documents; mostly they are all alike, and a shape known to be right is passed over."""

    def __init__(self) -> None:
        self._right: dict[Any, list[str]] = {}
        self._seen: Sequence[Document] = ()
        self._faults: list[tuple[Any, Fault]] = []

    def faults(self, collection: str, documents: Sequence[Document], rule: str, severity: str) -> Iterator[Finding]:
        """Yield the faults of one rule and severity; one search finds those of all rules, and is kept."""
        if documents is not self._seen:
            self._seen, self._faults = documents, list(self._all(collection, documents))
        for identifier, (kind, field, value) in self._faults:
            if kind == (rule, severity):
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
        yield ("wrong-type", "E"), "_id", _wrong_type(ObjectId, document["_id"])
        return
    for field, (wanted, required) in schema.items():
        value = document.get(field)
        if value is not None:
            for rule, what in _wrong(wanted, value):
                yield rule, field, what
        elif wanted is list and field in document:
            yield ("null-list", "E"), field, None
        elif wanted is not list and required:
            has_default = wanted is UserStatus and field not in document
            yield ("missing-field", "W" if has_default else "E"), field, None if field in document else "absent"


def _wrong(wanted: type, value: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    """Find what is wrong with a value; of what is in a list, the first of each kind of fault."""
    if wanted is list and isinstance(value, list):
        others = (_other(ObjectId, item) for item in value if not isinstance(item, ObjectId))
        yield from dict(reversed([*others])).items()
    elif type(value) not in ALIKE.get(wanted, (wanted,)):
        yield _other(wanted, value)


def _other(wanted: type, value: Any) -> tuple[tuple[str, str], Any]:
    if wanted is ObjectId and intended(wanted, value):
        return ("string-id", "E"), value
    return ("wrong-type", SEVERITIES.get((wanted, type(value)), "E")), _wrong_type(wanted, value)


def _wrong_type(wanted: type, value: Any) -> str:
    """Name the type of a value and, if it is certain, what it stands for: `str (a date)`."""
    if value is None:
        return NULL
    meant = f" ({MEANT[wanted]})" if intended(wanted, value) is not None else ""
    return f"{type(value).__name__}{meant}"


class _Shape(Rule):
    reads = READ
    apart = True

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        return self.known.shared(Shapes).faults(collection, documents, self.name, self.severity)


REINSTATE: Final = "chatctl users reinstate id:{id}, or users suspend id:{id} to keep the user out"
BY_HAND: Final = (
    'give it a value, in mongosh: db.{collection}.updateOne({{_id: ObjectId("{id}")}}, {{$set: {{{field}: …}}}})'
)


class MissingField(_Shape):
    """A required field is absent or null."""

    name = "missing-field"
    severity = "E"
    effect = "the application cannot load the document, or any list that contains it"
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


class MissingStatus(_Shape):
    """The status of a user is absent; the application reads the default of its schema, ACTIVE."""

    name = "missing-field"
    severity = "W"
    effect = "the application reads ACTIVE, but its filters on the status miss the user"
    fix = "chatctl db repair --rule {name} (writes ACTIVE), or users reinstate id:{id}"
    reads = {"User": READ["User"]}
    mends = True

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        del decided
        for _, user in mending.each("User", {found.id for found in findings}):
            if "status" not in user:
                mending.draft.reserve(1)
                mending.draft.set("User", user, {"status": UserStatus.ACTIVE.value, "updatedAt": now()})
                yield from mending.finished_batches()


class WrongType(_Shape):
    """A field holds another type than the schema says."""

    name = "wrong-type"
    severity = "E"
    effect = "the application cannot load the document, or any list that contains it"
    fix = "write the right value, in mongosh: db.{collection}.updateOne(…). What was meant is not certain."
    fixes = {"User.status": REINSTATE}
    all_ids = True

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        """Take an `_id` as it was: it never changes, and one of another type may be none that can be looked up."""
        yield from (found for found in suspects if found.field == "_id")
        yield from super().confirm([found for found in suspects if found.field != "_id"])

    def mendable(self, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Finding]:
        """Yield those whose right value is certain and, for an id, not the id of another document."""
        del decided
        certain = [found for found in findings if str(found.value).endswith(CERTAIN)]
        moved = by_collection(found for found in certain if found.field == "_id")
        taken = {collection: _taken(collection, list(faults)) for collection, faults in moved.items()}
        yield from (f for f in certain if f.field != "_id" or referred(f.id) not in taken[f.collection])

    def advise(self, found: Finding) -> str:
        if any(self.mendable([found], frozenset())):
            return f"chatctl db repair --rule {self.name}"
        if found.field != "_id":
            return super().advise(found)
        if isinstance(referred(found.id), ObjectId):
            return "delete one of the two documents with this id, in mongosh"
        return "insert the document again with a new ObjectId, change its references, and delete this one, in mongosh"

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        del decided
        yield from _move(mending, [found for found in findings if found.field == "_id"])
        yield from _rewrite(mending, [found for found in findings if found.field != "_id"])


class FarDate(_Shape):
    """A date is outside the years 1 to 9999."""

    name = "wrong-type"
    severity = "W"
    effect = "the application reads an invalid date"
    fix = BY_HAND.replace("give it a value", "write the right date")


class ReadableType(_Shape):
    """A field holds another type, which the application reads like the right one."""

    name = "wrong-type"
    severity = "I"
    effect = "none: the application reads a Double as an Int, a Timestamp as a date and an ObjectId as text"
    fix = "nothing has to be done"


class StringId(_Shape):
    """An id is stored as text."""

    name = "string-id"
    severity = "E"
    effect = "the document is read, but filters, links and cascades pass it over"
    fixes = {
        "Profile.userId": "chatctl db repair --rule {name}; if the user has another profile, delete one of the two"
        ' in mongosh: db.Profile.deleteOne({{_id: ObjectId("{id}")}})'
    }
    mends = True

    def mend(self, mending: Mending, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Batch]:
        return _rewrite(mending, list(self.mendable(findings, decided)))

    def mendable(self, findings: Sequence[Finding], decided: frozenset[str]) -> Iterator[Finding]:
        """Leave out profiles whose user has another: of those one has to be chosen."""
        del decided
        holders: Counter[Any] = Counter()
        for users in finding.parts(referred(found.value) for found in findings if _is_unique(found)):
            where = finding.referring("Profile", "userId", *users)
            profiles = connection.database()["Profile"].find(where, ["userId"])
            # A list is not a reference.
            holders.update(user for profile in profiles if (user := reference(profile, "userId")))
        yield from (found for found in findings if not _is_unique(found) or holders[referred(found.value)] == 1)


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
        return _rewrite(mending, findings)


def _righted(collection: str, field: str, value: Any) -> Any:
    """Return the value with the type of the schema if that is certain, otherwise unchanged."""
    wanted, _ = SCHEMA[collection].get(field, (None, False))
    if wanted is list:
        return [] if value is None else _with_ids(value) if isinstance(value, list) else value
    if wanted is None or type(value) in ALIKE.get(wanted, (wanted,)):
        return value
    meant = intended(wanted, value)
    return value if meant is None else meant


def _with_ids(items: list[Any]) -> list[Any]:
    """Return a list in which ids replace their other forms, without duplicates of these and without nulls."""
    seen = {item for item in items if isinstance(item, ObjectId)}
    kept = []
    for item in items:
        identifier = referred(item)
        if item is not None and (identifier is item or identifier not in seen):
            kept.append(identifier)
        if identifier is not item:
            seen.add(identifier)
    return kept


def _rewrite(mending: Mending, findings: Sequence[Finding]) -> Iterator[Batch]:
    """Write the right values into fields."""
    for collection, faults in by_collection(findings).items():
        for identifier, document in mending.each(collection, faults):
            names = {str(found.field) for found in faults[identifier]} & document.keys()
            values = {name: _righted(collection, name, document[name]) for name in sorted(names)}
            mending.draft.reserve(1)
            mending.draft.set(collection, document, values)
            yield from mending.finished_batches()


def _move(mending: Mending, findings: Sequence[Finding]) -> Iterator[Batch]:
    """Insert documents again with the right `_id`, and delete the old ones, because an `_id` cannot be updated."""
    for collection, faults in by_collection(findings).items():
        for part in finding.parts(faults):
            taken = _taken(collection, part)
            for document in finding.having(collection, "_id", part):
                if (identifier := referred(document["_id"])) not in taken:
                    fields = {name: _righted(collection, name, value) for name, value in document.items()}
                    mending.draft.reserve(2)
                    mending.remove(collection, document)
                    mending.draft.insert(collection, {**fields, "_id": identifier})
                    yield from mending.finished_batches()


def _taken(collection: str, ids: Sequence[Any]) -> set[Any]:
    """Return the ids that two documents have, each in its own form."""
    found = Counter(referred(document["_id"]) for document in finding.with_id(collection, ids, ["_id"]))
    return {identifier for identifier, number in found.items() if number > 1}
