"""Refuse a plan that would make data invalid. A person may have written the plan by hand, without chatctl."""

from collections.abc import Iterable, Iterator
from typing import Any

from actions import queries
from actions.database.checking.checking import errors_in
from changes import Document
from changes.fitted_plans import Fitted
from changes.undoing.present_documents import Key
from changes.visible_values import field_name, name_of
from database import connection
from database.errors import InvalidInputError
from database.references import forms, ids_in, referred
from database.wording import NAMED
from models.links import OTHER_SIDES
from models.schema import FIELDS

Fault = tuple[str, Any, str, str]
"""A fault: the key of a document (collection and id), the name of the rule of `db check`, and the field."""


def refuse_invalid(noun: str, fitted: Fitted, *, is_undo: bool) -> None:
    """Raise `InvalidInputError` if a plan would cause a fault in a document, or a link that only one side has.

    Faults that are already in the database may stay. An undo may also restore faults from before the event.
    """
    faults = [*_new_faults(fitted), *(() if is_undo else _one_sided(fitted))]
    if faults:
        named = {(of, referred(one)): name_of(of, document) for (of, one), document in fitted.before.items()}
        found = [f"{of.lower()} {named.get((of, one)) or one} ({field}: {rule})" for of, one, rule, field in faults]
        more = [f"and {len(found) - NAMED:,} more"] if len(found) > NAMED else []
        raise InvalidInputError(f"this {noun} would make data invalid: {'; '.join([*found[:NAMED], *more])}")


def _new_faults(fitted: Fitted) -> list[Fault]:
    after = [*_faults(fitted.after.items())]
    if not after:
        return []
    restored = {key: {**fitted.before.get(key, {}), **found} for key, found in fitted.originals.items()}
    there = {*_faults(fitted.before.items()), *_faults(restored.items())}
    return [one for one in after if one not in there]


def _faults(documents: Iterable[tuple[Key, Document]]) -> Iterator[Fault]:
    listed: dict[str, list[Document]] = {}
    for (collection, identifier), document in documents:
        listed.setdefault(collection, []).append({"_id": identifier, **document})
    for collection, found in listed.items():
        if collection in FIELDS:
            for rule, fault in errors_in(collection, found):
                yield collection, referred(fault.id), rule, field_name(str(fault.field))


def _one_sided(fitted: Fitted) -> Iterator[Fault]:
    """Yield a fault for each changed list that would leave a one-sided link: a link in only one of two documents."""
    before, after = (
        {(collection, referred(identifier)): document for (collection, identifier), document in side.items()}
        for side in (fitted.before, fitted.after)
    )

    def lists(key: Key, field: str, identifier: Any) -> bool | None:
        """Tell whether a document lists an id after the write. Return None if the plan does not change this list."""
        if key in before and key not in after:
            return False
        there = after.get(key, {})
        return identifier in ids_in(there, field) if field in there else None

    for (collection, field), (other, back) in OTHER_SIDES.items():
        for this in [one for of, one in {**before, **after} if of == collection]:
            was, now = ({*ids_in(side.get((collection, this), {}), field)} for side in (before, after))
            sides = {one: lists((other, one), back, this) for one in was ^ now}
            listing = {one for one, is_listed in sides.items() if is_listed}
            listing |= _listing(other, back, this, [one for one, is_listed in sides.items() if is_listed is None])
            if (was ^ now) & (now ^ listing):
                yield collection, this, "one-sided-link", field


def _listing(collection: str, field: str, identifier: Any, ids: list[Any]) -> set[Any]:
    """Return the ids of those documents (from `ids`) whose stored list contains `identifier`.

    The plan must not change this list in these documents.
    """
    listed = {field: {"$in": forms(identifier)}}
    found: set[Any] = set()
    for some in queries.chunks(ids):
        where = {"_id": {"$in": [form for one in some for form in forms(one)]}, **listed}
        found |= {referred(one["_id"]) for one in connection.database()[collection].find(where, ["_id"])}
    return found
