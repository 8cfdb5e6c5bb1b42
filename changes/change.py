"""A change of one document, or the same change of several, that knows what it expects to find.

What a change expects is the filter of its own write, so that it matches nothing once somebody else was there first.
Absent and null are told apart, and a list is guarded element by element: two admins who add different ids to one list
do not stand in each other's way.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

import bson
from bson import Code, ObjectId, Regex
from pymongo import DeleteOne, InsertOne, UpdateMany, UpdateOne

from database.decoding import AS_STORED, is_exact
from database.filters import any_of, equal, is_literal
from models.schema import FIELDS

Document: TypeAlias = dict[str, Any]
Operation: TypeAlias = InsertOne[Document] | UpdateOne | UpdateMany | DeleteOne


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""The value of a field that is not there, which is not the same as null."""

UNGUARDED: Final = frozenset({"updatedAt", "lastMessageAt", "profileId", "messagesIds"})
"""Fields that guard nothing else: the application moves them, or never maintains them."""

MOVED: Final = UNGUARDED - {"lastMessageAt"}
"""Those that are changed whatever they are by then; a message of that moment must not be forgotten as the last one."""

MOST: Final = 2**31 - 1
"""Items that no list has."""

_ONLY_IDS: Final = frozenset({ObjectId})

FEW: Final = 100
"""Up to this many ids `$all` and `$nin` are the plain way; a comparison of sets does not take n times m steps."""


@dataclass(frozen=True, slots=True)
class Set:
    """A field goes from `before` to `after`; either may be `ABSENT`."""

    before: Any
    after: Any

    def inverse(self) -> "Set":
        return Set(self.after, self.before)


@dataclass(frozen=True, slots=True)
class Raise(Set):
    """A time goes up to `after`, unless it is later by then."""


@dataclass(frozen=True, slots=True)
class Overwrite(Set):
    """A field gets `after`, whatever its value is at the time of the write."""


@dataclass(frozen=True, slots=True)
class Add:
    """A list gains `ids`, none of which it has.

    That is looked at in the write, but for ids that are `new`: made up for documents that come with them, so that no
    list can have them yet. Some servers compare each id with each of a list, which a large import would not survive.
    With `bare` the document had no list when this was planned: the list is created, or gains the ids if somebody else
    has created it since.
    """

    ids: tuple[Any, ...]
    new: bool = False
    bare: bool = False

    def inverse(self) -> "Take":
        return Take(self.ids, bare=self.bare)


@dataclass(frozen=True, slots=True)
class Take:
    """A list loses `ids`, all of which it has, once each.

    `runs` say where they lie in a long list, as (start, length) in the order of `ids`: cut out there they cost servers
    one way through the list, and not one for each id. Where they lie elsewhere by then, they are looked for.
    With `bare` the list did not exist before; an undo then also removes it, if it is empty.
    """

    ids: tuple[Any, ...]
    runs: tuple[tuple[int, int], ...] = ()
    bare: bool = False

    def inverse(self) -> Add:
        return Add(self.ids, bare=self.bare)


FieldChange: TypeAlias = Set | Add | Take


@dataclass(frozen=True, slots=True)
class Holding:
    """A list that a change rests on, whatever else is in it, as long as it holds these ids."""

    ids: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    """A document that is not there yet; its `_id` is known."""

    collection: str
    document: Document

    @property
    def ids(self) -> tuple[Any, ...]:
        return (self.document["_id"],)

    def inverse(self) -> "Delete":
        return Delete(self.collection, self.document)

    def operation(self) -> Operation:
        return InsertOne(dict(self.document))


@dataclass(frozen=True, slots=True)
class Delete:
    """A document that is there, as it was read."""

    collection: str
    document: Document

    @property
    def ids(self) -> tuple[Any, ...]:
        return (self.document["_id"],)

    def inverse(self) -> Insert:
        return Insert(self.collection, self.document)

    def operation(self) -> Operation:
        return DeleteOne(self.filter())

    def filter(self) -> Document:
        """Match the document only while every guarded field is as it was read, schema fields it lacked included."""
        fields = (FIELDS.get(self.collection, frozenset()) | self.document.keys()) - UNGUARDED - {"_id"}
        paths = sorted(name for name in fields if not _is_odd(name))
        guards = {name: _equals(self.document.get(name, ABSENT)) for name in paths}
        others = sorted(name for name in fields.difference(paths) if is_exact(name))
        odd = [_equals_odd(name, self.document[name]) for name in others]
        return _filter({"_id": equal(self.document["_id"]), **guards}, odd)


