"""A plan: a changeset that is stored, reviewed, and later written by another person, exactly as planned or not at all.

`plan_of` makes a plan of a changeset. `encoded` converts a plan to a document, and `decoded` converts the document to a
plan. `fitted_plans.fit` compares the plan with the documents as they are now. A plan contains no secrets: a value that
must not be kept is replaced by its type and a digest, and `fit` reads the value from the database again.

Invariant: a plan is not trusted. A person who cannot write anything else may have written the plan, so `decoded`
accepts only plans that `plan_of` could have made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, Final, TypeVar

import bson
from bson import Binary, DatetimeMS, ObjectId

from changes import hidden_values
from changes.change import (
    ABSENT,
    UNGUARDED,
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
from changes.trail_entries import OUR_RECORDS, is_lease, lease_id
from changes.visible_values import NEVER_SHOWN, showable, withheld
from database.decoding import AS_STORED
from database.errors import InvalidInputError, UsageError
from database.ids import is_literal
from database.indexes import APPLICATION, QUERIES, RECORDS, Index
from database.own_collections import HOLDS, STATE
from database.wording import counted
from models.links import OTHER_SIDES
from models.schema import FIELDS

MOST: Final = 10_000
"""The largest number of documents in a plan. A plan is written in one transaction, which may take at most a minute."""
PRIVATE: Final = frozenset({("Message", "body"), ("Message", "image")})
"""Fields of existing documents whose values a plan does not contain, because the database may mask messages."""
NO_SECRETS: Final = "A proposal or plan contains no secret. Run this command without --propose and --save-plan."
NOT_MADE_HERE: Final = "this is not a proposal or plan that this version of chatctl has made"
T = TypeVar("T", bound=Add | Take | ListContaining)
_INDEXES: Final = {(index.collection, index.name): index for index in (*APPLICATION, *QUERIES, *RECORDS)}


@dataclass(frozen=True)
class Plan:
    """The changes of a changeset, with only the values that a plan may contain. See `Changeset` for the fields.

    `digests` has a digest of each old value that the plan must not contain. The `key` of the digests is not stored with
    the plan. It is stored in the audit trail, together with the `id` of the plan (see `hidden_values`).
    """

    command: str
    batches: list[Batch]
    lifted: frozenset[str] = frozenset()
    relies_on: dict[UnchangedList, list[Any]] = field(default_factory=dict)
    indexes: list[Index] = field(default_factory=list)
    undoes: ObjectId | None = None
    undoable: bool = True
    id: ObjectId = field(default_factory=ObjectId)
    digests: dict[hidden_values.Place, bytes] = field(default_factory=dict)
    key: bytes | None = None

    @property
    def changes(self) -> list[Change]:
        return [change for batch in self.batches for change in batch]

    @property
    def key_entry(self) -> Document | None:
        """Return the data for the audit trail: the id of the plan and the key of its digests.

        If the plan has no digests, return None.
        """
        return {"plan": self.id, "key": Binary(self.key)} if self.key and self.digests else None

    @property
    def documents(self) -> int:
        """Return the number of documents. A document with several kinds of changes counts once for each kind."""
        return len({(type(one), one.collection, identifier) for one in self.changes for identifier in one.ids})


def plan_of(changeset: Changeset) -> Plan:
    """Make a plan, which can be stored, from a changeset.

    Raises `UsageError` if the changeset sets a password, and `InvalidInputError` if a plan cannot contain the changes.
    """
    command = " ".join(changeset.command.split()[:2])
    if changeset.unproposable:
        why, hint = changeset.unproposable
        raise InvalidInputError(f"{command} cannot be proposed: {why}", hint)
    if any(result.password for result in changeset.results):
        raise UsageError(f"{command} sets a password, which cannot be proposed", NO_SECRETS)
    _refuse_more(command, changeset.total)
    undoing, key = changeset.undoes is not None, hidden_values.new_key()
    planned = [batch for batch in changeset.batches if batch]
    batches = [[_kept_change(change, undoing=undoing) for change in batch] for batch in planned]
    plan = Plan(
        changeset.command,
        batches,
        changeset.lifted,
        dict(changeset.relies_on),
        changeset.indexes,
        changeset.undoes,
        changeset.undoable,
        digests=hidden_values.digests(key, chain(*planned), chain(*batches)),
        key=key,
    )
    _refuse_more(command, plan.documents)  # the counts of a stream may leave out some documents
    return plan


def _refuse_more(command: str, number: int) -> None:
    if number > MOST:
        raise InvalidInputError(
            f"{command} would change {counted(number, 'document')}; a proposal or plan can have {MOST:,}",
            "divide the change into smaller parts",
        )


def kept(collection: str, name: str, value: Any) -> Any:
    """Return the value of a field of an existing document, or the text that replaces this value in a plan."""
    if value is ABSENT:
        return value
    if (collection, name) in PRIVATE and value is not None:
        return withheld(value)
    return showable(collection, name, value)


def _kept_change(change: Change, *, undoing: bool) -> Change:
    """Return a change with only those values that a plan may contain.

    The new values of an undo come from images, which exist already. So these values are treated like the values of
    existing documents.
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
                name: _kept_ids(change.collection, name, value)
                if isinstance(value, ListContaining)
                else kept(change.collection, name, value)
                for name, value in change.expected.items()
            },
        )
    keep = new if isinstance(change, Insert) else kept
    document = {name: keep(change.collection, name, value) for name, value in change.document.items()}
    return type(change)(change.collection, document)


