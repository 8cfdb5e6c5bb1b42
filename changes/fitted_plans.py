"""Compare a plan with the documents as they are now, and add the old values that the stored plan must not contain.

Invariant: an approval does exactly what was proposed. If a value that a plan expects was changed after the plan was
made, `fit` returns a message about the changed document, and the plan is not carried out.
"""

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from pymongo.database import Database

from changes import events
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
    set_field,
)
from changes.draft import Batch
from changes.hidden_values import Place, digest
from changes.id_lists import add_missing, take_present
from changes.operations import ALWAYS_OVERWRITTEN
from changes.plans import Plan, kept
from changes.trail_entries import OUR_RECORDS
from changes.undoing.present_documents import Key, PresentDocuments
from changes.visible_values import field_name, is_withheld, name_of, readable_text
from changes.writing import children_left, new_values
from database.references import ids_in, referred
from models.schema import FIELDS, UNIQUE_INDEXES

NAMED_BY = ("username", "name")
UPDATED = "updatedAt"


class Fitted(NamedTuple):
    """The batches of a plan as they would be written now.

    `moved` has a line for each document that was changed after the plan was made. If `moved` is not empty, the plan
    must not be written. `before` has the documents of the plan as they are now, and `after` has these documents as they
    are after the write. Updated documents have only some of their fields. If the plan is an undo, `originals` has the
    values that it restores.
    """

    batches: list[Batch]
    moved: list[str]
    before: dict[Key, Document] = {}  # noqa: RUF012 - nobody changes it
    after: dict[Key, Document] = {}  # noqa: RUF012
    originals: dict[Key, Document] = {}  # noqa: RUF012


def fit(database: Database[Document], plan: Plan, now: datetime | None = None) -> Fitted:
    """Compare a plan with the documents as they are now. The batches may be written only if `moved` is empty.

    During an approval, `now` is the time of the approval. If `now` is None, the batches keep the times of the plan.
    """
    fitting = _Fitting(database, plan, now)
    before = fitting.present.copies()
    fitting.check_hidden(plan)
    batches = [[fitted for change in batch for fitted in fitting.of(change)] for batch in plan.batches]
    if not fitting.moved:
        fitting.check_others([change for batch in batches for change in batch])
    moved = list(dict.fromkeys(fitting.moved))
    return Fitted(batches, moved, before, fitting.present.copies(), fitting.originals)


