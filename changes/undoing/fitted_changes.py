"""Adapt the inverse changes of an undo, one after the other, to the documents as they are now, or refuse the undo."""

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId

from changes.change import (
    ABSENT,
    UNGUARDED,
    Add,
    Change,
    Delete,
    Document,
    FieldChange,
    Insert,
    Set,
    Take,
    Update,
    are_ids,
    same,
    set_field,
)
from changes.id_lists import add_missing, take_present
from changes.undoing.present_documents import AT_ONCE, Key, PresentDocuments, inserted
from changes.undoing.recomputed import LAST_MESSAGE, UPDATED, Recomputed
from changes.visible_values import field_name, name_of
from database.errors import ConflictError
from database.references import ids_in, reference, referred, referring_to
from models.links import OTHER_SIDES, OWNED, Owned


class ChangedSinceError(ConflictError):
    """The error if a document was changed after the event that is being undone.

    Invariant: an undo overwrites nothing newer, unless it is forced.
    """

    def __init__(self, collection: str, who: object, what: str, fields: Collection[str] = ()) -> None:
        named = f" ({', '.join(fields)})" if fields else ""
        hint = "undo the later change first, or overwrite it with --force"
        super().__init__(f"{collection.lower()} {who} {what} after this event{named}", hint)


class StillNeededError(ConflictError):
    """The error if an undo would delete a document to which a child was added after the event."""

    def __init__(self, collection: str, who: object, identifier: object, child: str) -> None:
        hint = f"delete the {collection.lower()} with all its data: chatctl {collection.lower()}s delete {identifier}"
        super().__init__(f"{collection.lower()} {who} got a new {child.lower()} after this event", hint)


def orphaned(
    present: PresentDocuments, changes: list[Change], already: Collection[tuple[str, Any, str]]
) -> dict[Key, Key]:
    """Return document → missing parent for each document that an undo would restore without its parent.

    The application fails on such a document. Invariant: an undo makes no orphan. Documents that had no parent before
    the event (`already`) are not returned.
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
    """Raise `StillNeededError` if the undo would delete a parent and keep one of its children.

    A child that would be kept was created after the event. The event has no change of this child, so no filter of a
    write would notice it. A parent that the undo inserts again does not count as deleted.
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
    """Return the names of the fields in which two documents differ. Fields in `UNGUARDED` are ignored."""
    fields = (there.keys() | document.keys()) - UNGUARDED
    return sorted(
        field_name(name) for name in fields if not are_alike(there.get(name, ABSENT), document.get(name, ABSENT))
    )


def are_alike(one: object, other: object) -> bool:
    """Tell whether two values are equal. In lists of ids, the order does not matter."""
    if isinstance(one, list) and isinstance(other, list) and all(isinstance(item, ObjectId) for item in [*one, *other]):
        return sorted(one) == sorted(other)
    return same(one, other)


def label(collection: str, document: Document) -> object:
    """Return the name of a document. If it has no name, return its id."""
    return name_of(collection, document) or document["_id"]


