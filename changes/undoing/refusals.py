"""Refuse an undo that would overwrite newer changes, or restore a document without its parent."""

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from bson import ObjectId

from changes.change import ABSENT, UNGUARDED, Change, Delete, Document, Insert, same
from changes.undoing.present_documents import AT_ONCE, Key, PresentDocuments, inserted
from changes.visible_values import field_name, name_of
from database.errors import ConflictError
from database.references import reference, referred, referring_to
from models.links import OWNED, Owned


class ChangedSinceError(ConflictError):
    """The error for a document that was changed after the event that is undone.

    Invariant: an undo overwrites nothing newer, unless it is forced.
    """

    def __init__(self, collection: str, who: object, what: str, fields: Collection[str] = ()) -> None:
        named = f" ({', '.join(fields)})" if fields else ""
        hint = "undo the later change first, or overwrite it with --force"
        super().__init__(f"{collection.lower()} {who} {what} after this event{named}", hint)


class StillNeededError(ConflictError):
    """The error for a document that an undo would delete, although it has a new child."""

    def __init__(self, collection: str, who: object, identifier: object, child: str) -> None:
        hint = f"delete it with everything that belongs to it: chatctl {collection.lower()}s delete {identifier}"
        super().__init__(f"{collection.lower()} {who} got a new {child.lower()} after this event", hint)


def orphaned(
    present: PresentDocuments, changes: list[Change], already: Collection[tuple[str, Any, str]]
) -> dict[Key, Key]:
    """Return document → missing parent for each document that an undo would restore without its parent.

    The application fails on such a document. Invariant: an undo makes no orphan. Documents that were orphans before the
    event (`already`) are not returned.
    """
    found: dict[Key, Key] = {}
    coming = inserted(changes)
    for owned in OWNED:
        inserts = [one for one in changes if isinstance(one, Insert) and one.collection == owned.collection]
        parents = {one.ids[0]: parent for one in inserts if (parent := reference(one.document, owned.field))}
        existing = set(present.existing(owned.parent, list(parents.values()), coming))
        for child, parent in parents.items():
            if parent not in existing and (owned.collection, child, owned.field) not in already:
                found[owned.collection, child] = owned.parent, parent
    return found


def refuse_to_orphan(present: PresentDocuments, changes: list[Change], returning: AbstractSet[Key]) -> None:
    """Raise `StillNeededError` if the undo would delete a parent but not all of its children.

    A child that stays was created after the event. The event has no change of this child, so no filter of a write would
    notice it. A parent that the undo inserts again does not count as deleted.
    """
    going = {(change.collection, change.ids[0]) for change in changes if isinstance(change, Delete)}
    coming = {(collection, referred(identifier)) for collection, identifier in returning}
    for owned in OWNED:
        deleted = [found for key in going if key[0] == owned.parent and (found := present.get(key))]
        parents = {referred(one["_id"]): one for one in deleted if (owned.parent, referred(one["_id"])) not in coming}
        for child in _children(present, owned, list(parents)):
            needed = referred(child[owned.field])
            if needed in parents and (owned.collection, child["_id"]) not in going:
                parent = parents[needed]
                raise StillNeededError(owned.parent, label(owned.parent, parent), parent["_id"], owned.collection)


def _children(present: PresentDocuments, owned: Owned, parents: list[Any]) -> Iterator[Document]:
    for start in range(0, len(parents), AT_ONCE):
        where = referring_to(present.database, owned.collection, owned.field, parents[start : start + AT_ONCE])
        yield from present.database[owned.collection].find(where, {owned.field: 1})


def differences(there: Document, document: Document) -> list[str]:
    """Return the names of the fields in which two documents differ, without the fields in `UNGUARDED`."""
    fields = (there.keys() | document.keys()) - UNGUARDED
    return sorted(
        field_name(name) for name in fields if not are_alike(there.get(name, ABSENT), document.get(name, ABSENT))
    )


def are_alike(one: object, other: object) -> bool:
    """Compare two values; in lists of ids the order does not matter."""
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(item, ObjectId) for item in [*one, *other]):
        return sorted(one) == sorted(other)
    return same(one, other)


def label(collection: str, document: Document) -> object:
    """Return the name of a document, or its id."""
    return name_of(collection, document) or document["_id"]
