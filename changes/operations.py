"""Make the write operations of the driver from a change. Each filter (the guard) has the old values of the change.

If another program has changed the document after the plan was made, the filter does not match, and the number of
matched documents shows the conflict. An absent field and null are different. In a list, only the added or removed ids
are checked. So two admins who add different ids to the same list do not cause a conflict.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, TypeAlias

from bson import Code, Regex
from pymongo import DeleteOne, InsertOne, UpdateMany, UpdateOne

from changes import id_lists
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
    Overwrite,
    Raise,
    Set,
    Take,
    Update,
    are_ids,
)
from database.decoding import is_exact
from database.ids import any_of, equal
from models.schema import FIELDS

Operation: TypeAlias = InsertOne[Document] | UpdateOne | UpdateMany | DeleteOne

ALWAYS_OVERWRITTEN: Final = UNGUARDED - {"lastMessageAt"}
"""Fields that an update overwrites without comparing the old value.

`lastMessageAt` is always compared, because a newer time must not be lost.
"""


AT_ONCE: Final = 100
"""The largest number of ids in the filter of one update. Some servers compare each found document with each id."""


def operations(change: Change) -> Iterator[Operation]:
    """Yield the write operations for a change. They write only to documents that match the `guard` of the change."""
    if isinstance(change, Insert):
        yield InsertOne(dict(change.document))
    elif isinstance(change, Delete):
        yield DeleteOne(guard(change))
    else:
        for start in range(0, len(change.ids), AT_ONCE):
            part = replace(change, ids=change.ids[start : start + AT_ONCE])
            yield (UpdateOne if len(part.ids) == 1 else UpdateMany)(guard(part), _update(part))


def guard(change: Update | Delete) -> Document:
    """Return the filter of a change. It matches a document that has the values that the change expects.

    Invariant: a change matches only what it expects.
    """
    return _guard_of_delete(change) if isinstance(change, Delete) else _guard_of_update(change)


def _guard_of_delete(change: Delete) -> Document:
    """Return the filter of a deletion.

    The filter matches the document only while each compared field has the value that was read. Fields of the schema
    that were absent must still be absent.
    """
    fields = (FIELDS.get(change.collection, frozenset()) | change.document.keys()) - UNGUARDED - {"_id"}
    paths = sorted(name for name in fields if not _is_odd(name))
    guards = {name: _equals(change.document.get(name, ABSENT)) for name in paths}
    others = sorted(name for name in fields.difference(paths) if is_exact(name))
    odd = [_equals_odd(name, change.document[name]) for name in others]
    return _filter({"_id": equal(change.document["_id"]), **guards}, odd)


def _guard_of_update(change: Update) -> Document:
    guards: Document = {"_id": equal(change.ids[0]) if len(change.ids) == 1 else any_of(change.ids)}
    guards |= {name: _equals(value) for name, value in change.expected.items() if name not in UNGUARDED}
    expressions: list[Document] = []
    alternatives: list[Document] = []
    for name, field in change.fields.items():
        if name in ALWAYS_OVERWRITTEN or isinstance(field, (Raise, Overwrite)):
            continue
        if isinstance(field, Set) and _is_odd(name):
            expressions.append(_equals_odd(name, field.before))
        elif isinstance(field, Set):
            guards[name] = _equals(field.before)
        else:
            condition, compared = id_lists.guard(name, field)
            expressions += compared
            if isinstance(field, Add) and field.bare:
                # The list was absent. If another program has created the list since then, `$push` can still add the
                # ids. The filter must not match null, because `$push` fails on null.
                alternatives.append({"$or": [{name: {"$exists": False}}, {name: condition}]})
            else:
                guards[name] = condition
    return _filter(guards | ({"$and": alternatives} if alternatives else {}), expressions)


def _update(change: Update) -> Document | list[Document]:
    """Return the update of a change: either operators like `$set`, or a pipeline.

    A pipeline is required to cut slices out of lists, and for field names that an operator would misread.
    """
    cuts = [(name, field) for name, field in change.fields.items() if isinstance(field, Take) and field.slices]
    if cuts and len(cuts) == len(change.fields):
        return [{"$set": {name: id_lists.remaining(name, take)}} for name, take in cuts]
    if any(map(_is_odd, change.fields)):
        return list(_steps(change))
    update: dict[str, Document] = {}
    for name, field in change.fields.items():
        operator, operand = _operator(field)
        update.setdefault(operator, {})[name] = operand
    return update


def _steps(change: Update) -> Iterator[Document]:
    """Yield the steps of a pipeline that sets fields whose names an operator would read as paths."""
    for name, field in change.fields.items():
        assert isinstance(field, Set)  # noqa: S101 - the schema names every list of ids
        value = "$$REMOVE" if field.after is ABSENT else {"$literal": field.after}
        one = {"field": {"$literal": name}, "input": "$$ROOT", "value": value}
        yield {"$replaceWith": {"$setField": one}}


def _operator(field: FieldChange) -> tuple[str, Any]:
    if isinstance(field, Add):
        # The filter of the write checks that the ids are missing. `$addToSet` would compare each id with the whole list
        # a second time.
        return "$push", {"$each": list(field.ids)}
    if isinstance(field, Take):
        return "$pullAll", list(field.ids)
    if isinstance(field, Raise):
        return "$max", field.after
    return ("$unset", "") if field.after is ABSENT else ("$set", field.after)


def _equals(value: object) -> Document:
    if value is ABSENT:
        return {"$exists": False}
    if isinstance(value, ListContaining):
        return {"$type": "array", "$all": list(value.ids)}
    if isinstance(value, list):
        return {"$eq": value} if are_ids(value) or is_exact(value) else {"$type": "array"}
    if not is_exact(value):  # the stored bytes are not known exactly, so no comparison is possible
        return {"$type": _type(value), "$not": {"$type": "array"}}
    # Invariant: absent is not null. `$eq` with null also matches an absent field, and `$eq` with a value also matches a
    # list that contains the value.
    return {"$eq": value, "$not": {"$type": "array"}} | ({"$exists": True} if value is None else {})


def _type(value: object) -> str:
    if isinstance(value, Code):
        return "javascript" if value.scope is None else "javascriptWithScope"
    return "string" if isinstance(value, str) else "regex" if isinstance(value, Regex) else "object"


def _is_odd(name: str) -> bool:
    """Tell whether a filter would misread the name of a field as a path or as an operator."""
    return "." in name or name.startswith("$") or not is_exact(name)


def _equals_odd(name: str, value: object) -> Document:
    there = {"$getField": {"field": {"$literal": name}, "input": "$$ROOT"}}
    if value is ABSENT:
        return {"$eq": [{"$type": there}, "missing"]}
    if is_exact(value):
        return {"$eq": [there, {"$literal": value}]}
    return {"$eq": [{"$type": there}, "array" if isinstance(value, list) else _type(value)]}


def _filter(guards: Document, expressions: list[Document]) -> Document:
    return {**guards, "$expr": {"$and": expressions}} if expressions else guards