class _Fitting:
    """The documents of a plan.

    They are read once, and then changed in memory in the same way as the plan changes them.
    """

    def __init__(self, database: Database[Document], plan: Plan, now: datetime | None) -> None:
        self.moved: list[str] = []
        self._database = database
        self._undoes = plan.undoes
        self._now = None if plan.undoes else now
        self.present = _read(database, plan.changes)
        self.originals = dict(_originals(database, plan))

    def check_hidden(self, plan: Plan) -> None:
        """Note each document in which a hidden value was changed after the plan was made.

        A plan does not contain the hidden value, only its digest. Call this method before `of`.
        """
        if not plan.digests:
            return
        found = [[*self._differing(plan, key)] for key in events.plan_keys(self._database, plan.id)]
        if not found:
            self.moved.append("the audit trail no longer has the key of this plan")
            return
        differing: dict[Key, list[str]] = {}
        for collection, identifier, field in min(found, key=len):  # an event with a wrong key proves nothing
            differing.setdefault((collection, identifier), []).append(field)
        for (collection, identifier), fields in differing.items():
            there = self.present.get((collection, identifier)) or {"_id": identifier}
            self._has_moved(collection, there, "was changed", sorted(fields))

    def _differing(self, plan: Plan, key: bytes) -> Iterator[Place]:
        for place, expected in plan.digests.items():
            there = self.present.get((place.collection, place.id))
            if there is not None and digest(key, place, there.get(place.field, ABSENT)) != expected:
                yield place

    def of(self, change: Change) -> Iterator[Change]:
        """Yield a change as it would be written now.

        If its document was changed after the plan was made, note the document and yield the planned change.
        """
        if change.collection in OUR_RECORDS:
            yield change
        elif isinstance(change, Insert):
            yield self._insert(change)
        elif isinstance(change, Delete):
            yield self._delete(change)
        else:
            yield from self._update(change)

    def check_others(self, changes: list[Change]) -> None:
        """Note documents outside the plan that prevent the write.

        Such a document has a unique value that the plan sets, or is a child of a document that the plan deletes.
        """
        keys = {(change.collection, identifier) for change in changes for identifier in change.ids}
        for change in changes:
            values = new_values(change)
            for _, unique in UNIQUE_INDEXES.get(change.collection, ()):
                if values.keys() >= set(unique):
                    where = {name: {"$eq": values[name]} for name in unique}
                    found = self._database[change.collection].find(where, {"_id": 1}, limit=2)
                    if any((change.collection, other["_id"]) not in keys for other in found):
                        taken = ", ".join(readable_text(values[name]) for name in unique)
                        self.moved.append(f"{change.collection.lower()} {taken} already exists")
        for owned, parent in children_left(self._database, changes, None):
            self.moved.append(f"{owned.parent.lower()} {parent} got a new {owned.collection.lower()}")

    def _insert(self, change: Insert) -> Change:
        key = change.collection, change.document["_id"]
        if there := self.present.get(key):
            self._has_moved(change.collection, there, "exists already")
        document = {
            name: self._new_value(change.collection, key[1], name, value) for name, value in change.document.items()
        }
        if self._now and UPDATED in document:  # for a new user, the times are set when the proposal is approved
            planned = document[UPDATED]
            document |= {name: self._now for name in (UPDATED, "createdAt") if same(document.get(name), planned)}
        self.present.add(key, document)
        return Insert(change.collection, document)

    def _delete(self, change: Delete) -> Change:
        there = self.present.pop((change.collection, change.document["_id"]))
        if there is None:
            self._has_moved(change.collection, change.document, "no longer exists")
            return change
        names = (FIELDS.get(change.collection, frozenset()) | there.keys() | change.document.keys()) - UNGUARDED
        differing = [
            name
            for name in sorted(names - {"_id"})
            if not same(change.document.get(name, ABSENT), kept(change.collection, name, there.get(name, ABSENT)))
        ]
        if differing:
            self._has_moved(change.collection, there, "was changed", differing)
        return Delete(change.collection, there)

    def _update(self, change: Update) -> Iterator[Change]:
        """Yield the updates of some documents. Documents with the same update share one `Update`."""
        alike: dict[Any, tuple[Update, list[Any]]] = {}
        for identifier in change.ids:
            one = self._update_of(change, identifier)
            lists_only = not one.expected and all(isinstance(field, Add | Take) for field in one.fields.values())
            key: Any = tuple(one.fields.items()) if lists_only else identifier
            alike.setdefault(key, (one, []))[1].append(identifier)
        for one, ids in alike.values():
            yield dataclasses.replace(one, ids=tuple(ids))

    def _update_of(self, change: Update, identifier: Any) -> Update:
        there = self.present.get((change.collection, identifier))
        if there is None:
            self._has_moved(change.collection, {"_id": identifier}, "no longer exists")
            return dataclasses.replace(change, ids=(identifier,))
        differing = [name for name, value in change.expected.items() if not _is_as_expected(change, name, value, there)]
        expected = {
            name: value if isinstance(value, ListContaining) else there.get(name, ABSENT)
            for name, value in change.expected.items()
        }
        fields: dict[str, FieldChange] = {}
        for name, field in change.fields.items():
            found = self._field(change.collection, there, name, field)
            fields[name] = found or field
            differing += [] if found else [name]
        if differing:
            self._has_moved(change.collection, there, "was changed", differing)
        return Update(change.collection, (identifier,), fields, expected)

    def _field(self, collection: str, there: Document, name: str, field: FieldChange) -> FieldChange | None:
        """Return the change of a field as it would be written now.

        If the field was changed after the plan was made, return None.
        """
        if isinstance(field, Set):
            before = there.get(name, ABSENT)
            guarded = name not in ALWAYS_OVERWRITTEN and not isinstance(field, Raise)
            if guarded and not same(field.before, kept(collection, name, before)):
                return None
            after = self._new_value(collection, there["_id"], name, field.after)
            if name == UPDATED:
                after = self._updated(field, before, after)
            set_field(there, name, after)
            return type(field)(before, after)
        if isinstance(field, Take):
            taken = take_present(there, name, field.ids)
            return taken if isinstance(taken, Take) and _same_ids(taken, field) else None
        added = add_missing(collection, there, name, field.ids)
        if not isinstance(added, Add) or not _same_ids(added, field):
            return None
        return dataclasses.replace(added, new=field.new)

    def _updated(self, field: Set, before: Any, after: Any) -> Any:
        """Return the value of `updatedAt` after the write.

        In an approval, this is the time of the approval, or the stored time if that is later. Without an approval, this
        is the planned time, or the stored time if another program has set a later time after the plan was made. A
        stored value that is not a time is replaced by the planned value.
        """
        if before is ABSENT:
            return self._now or after
        if not isinstance(before, datetime) or not isinstance(after, datetime):
            return after
        if self._now:
            return max(self._now, before)
        return before if before > after and not same(before, field.before) else after

    def _new_value(self, collection: str, identifier: Any, name: str, value: Any) -> Any:
        """Return the new value of a field.

        If the plan is an undo and cannot contain the value, use the value from the image of the event.
        """
        if self._undoes is None or not any(map(is_withheld, value if isinstance(value, list) else [value])):
            return value
        original = self.originals.get((collection, identifier), {}).get(name, ABSENT)
        if original is ABSENT or not same(value, kept(collection, name, original)):
            self.moved.append(f"the data for the undo of event {self._undoes} are no longer stored")
        return original

    def _has_moved(self, collection: str, document: Document, what: str, fields: list[str] | None = None) -> None:
        label = name_of(collection, document) or document["_id"]
        named = f" ({', '.join(map(field_name, fields))})" if fields else ""
        self.moved.append(f"{collection.lower()} {label} {what}{named}")


