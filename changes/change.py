"""The classes of changes. A change inserts, deletes or updates documents, and has the old values that it expects.

`changes.operations` makes a write operation from a change. The operation writes only if the stored values are the
expected values.
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
"""The value of a field that does not exist. This value is not the same as null."""

UNGUARDED: Final = frozenset({"updatedAt", "lastMessageAt", "profileId", "messagesIds"})
"""The fields whose old values a write does not compare with the stored values.

The application changes these fields often, or leaves wrong values in them.

Invariant: often changed fields are not compared.
"""

_ONLY_IDS: Final = frozenset({ObjectId})


@dataclass(frozen=True, slots=True)
class Set:
    """The change of a field from the value `before` to the value `after`. Both values can be `ABSENT`."""

    before: Any
    after: Any

    def inverse(self) -> "Set":
        return Set(self.after, self.before)


@dataclass(frozen=True, slots=True)
class Raise(Set):
    """The change of a time to `after`. If the stored time is already later, the stored time stays."""


@dataclass(frozen=True, slots=True)
class Overwrite(Set):
    """The change of a field to `after`, without a comparison with the stored value."""


@dataclass(frozen=True, slots=True)
class Add:
    """The change that adds `ids` to a list. The stored list must not contain any of these ids.

    The filter of the write (the guard) checks that the list does not contain the ids. If `new` is true, this check is
    not necessary: new ids belong to new documents of the same plan, so no list can contain them yet. If `bare` is true,
    the document had no list when the change was planned, so the write creates the list. If another program has already
    created the list, the write adds the ids to that list.
    """

    ids: tuple[Any, ...]
    new: bool = False
    bare: bool = False

    def inverse(self) -> "Take":
        return Take(self.ids, bare=self.bare)


@dataclass(frozen=True, slots=True)
class Take:
    """The change that removes `ids` from a list. The stored list must contain each of these ids once.

    `slices` are the positions of the ids in a long list, as (start, length) in the order of `ids` (see `id_lists`).
    `bare` is true if this change undoes an `Add` that created the list. In this case, the list itself is removed if it
    becomes empty.
    """

    ids: tuple[Any, ...]
    slices: tuple[tuple[int, int], ...] = ()
    bare: bool = False

    def inverse(self) -> Add:
        return Add(self.ids, bare=self.bare)


FieldChange: TypeAlias = Set | Add | Take


@dataclass(frozen=True, slots=True)
class ListContaining:
    """An expected value: a list that contains these ids. The list may also contain other items."""

    ids: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Insert:
    """The change that inserts a new document, which already has an `_id`."""

    collection: str
    document: Document

    @property
    def ids(self) -> tuple[Any, ...]:
        return (self.document["_id"],)

    def inverse(self) -> "Delete":
        return Delete(self.collection, self.document)


@dataclass(frozen=True, slots=True)
class Delete:
    """The change that deletes a document. `document` has the values that were read before."""

    collection: str
    document: Document

    @property
    def ids(self) -> tuple[Any, ...]:
        return (self.document["_id"],)

    def inverse(self) -> Insert:
        return Insert(self.collection, self.document)


@dataclass(frozen=True, slots=True)
class Update:
    """The change that updates fields of one document, or the same fields of several documents in the same way.

    `expected` maps other fields, which this change does not update, to the values that they must have. The write fails
    if another program has changed one of these fields. An undo does not compare these values.
    """

    collection: str
    ids: tuple[Any, ...]
    fields: dict[str, FieldChange]
    expected: Document = dataclasses.field(default_factory=dict)

    def inverse(self) -> "Update":
        return Update(self.collection, self.ids, {name: field.inverse() for name, field in self.fields.items()})


Change: TypeAlias = Insert | Update | Delete


def same(one: object, other: object) -> bool:
    """Tell whether two values are stored in exactly the same way: their types and the order of keys are equal too.

    `ABSENT` is equal only to itself.
    """
    if one is ABSENT or other is ABSENT:
        return one is other
    return bson.encode({"": one}, codec_options=AS_STORED) == bson.encode({"": other}, codec_options=AS_STORED)


def are_ids(items: list[Any]) -> bool:
    """Tell whether a list contains only ObjectIds."""
    return _ONLY_IDS.issuperset(map(type, items))


def set_field(document: Document, name: str, value: object) -> None:
    """Set a field of a document in memory to a value. The value `ABSENT` removes the field."""
    if value is ABSENT:
        document.pop(name, None)
    else:
        document[name] = value
