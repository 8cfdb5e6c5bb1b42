"""A change of one document, or the same change of several documents, with the values that it expects to find.

`operations` turns a change into a write of the driver, guarded by what it expects.
"""

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

import bson
from bson import ObjectId

from database.decoding import AS_STORED

Document: TypeAlias = dict[str, Any]


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""The value of a field that does not exist; this is not the same as null."""

UNGUARDED: Final = frozenset({"updatedAt", "lastMessageAt", "profileId", "messagesIds"})
"""Fields that are not checked before a write. The application changes them often, or leaves wrong values in them.

Invariant: moved fields guard no other change.
"""

_ONLY_IDS: Final = frozenset({ObjectId})


@dataclass(frozen=True, slots=True)
class Set:
    """A field changes from `before` to `after`; either can be `ABSENT`."""

    before: Any
    after: Any

    def inverse(self) -> "Set":
        return Set(self.after, self.before)


@dataclass(frozen=True, slots=True)
class Raise(Set):
    """A time is raised to `after`, unless it is already later at the time of the write."""


@dataclass(frozen=True, slots=True)
class Overwrite(Set):
    """A field gets `after`, whatever its value is at the time of the write."""


@dataclass(frozen=True, slots=True)
class Add:
    """A list gains `ids`, none of which it has yet.

    The guard checks this, except for `new` ids: they were created for documents of the same plan, so no list can have
    them yet. With `bare` the document had no list when this was planned: the list is created, or gains the ids if
    somebody else has created it since.
    """

    ids: tuple[Any, ...]
    new: bool = False
    bare: bool = False

    def inverse(self) -> "Take":
        return Take(self.ids, bare=self.bare)


@dataclass(frozen=True, slots=True)
class Take:
    """A list loses `ids`, all of which it has, once each.

    `slices` are the positions of the ids in a long list, as (start, length) in the order of `ids` (see `id_lists`).
    With `bare` the list did not exist before; an undo then also removes it, if it is empty.
    """

    ids: tuple[Any, ...]
    slices: tuple[tuple[int, int], ...] = ()
    bare: bool = False

    def inverse(self) -> Add:
        return Add(self.ids, bare=self.bare)


FieldChange: TypeAlias = Set | Add | Take


@dataclass(frozen=True, slots=True)
class ListContaining:
    """An expected value: a list that contains these ids. Its other items do not matter."""

    ids: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    """A new document; its `_id` is known."""

    collection: str
    document: Document

    @property
    def ids(self) -> tuple[Any, ...]:
        return (self.document["_id"],)

    def inverse(self) -> "Delete":
        return Delete(self.collection, self.document)


@dataclass(frozen=True, slots=True)
class Delete:
    """A document to delete, as it was read."""

    collection: str
    document: Document

    @property
    def ids(self) -> tuple[Any, ...]:
        return (self.document["_id"],)

    def inverse(self) -> Insert:
        return Insert(self.collection, self.document)


@dataclass(frozen=True, slots=True)
class Update:
    """The same changes of fields in one or several documents.

    `expected` are values of other fields, which must still be there when the change is written; an undo ignores them.
    """

    collection: str
    ids: tuple[Any, ...]
    fields: dict[str, FieldChange]
    expected: Document = dataclasses.field(default_factory=dict)

    def inverse(self) -> "Update":
        return Update(self.collection, self.ids, {name: field.inverse() for name, field in self.fields.items()})


Change: TypeAlias = Insert | Update | Delete


def same(one: object, other: object) -> bool:
    """Tell whether two values are stored in the same way: types, order and absence matter."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return bson.encode({"": one}, codec_options=AS_STORED) == bson.encode({"": other}, codec_options=AS_STORED)


def are_ids(items: list[Any]) -> bool:
    """Tell whether a list contains only ids."""
    return _ONLY_IDS.issuperset(map(type, items))


def set_field(document: Document, name: str, value: object) -> None:
    """Give a field a value in a document in memory; `ABSENT` removes the field."""
    if value is ABSENT:
        document.pop(name, None)
    else:
        document[name] = value