@dataclass(frozen=True)
class FittedChanges:
    """The changes of an undo, adapted to the documents as they are now.

    Each call of `of` also changes the documents in `present`, so the order of the calls matters. `returning` has the
    documents that the undo inserts. `orphaned` maps each document that cannot be inserted to its missing parent. If
    `force` is true, documents that were changed after the event are overwritten. If it is false, such a document raises
    `ChangedSinceError`.
    """

    present: PresentDocuments
    recomputed: Recomputed
    returning: AbstractSet[Key]
    orphaned: Mapping[Key, Key]
    force: bool

    def of(self, change: Change) -> Iterator[Change]:
        """Adapt one inverse change, and yield the changes that are still necessary.

        Raises `ChangedSinceError` if a document was changed after the event.
        """
        if isinstance(change, Insert):
            return self._insert(change)
        return self._delete(change) if isinstance(change, Delete) else self._update(change)

    def _insert(self, change: Insert) -> Iterator[Change]:
        key = (change.collection, change.document["_id"])
        there = self.present.get(key)
        if there is not None:
            if not self.force and differences(there, change.document):
                raise ChangedSinceError(
                    change.collection, label(change.collection, change.document), "was created again"
                )
            return
        if parent := self.orphaned.get(key):
            if not self.force:
                raise ChangedSinceError(*parent, "was deleted")
            return
        document = dict(change.document)
        for name, value in document.items():
            if self.force and isinstance(value, list):
                document[name] = self._existing(change.collection, name, value)
        self.present.add(key, dict(document))
        yield Insert(change.collection, document)

    def _delete(self, change: Delete) -> Iterator[Change]:
        there = self.present.pop((change.collection, change.document["_id"]))
        if there is None:
            return
        if not self.force and (fields := differences(there, change.document)):
            raise ChangedSinceError(change.collection, label(change.collection, change.document), "was changed", fields)
        yield from self._unlink(change, there)
        yield Delete(change.collection, there)

    def _unlink(self, change: Delete, there: Document) -> Iterator[Change]:
        """Remove the id of a deleted document from lists to which another program has added the id after the event."""
        for name, value in there.items():
            if (change.collection, name) in OTHER_SIDES and isinstance(value, list):
                other, field = OTHER_SIDES[change.collection, name]
                before = set(ids_in(change.document, name))
                gained = [item for item in ids_in(there, name) if item not in before]
                self.present.read(other, [item for item in gained if (other, item) not in self.present], {field})
                yield from self._update(Update(other, tuple(gained), {field: Take((change.document["_id"],))}))

    def _update(self, change: Update) -> Iterator[Change]:
        """Adapt an update to each of its documents.

        Consecutive documents that need the same change share one update.
        """
        alike: list[tuple[dict[str, FieldChange], list[Any]]] = []
        for identifier in change.ids:
            there = self.present.get((change.collection, identifier))
            if there is None:
                if not self.force and any(not isinstance(field, Take) for field in change.fields.values()):
                    raise ChangedSinceError(change.collection, identifier, "was deleted")
                continue
            fields = dict(self._fields(change, there))
            if alike and alike[-1][0] == fields:
                alike[-1][1].append(identifier)
            elif fields:
                alike.append((fields, [identifier]))
        for fields, ids in alike:
            yield Update(change.collection, tuple(ids), fields)

    def _fields(self, change: Update, there: Document) -> Iterator[tuple[str, FieldChange]]:
        """Adapt the changes of the fields of a document. `updatedAt` changes only if another value changes."""
        others = [name for name in change.fields if name != UPDATED]
        fitted = [(name, self._field(change.collection, there, name, change.fields[name])) for name in others]
        changed = [(name, field) for name, field in fitted if field]
        yield from changed
        moves = any(isinstance(field, Set) for _, field in changed)
        if UPDATED in change.fields and (moves or not others):
            updated = self._field(change.collection, there, UPDATED, change.fields[UPDATED], moves=moves)
            yield from [(UPDATED, updated)] if updated else ()

    def _field(
        self, collection: str, there: Document, name: str, field: FieldChange, *, moves: bool = False
    ) -> FieldChange | None:
        """Adapt the change of one field. Return None if the document already has the right value."""
        if isinstance(field, Set) and field.before is ABSENT and _is_list_of_ids(field.after):
            field = Add(tuple(field.after), bare=True)  # another program may have created the list after the event
        if isinstance(field, Add):
            ids = self._existing(collection, name, list(field.ids)) if self.force else field.ids
            return add_missing(collection, there, name, ids)
        if isinstance(field, Take):
            return _take(there, name, field)
        return self._value(collection, there, name, field, moves=moves)

    def _value(self, collection: str, there: Document, name: str, field: Set, *, moves: bool) -> FieldChange | None:
        """Adapt the change of a single value. If the document already has the right value, return None.

        If `moves` is true, a date gets the present time instead of its old value, so that other programs notice the
        undo.
        """
        present, after = there.get(name, ABSENT), field.after
        if same(present, after):
            return None
        moved = (moves and isinstance(after, datetime)) or not are_alike(present, field.before)
        is_lost = name == LAST_MESSAGE and not moved and self.recomputed.loses_last_message(there, field)
        if name in UNGUARDED and (moved or is_lost):
            after = self.recomputed.value(there, name, present)
        elif moved and not self.force:
            raise ChangedSinceError(collection, there["_id"], "was changed", [field_name(name)])
        if same(present, after):
            return None
        set_field(there, name, after)
        return Set(present, after)

    def _existing(self, collection: str, name: str, ids: list[Any]) -> list[Any]:
        """In a list of links, leave out the ids of deleted documents. Other lists are returned unchanged."""
        if (collection, name) not in OTHER_SIDES:
            return ids
        other, _ = OTHER_SIDES[collection, name]
        return self.present.existing(other, ids, self.returning)


def _take(there: Document, name: str, take: Take) -> FieldChange | None:
    before = there.get(name, ABSENT)
    fitted = take_present(there, name, take.ids)
    if fitted and take.bare and not there[name]:
        del there[name]
        return Set(before, ABSENT)
    return fitted


def _is_list_of_ids(value: object) -> bool:
    return isinstance(value, list) and are_ids(value)