def _read(database: Database[Document], changes: list[Change]) -> PresentDocuments:
    """Read the documents of changes.

    Inserted and deleted documents are read with all fields. Updated documents are read only with their name and the
    fields of the change.
    """
    documents = PresentDocuments(database)
    wanted: dict[str, dict[Any, set[str] | None]] = {}
    for change in changes:
        known = wanted.setdefault(change.collection, {})
        for identifier in change.ids:
            if not isinstance(change, Update):
                known[identifier] = None
            elif (fields := known.setdefault(identifier, {*NAMED_BY})) is not None:
                fields |= change.fields.keys() | change.expected.keys()
    for collection, ids in wanted.items():
        if collection not in OUR_RECORDS:
            whole = [one for one, fields in ids.items() if fields is None]
            documents.read(collection, whole)
            parts = {one: fields for one, fields in ids.items() if fields is not None}
            documents.read(collection, list(parts), set[str]().union(*parts.values()))
    return documents


def _originals(database: Database[Document], plan: Plan) -> Iterator[tuple[Key, Document]]:
    """Yield the documents that a plan restores, with the values that they had before the undone event."""
    for batch in events.read(database, plan.undoes) if plan.undoes else ():
        for change in batch:
            if isinstance(change, Delete):
                yield (change.collection, change.document["_id"]), change.document
            elif isinstance(change, Update):
                before = {name: field.before for name, field in change.fields.items() if isinstance(field, Set)}
                yield from (((change.collection, identifier), before) for identifier in change.ids)


def _is_as_expected(change: Update, name: str, value: Any, there: Document) -> bool:
    if isinstance(value, ListContaining):
        return {*map(referred, value.ids)} <= {*ids_in(there, name)}
    return same(value, kept(change.collection, name, there.get(name, ABSENT)))


def _same_ids(one: Add | Take, other: Add | Take) -> bool:
    return len(one.ids) == len(other.ids) and {*map(referred, one.ids)} == {*map(referred, other.ids)}
