"""A plan: a changeset that is stored, reviewed, and written later by another person, exactly as planned or not at all.

`plan_of` makes a plan of a changeset, `encoded` and `decoded` convert it to a document and back, and
`fitted_plans.fit` compares it with the documents as they are now. A plan contains no secret: values that must not be
kept are replaced by their type, and `fit` takes them from the documents again.

Invariant: a plan is not trusted. Somebody who cannot write anything else may have written it, so `decoded` accepts only
what `plan_of` makes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bson import ObjectId

from changes.change import (
    ABSENT,
    Add,
    Change,
    Delete,
    Document,
    FieldChange,
    Insert,
    ListContaining,
    Raise,
    Set,
    Take,
    Update,
    same,
)
from changes.changeset import Changeset
from changes.draft import Batch, UnchangedList
from changes.trail_entries import OUR_RECORDS
from changes.visible_values import NEVER_SHOWN, showable, withheld
from database.errors import InvalidInputError, UsageError
from database.indexes import APPLICATION, QUERIES, RECORDS, Index
from database.own_collections import HOLDS, STATE
from database.wording import counted
from models.schema import FIELDS

MOST: Final = 10_000
"""The most documents of a plan. It is carried out in one transaction, which must not take longer than a minute."""
PRIVATE: Final = frozenset({("Message", "body"), ("Message", "image")})
"""Fields that a plan does not repeat from existing documents, because they may be masked."""
NO_SECRETS: Final = "A proposal or plan contains no secret. Run this command without --propose and --save-plan."
_INDEXES: Final = {index.name: index for index in (*APPLICATION, *QUERIES, *RECORDS)}


@dataclass(frozen=True)
class Plan:
    """The changes of a changeset, with only the values that a plan may contain; see `Changeset` for the fields."""

    command: str
    batches: list[Batch]
    lifted: frozenset[str] = frozenset()
    relies_on: dict[UnchangedList, list[Any]] = field(default_factory=dict)
    indexes: list[Index] = field(default_factory=list)
    undoes: ObjectId | None = None
    undoable: bool = True

    @property
    def changes(self) -> list[Change]:
        return [change for batch in self.batches for change in batch]


def plan_of(changeset: Changeset) -> Plan:
    """Make a plan, which can be stored, from a changeset.

    Raises `UsageError` for a changeset that sets a password, and `InvalidInputError` for one that cannot be kept.
    """
    command = " ".join(changeset.command.split()[:2])
    if changeset.unproposable:
        raise InvalidInputError(f"{command} cannot be proposed: {changeset.unproposable}")
    if any(result.password for result in changeset.results):
        raise UsageError(f"{command} sets a password, which cannot be proposed", NO_SECRETS)
    if changeset.total > MOST:
        number = counted(changeset.total, "document")
        raise InvalidInputError(
            f"{command} would change {number}; a proposal or plan can have {MOST:,}", "divide it into smaller parts"
        )
    undoing = changeset.undoes is not None
    return Plan(
        changeset.command,
        [[_kept_change(change, undoing=undoing) for change in batch] for batch in changeset.batches if batch],
        changeset.lifted,
        dict(changeset.relies_on),
        changeset.indexes,
        changeset.undoes,
        changeset.undoable,
    )


def kept(collection: str, name: str, value: Any) -> Any:
    """Return the form in which a plan contains the value of a field of an existing document."""
    if value is ABSENT:
        return value
    if (collection, name) in PRIVATE and value is not None:
        return withheld(value)
    return showable(collection, name, value)


def _kept_change(change: Change, *, undoing: bool) -> Change:
    """Return a change with only those values that a plan may contain.

    The new values of an undo are those of existing images, so they are treated like those of existing documents.
    """
    if change.collection in OUR_RECORDS:
        if isinstance(change, Delete) and change.document.keys() == {"_id"}:
            return change
        raise InvalidInputError("changes of the audit trail cannot be proposed")
    new = kept if undoing else _new
    if isinstance(change, Update):
        return Update(
            change.collection,
            change.ids,
            {name: _kept_field(change.collection, name, one, new) for name, one in change.fields.items()},
            {
                name: value if isinstance(value, ListContaining) else kept(change.collection, name, value)
                for name, value in change.expected.items()
            },
        )
    keep = new if isinstance(change, Insert) else kept
    document = {name: keep(change.collection, name, value) for name, value in change.document.items()}
    return type(change)(change.collection, document)


def _kept_field(collection: str, name: str, change: FieldChange, new: Any) -> FieldChange:
    if not isinstance(change, Set):
        return change
    return type(change)(kept(collection, name, change.before), new(collection, name, change.after))


def _new(collection: str, name: str, value: Any) -> Any:
    """Return a new value as it is. Raise `UsageError` for a secret, `InvalidInputError` if a plan cannot contain it."""
    if value is ABSENT or same(showable(collection, name, value), value):
        return value
    if showable(collection, name, value) == NEVER_SHOWN:
        what = "a password" if name == "hashedPassword" else f"the secret field {name}"
        raise UsageError(f"this command sets {what}, which cannot be proposed", NO_SECRETS)
    raise InvalidInputError(f"the new value of {collection} {name} cannot be kept in a proposal or plan")


def encoded(plan: Plan) -> Document:
    """Return a plan as a document. Fields are pairs in lists, because a name in broken data may have any form."""
    return {
        "command": plan.command,
        "batches": [[_encoded_change(change) for change in batch] for batch in plan.batches],
        "lifted": sorted(plan.lifted),
        "reliesOn": [[*unchanged, ids] for unchanged, ids in plan.relies_on.items()],
        "indexes": [index.name for index in plan.indexes],
        "undoes": plan.undoes,
        "undoable": plan.undoable,
    }


def _encoded_change(change: Change) -> Document:
    head = {"op": type(change).__name__, "collection": change.collection}
    if not isinstance(change, Update):
        return {**head, "document": [[name, value] for name, value in change.document.items()]}
    fields = [[name, type(one).__name__, *_encoded_field(one)] for name, one in change.fields.items()]
    expected = [
        [name, "ids", list(value.ids)] if isinstance(value, ListContaining) else [name, "value", *_optional(value)]
        for name, value in change.expected.items()
    ]
    return {**head, "ids": list(change.ids), "fields": fields, "expected": expected}


def _encoded_field(change: FieldChange) -> Iterator[Any]:
    if isinstance(change, Set):
        yield from (_optional(change.before), _optional(change.after))
        return
    yield list(change.ids)
    if isinstance(change, Add):
        yield change.new


def _optional(value: Any) -> list[Any]:
    """Return a list with the value; an empty list means absent, because null is a possible value."""
    return [] if value is ABSENT else [value]


def decoded(document: Document) -> Plan:
    """Return the plan in a document that `encoded` made. Raises `InvalidInputError` for any other document."""
    try:
        plan = Plan(
            str(document["command"]),
            [[_decoded_change(one) for one in batch] for batch in document["batches"]],
            frozenset(map(str, document["lifted"])),
            {UnchangedList(*unchanged): list(ids) for *unchanged, ids in document["reliesOn"]},
            [_INDEXES[name] for name in document["indexes"]],
            document["undoes"],
            bool(document["undoable"]),
        )
        _check(plan)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, UsageError, InvalidInputError):
        raise InvalidInputError("this is not a proposal or plan that this version of chatctl has made") from None
    return plan


def _check(plan: Plan) -> None:
    """Raise an error unless `plan_of` can have made this plan: secrets and changes of the trail are refused."""
    if sum(len(change.ids) for change in plan.changes) > MOST or not isinstance(plan.undoes, ObjectId | None):
        raise ValueError
    if any(one.collection not in FIELDS or not isinstance(one.field, str) for one in plan.relies_on):
        raise ValueError
    for change in plan.changes:
        again = _kept_change(change, undoing=plan.undoes is not None)
        known = change.collection in {*FIELDS, STATE, HOLDS, *OUR_RECORDS}
        if not known or not same(_encoded_change(again), _encoded_change(change)):
            raise ValueError


def _decoded_change(entry: Document) -> Change:
    collection = str(entry["collection"])
    if entry["op"] == "Update":
        return Update(
            collection,
            tuple(entry["ids"]),
            {name: _decoded_field(*rest) for name, *rest in entry["fields"]},
            {name: _decoded_expectation(*rest) for name, *rest in entry["expected"]},
        )
    kinds: dict[str, type[Insert | Delete]] = {"Insert": Insert, "Delete": Delete}
    document = dict(entry["document"])
    return kinds[entry["op"]](collection, {"_id": document["_id"], **document})


def _decoded_field(kind: str, *values: Any) -> FieldChange:
    if kind in {"Set", "Raise"}:
        before, after = (value[0] if value else ABSENT for value in values)
        return (Raise if kind == "Raise" else Set)(before, after)
    if kind == "Add":
        ids, new = values
        return Add(tuple(ids), new=bool(new))
    if kind == "Take":
        [ids] = values
        return Take(tuple(ids))
    raise ValueError(kind)


def _decoded_expectation(kind: str, *values: Any) -> Any:
    if kind == "ids":
        return ListContaining(tuple(values[0]))
    return values[0] if values else ABSENT
