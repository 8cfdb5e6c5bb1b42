"""Add and remove ids in lists, also in lists of hundreds of thousands.

A role of a large company has all its users in one list, and some servers compare each id of a change with each id of
the list: with `$addToSet`, `$pull` and `$pullAll` such a change takes minutes. Therefore:

- Ids are added with `$push`, because the plan knows which are missing (`add_missing`). The guard checks that none of
  them came in between: `$nin` for a few, the sizes of sets for many. Of all set operators only unions and subsets are
  fast on every server.
- Ids are removed with `$pullAll` if they are few. If a long list loses many, the plan knows their positions, as a few
  slices (`take_present`). The write compares these slices with the list as it is now, and joins the parts between
  them: the server reads the list once. If the list was changed in between, the server searches for each id.
- More slices than `MOST_SLICES` make the expression too long; then it is `$pullAll` again.
"""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from changes.change import ABSENT, Add, Document, FieldChange, Set, Take, are_ids
from database.errors import InvalidInputError
from database.ids import is_literal
from database.references import referred

MOST_IDS: Final = 650_000
"""Ids in one list; a document of 16 MiB holds about 700,000."""

FEW_IDS: Final = 100
"""Up to this many ids `$all` and `$nin` are used; for more ids, sets, which do not compare each id with each."""

MANY_COMPARISONS: Final = 100_000
"""Ids in a list times ids to remove; above this product, it takes too long to compare each with each."""

MOST_SLICES: Final = 100
"""The most slices that are cut out of a list at once."""

END: Final = 2**31 - 1
"""A position after the end of every list."""


class TooManyLinksError(InvalidInputError):
    """A list would make a document too large for the server."""

    def __init__(self, collection: str, identifier: object, field: str, count: int) -> None:
        super().__init__(
            f"{field} of {collection} {identifier} would have {count:,} ids; the limit is {MOST_IDS:,}",
            "divide the links among several documents",
        )


def add_missing(collection: str, document: Document, field: str, ids: Sequence[Any]) -> FieldChange | None:
    """Add the missing ids to a list of a document in memory, and return the change that does it on disk.

    An id that the list has in another form is not added.
    """
    before = document.get(field, ABSENT)
    held = before if isinstance(before, list) else []
    known = _distinct(held)
    new = [identifier for identifier in dict.fromkeys(ids) if referred(identifier) not in known]
    if not new:
        return None
    if len(held) + len(new) > MOST_IDS:
        raise TooManyLinksError(collection, document["_id"], field, len(held) + len(new))
    document[field] = [*held, *new]
    if isinstance(before, list) or before is ABSENT:
        # Invariant: an absent list becomes absent again. An undo reads `bare` and removes the list if it is empty.
        return Add(tuple(new), bare=before is ABSENT)
    return Set(before, document[field])  # `$push` fails on null


def take_present(document: Document, field: str, ids: Sequence[Any]) -> FieldChange | None:
    """Remove ids, in any form, from a list of a document in memory, and return the change that does it on disk."""
    before = document.get(field)
    if not isinstance(before, list):
        return None
    found = _positions(before, {referred(identifier) for identifier in ids})
    if not found:
        return None
    taken = tuple(before[at] for at in found)
    slices = _slices(found)
    starts, ends = zip(*((at, at + length) for at, length in slices), strict=True)
    kept = zip((0, *ends), (*starts, len(before)), strict=True)
    left = document[field] = [item for start, end in kept for item in before[start:end]]
    # An undo adds each id once, and no filter can match an item that is a document: keep such a list as a whole.
    if any(isinstance(item, dict) for item in taken) or len(set(taken)) < len(taken):
        return Set(before, left)
    return Take(
        taken, tuple(slices) if len(before) * len(taken) > MANY_COMPARISONS and len(slices) <= MOST_SLICES else ()
    )


def _positions(items: list[Any], wanted: set[Any]) -> list[int]:
    """Return the positions of the wanted ids in a list; in broken data it may contain values that a set cannot hold."""
    if are_ids(items):
        return [at for at, item in enumerate(items) if item in wanted]
    found = enumerate(map(referred, items))
    return [at for at, item in found if isinstance(item, Hashable) and item in wanted]


def _slices(places: list[int]) -> list[tuple[int, int]]:
    """Combine consecutive positions into slices, as (start, length)."""
    slices: list[tuple[int, int]] = []
    for place in places:
        start, length = slices[-1] if slices else (-1, 0)
        if start + length == place and slices:
            slices[-1] = (start, length + 1)
        else:
            slices.append((place, 1))
    return slices


def _distinct(items: list[Any]) -> set[Any]:
    """Return the ids of a list, which in broken data may contain anything."""
    if are_ids(items):
        return set(items)
    return {item for item in map(referred, items) if isinstance(item, Hashable)}


def guard(name: str, field: Add | Take) -> tuple[Document, list[Document]]:
    """Return the condition on a list before a change of it, and expressions that must be true too.

    Invariant: lists are guarded by element. Other items may come and go in between.
    """
    condition: Document = {"$type": "array"}
    if isinstance(field, Add) and field.new:
        return condition, []
    if len(field.ids) <= FEW_IDS and all(map(is_literal, field.ids)):
        return {**condition, "$nin" if isinstance(field, Add) else "$all": list(field.ids)}, []
    return condition, [_has_none(name, field.ids) if isinstance(field, Add) else _has_all(name, field)]


def _has_all(name: str, take: Take) -> Document:
    anywhere = {"$setIsSubset": [{"$literal": list(take.ids)}, _as_list(name)]}
    return {"$or": [_slices_match(name, take), anywhere]} if take.slices else anywhere


def _slices_match(name: str, take: Take) -> Document:
    """Return an expression that compares the ids to remove with the list at the planned positions."""
    slices, start = [], 0
    for at, length in take.slices:
        ids = {"$literal": list(take.ids[start : start + length])}
        slices.append({"$eq": [{"$slice": [_as_list(name), at, length]}, ids]})
        start += length
    return {"$and": slices}


def remaining(name: str, take: Take) -> Document:
    """Return an expression for what is left of a list."""
    kept, start = [], 0
    for at, length in (*take.slices, (END, 0)):
        if at > start:
            kept.append({"$slice": [f"${name}", start, at - start]})
        start = at + length
    elsewhere = {"$not": {"$in": ["$$this", {"$literal": list(take.ids)}]}}
    found = {"$filter": {"input": f"${name}", "cond": elsewhere}}
    return {"$cond": [_slices_match(name, take), {"$concatArrays": kept}, found]}


def _has_none(name: str, ids: tuple[Any, ...]) -> Document:
    """Compare the sizes of unions: of all set operators only unions and subsets are fast on every server."""
    held, together = ({"$size": {"$setUnion": [_as_list(name), {"$literal": items}]}} for items in ([], list(ids)))
    return {"$eq": [together, {"$add": [held, len(set(ids))]}]}


def _as_list(name: str) -> Document:
    return {"$cond": [{"$isArray": f"${name}"}, f"${name}", []]}
