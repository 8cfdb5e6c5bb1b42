"""Plan changes that add ids to lists or remove them, and that are fast even in lists of hundreds of thousands of ids.

A role of a large company has all its users in one list. Some servers compare each id of a change with each id of the
list. On these servers, a change with `$addToSet`, `$pull` or `$pullAll` takes minutes. Therefore:

- Ids are added with `$push`, because the plan knows which ids are missing (`add_missing`). The filter of the write (the
  guard) checks that no other program has added one of these ids after the plan was made. For a few ids, the filter uses
  `$nin`. For many ids, the filter compares the sizes of sets: unions and subsets are the only set operators that are
  fast on every server.
- A few ids are removed with `$pullAll`. If many ids are removed from a long list, the plan contains their positions as
  a few slices (`take_present`). The write compares these slices with the stored list, and keeps the parts between the
  slices. So the server reads the list only once. If the list was changed after the plan was made, the server searches
  for each id.
- If there are more slices than `MOST_SLICES`, the expression would be too long. In this case, `$pullAll` removes the
  ids.
"""

from collections.abc import Hashable, Sequence
from typing import Any, Final

from changes.change import ABSENT, Add, Document, FieldChange, Set, Take, are_ids
from database.errors import InvalidInputError
from database.ids import is_literal
from database.references import referred

MOST_IDS: Final = 650_000
"""The largest number of ids in one list. A document has at most 16 MiB, which is enough for about 700,000 ids."""

FEW_IDS: Final = 100
"""The largest number of ids for the operators `$all` and `$nin`.

These operators compare each id with each item of the list. For more ids, set operators are used.
"""

MANY_COMPARISONS: Final = 100_000
"""The limit for (length of a list * number of ids to remove). Up to this limit, `$pullAll` is fast enough."""

MOST_SLICES: Final = 100
"""The largest number of slices that one write cuts out of a list."""

END: Final = 2**31 - 1
"""A position after the end of every list."""


class TooManyLinksError(InvalidInputError):
    """The error if a list would get so many ids that its document is too large for the server."""

    def __init__(self, collection: str, identifier: object, field: str, count: int) -> None:
        super().__init__(
            f"{field} of {collection} {identifier} would have {count:,} ids; the limit is {MOST_IDS:,}",
            "use several roles or conversations with fewer members or messages each",
        )


def add_missing(collection: str, document: Document, field: str, ids: Sequence[Any]) -> FieldChange | None:
    """Add ids to a list of a document in memory, and return the same change for the database.

    Ids that the list already contains are left out, even if the list contains them in another form (text instead of
    ObjectId). If no id is missing, return None.
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
        # Invariant: an absent list becomes absent again. `bare` tells the undo to remove the list if it is empty.
        return Add(tuple(new), bare=before is ABSENT)
    return Set(before, document[field])  # `$push` fails on null


def take_present(document: Document, field: str, ids: Sequence[Any]) -> FieldChange | None:
    """Remove ids from a list of a document in memory, and return the same change for the database.

    The ids in the list can have any form. If the list contains none of the ids, return None.
    """
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
    # Replace the whole list in two cases. The list may have an id twice, which an undo would add only once. Or an item
    # to remove is a document, which no filter can match.
    if any(isinstance(item, dict) for item in taken) or len(set(taken)) < len(taken):
        return Set(before, left)
    return Take(
        taken, tuple(slices) if len(before) * len(taken) > MANY_COMPARISONS and len(slices) <= MOST_SLICES else ()
    )


def _positions(items: list[Any], wanted: set[Any]) -> list[int]:
    """Return the positions of these ids in a list. Other items may have types that cannot be in a set."""
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
    """Return the set of the ids in a list. Items that cannot be in a set are left out."""
    if are_ids(items):
        return set(items)
    return {item for item in map(referred, items) if isinstance(item, Hashable)}


def guard(name: str, field: Add | Take) -> tuple[Document, list[Document]]:
    """Return the filter for a list that is changed: a condition for the field, and expressions for `$expr`.

    The condition and all expressions must be true.

    Invariant: lists are guarded by element. Only the added or removed ids are checked, so other programs may add and
    remove other items before the write.
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
    """Return an expression that is true if the ids to remove are still at their planned positions in the list."""
    slices, start = [], 0
    for at, length in take.slices:
        ids = {"$literal": list(take.ids[start : start + length])}
        slices.append({"$eq": [{"$slice": [_as_list(name), at, length]}, ids]})
        start += length
    return {"$and": slices}


def remaining(name: str, take: Take) -> Document:
    """Return an expression for the items that remain in a list after the ids are removed."""
    kept, start = [], 0
    for at, length in (*take.slices, (END, 0)):
        if at > start:
            kept.append({"$slice": [f"${name}", start, at - start]})
        start = at + length
    elsewhere = {"$not": {"$in": ["$$this", {"$literal": list(take.ids)}]}}
    found = {"$filter": {"input": f"${name}", "cond": elsewhere}}
    return {"$cond": [_slices_match(name, take), {"$concatArrays": kept}, found]}


def _has_none(name: str, ids: tuple[Any, ...]) -> Document:
    """Return an expression that is true if a list contains none of the ids.

    The expression compares the sizes of unions, because only unions and subsets are fast on every server.
    """
    held, together = ({"$size": {"$setUnion": [_as_list(name), {"$literal": items}]}} for items in ([], list(ids)))
    return {"$eq": [together, {"$add": [held, len(set(ids))]}]}


def _as_list(name: str) -> Document:
    return {"$cond": [{"$isArray": f"${name}"}, f"${name}", []]}