@dataclass(frozen=True, slots=True)
class Update:
    """The same changes of fields in one or several documents.

    `given` are fields with the values that the change rests on without changing them; an undo does not.
    """

    collection: str
    ids: tuple[Any, ...]
    fields: dict[str, FieldChange]
    given: Document = dataclasses.field(default_factory=dict)

    def inverse(self) -> "Update":
        return Update(self.collection, self.ids, {name: field.inverse() for name, field in self.fields.items()})

    def operation(self) -> Operation:
        pipeline = [{"$set": {name: _without(name, take)}} for name, take in self._cuts()]
        if pipeline := pipeline or list(self._steps()):
            return (UpdateOne if len(self.ids) == 1 else UpdateMany)(self.filter(), pipeline)
        update: dict[str, Document] = {}
        for name, field in self.fields.items():
            operator, operand = _operator(field)
            update.setdefault(operator, {})[name] = operand
        return (UpdateOne if len(self.ids) == 1 else UpdateMany)(self.filter(), update)

    def _cuts(self) -> list[tuple[str, Take]]:
        """Return what is cut out of lists, if that is all: operators and expressions do not go together."""
        cuts = [(name, field) for name, field in self.fields.items() if isinstance(field, Take) and field.runs]
        return cuts if len(cuts) == len(self.fields) else []

    def _steps(self) -> Iterator[Document]:
        """Give the steps that set fields of which one has a name that an operator would read as a path."""
        if any(map(_is_odd, self.fields)):
            for name, field in self.fields.items():
                assert isinstance(field, Set)  # noqa: S101 - the schema names every list of ids
                value = "$$REMOVE" if field.after is ABSENT else {"$literal": field.after}
                one = {"field": {"$literal": name}, "input": "$$ROOT", "value": value}
                yield {"$replaceWith": {"$setField": one}}

    def filter(self) -> Document:
        """Match the documents only while their fields are as this change expects them."""
        guards: Document = {"_id": equal(self.ids[0]) if len(self.ids) == 1 else any_of(self.ids)}
        guards |= {name: _equals(value) for name, value in self.given.items() if name not in UNGUARDED}
        sets, lists = [], []
        for name, field in self.fields.items():
            if name in MOVED or isinstance(field, (Raise, Overwrite)):
                continue
            if isinstance(field, Set) and _is_odd(name):
                sets.append(_equals_odd(name, field.before))
                continue
            if isinstance(field, Set):
                guards[name] = _equals(field.before)
                continue
            guard: Document = {"$type": "array"}
            if _are_few(field.ids) and not (isinstance(field, Add) and field.new):
                guard["$nin" if isinstance(field, Add) else "$all"] = list(field.ids)
            elif not (isinstance(field, Add) and field.new):
                sets.append(_has_none(name, field.ids) if isinstance(field, Add) else _has_all(name, field))
            if isinstance(field, Add) and field.bare:
                # The whole list need not be compared: `$push` creates it, and neither reads nor writes its other
                # items. Null is not matched, because `$push` fails on it.
                lists.append({"$or": [{name: {"$exists": False}}, {name: guard}]})
            else:
                guards[name] = guard
        return _filter(guards | ({"$and": lists} if lists else {}), sets)


Change: TypeAlias = Insert | Update | Delete


def same(one: object, other: object) -> bool:
    """Compare two values as they would lie on disk: types, order and absence count."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return bson.encode({"": one}, codec_options=AS_STORED) == bson.encode({"": other}, codec_options=AS_STORED)


def are_ids(items: list[Any]) -> bool:
    """Tell whether a list holds ids alone."""
    return _ONLY_IDS.issuperset(map(type, items))


def _equals(value: object) -> Document:
    if value is ABSENT:
        return {"$exists": False}
    if isinstance(value, Holding):
        return {"$type": "array", "$all": list(value.ids)}
    if isinstance(value, list):
        return {"$eq": value} if are_ids(value) or is_exact(value) else {"$type": "array"}
    if not is_exact(value):  # the stored bytes are not known exactly, so the value could never match
        return {"$type": _type(value), "$not": {"$type": "array"}}
    # A list that holds the value would match too; and to `$eq` null and absent are one.
    return {"$eq": value, "$not": {"$type": "array"}} | ({"$exists": True} if value is None else {})


def _type(value: object) -> str:
    if isinstance(value, Code):
        return "javascript" if value.scope is None else "javascriptWithScope"
    return "string" if isinstance(value, str) else "regex" if isinstance(value, Regex) else "object"


def _are_few(ids: tuple[Any, ...]) -> bool:
    """Tell whether the operators for lists can compare these ids: they are few, and each is a plain value."""
    return len(ids) <= FEW and all(map(is_literal, ids))


def _is_odd(name: str) -> bool:
    """Tell whether a filter would read a name as a path or as an operator."""
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


def _has_all(name: str, take: Take) -> Document:
    anywhere = {"$setIsSubset": [{"$literal": list(take.ids)}, _list(name)]}
    return {"$or": [_lie_there(name, take), anywhere]} if take.runs else anywhere


def _lie_there(name: str, take: Take) -> Document:
    """Compare what is to be cut out of a list with what lies there."""
    runs, start = [], 0
    for at, length in take.runs:
        ids = {"$literal": list(take.ids[start : start + length])}
        runs.append({"$eq": [{"$slice": [_list(name), at, length]}, ids]})
        start += length
    return {"$and": runs}


def _without(name: str, take: Take) -> Document:
    """Put together what is left of a list."""
    kept, start = [], 0
    for at, length in (*take.runs, (MOST, 0)):
        if at > start:
            kept.append({"$slice": [f"${name}", start, at - start]})
        start = at + length
    elsewhere = {"$not": {"$in": ["$$this", {"$literal": list(take.ids)}]}}
    found = {"$filter": {"input": f"${name}", "cond": elsewhere}}
    return {"$cond": [_lie_there(name, take), {"$concatArrays": kept}, found]}


def _has_none(name: str, ids: tuple[Any, ...]) -> Document:
    """Compare the sizes of unions: of all set operators these alone and subsets are fast on every server."""
    held, together = ({"$size": {"$setUnion": [_list(name), {"$literal": items}]}} for items in ([], list(ids)))
    return {"$eq": [together, {"$add": [held, len(set(ids))]}]}


def _list(name: str) -> Document:
    return {"$cond": [{"$isArray": f"${name}"}, f"${name}", []]}


def _operator(field: FieldChange) -> tuple[str, Any]:
    if isinstance(field, Add):
        # That none is there the guard has seen, or the plan where there is none: `$addToSet` compares each with all.
        return "$push", {"$each": list(field.ids)}
    if isinstance(field, Take):
        return "$pullAll", list(field.ids)
    if isinstance(field, Raise):
        return "$max", field.after
    return ("$unset", "") if field.after is ABSENT else ("$set", field.after)