def _kept_field(collection: str, name: str, change: FieldChange, new: Any) -> FieldChange:
    if not isinstance(change, Set):
        return _kept_ids(collection, name, change)
    return type(change)(kept(collection, name, change.before), new(collection, name, change.after))


def _kept_ids(collection: str, name: str, change: T) -> T:
    """Return a change of a list unchanged. Raise `InvalidInputError` if it is not a list of ids."""
    _new(collection, name, list(change.ids))
    return change


def _new(collection: str, name: str, value: Any) -> Any:
    """Return a new value unchanged.

    Raise `UsageError` for a secret, `InvalidInputError` if a plan cannot contain it.
    """
    if value is ABSENT or same(showable(collection, name, value), value):
        return value
    if showable(collection, name, value) == NEVER_SHOWN:
        what = "a password" if name == "hashedPassword" else f"the secret field {name}"
        raise UsageError(f"this command sets {what}, which cannot be proposed", NO_SECRETS)
    raise InvalidInputError(f"the new value of {collection} {name} cannot be kept in a proposal or plan")


def encoded(plan: Plan) -> Document:
    """Return a plan as a document.

    The fields of its changes are stored as a list of pairs, because in broken data a field can have any name.
    """
    return {
        "command": plan.command,
        "batches": [[_encoded_change(change) for change in batch] for batch in plan.batches],
        "lifted": sorted(plan.lifted),
        "reliesOn": [[*unchanged, ids] for unchanged, ids in plan.relies_on.items()],
        "indexes": [[index.collection, index.name] for index in plan.indexes],
        "undoes": plan.undoes,
        "undoable": plan.undoable,
        "id": plan.id,
        "digests": [[*place, digest] for place, digest in plan.digests.items()],
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
    """Return a list that contains the value. For `ABSENT`, return an empty list.

    null cannot stand for an absent value, because null is a possible value.
    """
    return [] if value is ABSENT else [value]


def writes(plan: Plan) -> list[bytes]:
    """Return the encoded changes of a plan, so that they can be compared with the changes of another plan.

    Fields that the application changes often are left out.
    """
    found = []
    for change in plan.changes:
        whole = change.fields if isinstance(change, Update) else change.document
        fields: Any = {name: value for name, value in whole.items() if name not in UNGUARDED}
        kept: Change = (
            Update(change.collection, change.ids, fields)
            if isinstance(change, Update)
            else type(change)(change.collection, fields)
        )
        found += [bson.encode(_encoded_change(kept), codec_options=AS_STORED)] if fields else []
    return sorted(found)


def decoded(document: Document) -> Plan:
    """Return the plan in a document that `encoded` has made. Raise `InvalidInputError` for any other document."""
    try:
        plan = Plan(
            str(document["command"]),
            [[_decoded_change(one) for one in batch] for batch in document["batches"]],
            frozenset(map(str, document["lifted"])),
            {UnchangedList(*unchanged): list(ids) for *unchanged, ids in document["reliesOn"]},
            [_INDEXES[collection, name] for collection, name in document["indexes"]],
            document["undoes"],
            bool(document["undoable"]),
            document["id"],
            {hidden_values.Place(*place): bytes(digest) for *place, digest in document["digests"]},
        )
        _check(plan)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, UsageError, InvalidInputError):
        raise InvalidInputError(NOT_MADE_HERE) from None
    return plan


def count_documents(document: Document) -> int:
    """Count the documents of an encoded plan. This is faster than decoding the plan.

    Raise `InvalidInputError` if the document is not an encoded plan.
    """
    try:
        entries = [entry for batch in document["batches"] for entry in batch]
        ids = ((one["collection"], one.get("ids") or [dict(one["document"])["_id"]]) for one in entries)
        return len({(collection, identifier) for collection, some in ids for identifier in some})
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InvalidInputError(NOT_MADE_HERE) from None


def _check(plan: Plan) -> None:
    """Raise an error if `plan_of` cannot have made this plan.

    Secrets, changes of the audit trail, and changes that a reviewer would not see are refused.
    """
    if plan.documents > MOST or not isinstance(plan.undoes, ObjectId | None) or not isinstance(plan.id, ObjectId):
        raise ValueError
    if {*hidden_values.places(plan.changes)} != plan.digests.keys():
        raise ValueError
    for unchanged, ids in plan.relies_on.items():
        is_link = (unchanged.collection, unchanged.field) in OTHER_SIDES
        if not (is_link and isinstance(unchanged.holds, bool) and all(map(is_literal, (unchanged.id, *ids)))):
            raise ValueError
    for change in plan.changes:
        again = _kept_change(change, undoing=plan.undoes is not None)
        known = change.collection in {*FIELDS, STATE, HOLDS, *OUR_RECORDS}
        if not known or not _is_visible(plan, change) or not same(_encoded_change(again), _encoded_change(change)):
            raise ValueError


def _is_visible(plan: Plan, change: Change) -> bool:
    """Tell whether a reviewer can see a change: it has ids of documents, and fields with names.

    A lease is not shown. A plan may change a lease only in an undo.
    """
    fields = change.fields if isinstance(change, Update) else change.document
    names = [*fields, *(change.expected if isinstance(change, Update) else ())]
    if not all(isinstance(name, str) for name in names) or (isinstance(change, Update) and "_id" in fields):
        return False
    return bool(change.ids and fields and all(map(is_literal, change.ids))) and (
        not is_lease(change) or change.ids == (lease_id(str(plan.undoes)),)
    )


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
        if kind == "Raise" and not isinstance(after, datetime | DatetimeMS):
            raise ValueError(kind)
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
