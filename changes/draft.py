"""Collect the changes of an action, and divide them into batches. Changes that have no effect are left out."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from bson import ObjectId

from changes.change import ABSENT, Change, Delete, Document, FieldChange, Insert, Raise, Set, Update, same, set_field
from changes.id_lists import add_missing, take_present
from changes.visible_values import name_of
from database.decoding import is_exact
from database.references import ids_in, referred
from models.links import Link

Batch: TypeAlias = list[Change]

BATCH: Final = 1000
"""The largest number of documents in one transaction.

Servers stop a transaction after one minute. A transaction with this number of documents takes much less time.
"""


class UnchangedList(NamedTuple):
    """A list that a plan does not change, and in which no other program may change certain ids before the write.

    If `holds` is true, the list contains these ids and must keep them. If `holds` is false, the list must not get these
    ids.
    """

    collection: str
    id: Any
    field: str
    holds: bool


class Draft:
    """Collect the changes of an action in their order, and divide them into batches.

    Each batch is one transaction. Each change is also made to the given document in memory, so that a later change
    starts from the new values. A change without effect is not kept. `names` maps ids to the names that people know. A
    link is stored in two lists. If one of the two lists is already right, `unchanged_lists` has the ids that this list
    must keep, or must not get.
    """

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.names: dict[Any, str] = {}
        self.unchanged_lists: dict[UnchangedList, list[Any]] = {}
        self._new: set[tuple[str, Any]] = set()
        self._before: dict[tuple[str, Any], Document] = {}
        self._held: set[tuple[str, Any]] = set()

    @property
    def changes(self) -> list[Change]:
        return [change for batch in self.batches for change in batch]

    def reserve(self, documents: int) -> None:
        """Make sure that one transaction writes the next `documents` documents together.

        If these documents do not fit into the current batch, a new batch begins.
        """
        if not self.batches or len(self._held) + documents > BATCH:
            # Copy the inserted documents, because later changes of these documents belong to the next batch.
            if self.batches:
                self.batches[-1] = [_settled(change) for change in self.batches[-1]]
                self._before.clear()
            self.batches.append([])
            self._new.clear()
            self._held.clear()

    def finished_batches(self) -> list[Batch]:
        """Return all complete batches, and remove them from the draft. Only the current batch stays in the draft."""
        done, self.batches = self.batches[:-1], self.batches[-1:]
        return done

    def insert(self, collection: str, document: Document) -> None:
        """Add the insertion of a document.

        Later changes of this document in the same batch become part of the insertion.
        """
        self._name(collection, document)
        self._keep(Insert(collection, document))
        self._new.add((collection, document["_id"]))

    def delete(self, collection: str, document: Document) -> None:
        """Add the deletion of a document to the draft. The document must have been read with all fields.

        Earlier changes of this document in the same batch are removed.
        """
        self._name(collection, document)
        before = self._before.pop((collection, document["_id"]), None)
        if before and self.batches:
            changes = (_without(change, collection, document["_id"]) for change in self.batches[-1])
            self.batches[-1] = [change for change in changes if change is not None]
        whole = {**document, **(before or {})}
        self._keep(Delete(collection, {name: value for name, value in whole.items() if value is not ABSENT}))

    def set(self, collection: str, document: Document, values: Document, expected: Iterable[str] = ()) -> None:
        """Give new values to fields of a document. The value `ABSENT` removes a field.

        `expected` names fields that this call does not change. The write fails if another program has changed one of
        these fields.
        """
        if not all(map(is_exact, values)):
            self._write_anew(collection, document, values)
            return
        self._name(collection, document)
        fields: dict[str, FieldChange] = {}
        for name, value in values.items():
            before = document.get(name, ABSENT)
            if not same(before, value):
                self._remember(collection, document, name)
                fields[name] = Set(before, value)
                set_field(document, name, value)
        if fields and (collection, document["_id"]) not in self._new:
            rest = {name: document.get(name, ABSENT) for name in expected if name not in fields}
            self._keep(Update(collection, (document["_id"],), fields, rest))

    def set_each(self, collection: str, documents: Iterable[Document], field: str, value: Any) -> None:
        """Give a field the same new value in each document. Documents with equal old values share one change."""

        def plan(document: Document) -> FieldChange | None:
            before = document.get(field, ABSENT)
            set_field(document, field, value)
            return None if same(before, value) else Set(before, value)

        self._alike(collection, documents, field, plan)

    def _write_anew(self, collection: str, document: Document, values: Document) -> None:
        """Delete a document and insert it again with new values. The document must have been read with all fields.

        This is necessary if the name of a field is not valid UTF-8: servers cannot find such a field, so they cannot
        update it.
        """
        self.delete(collection, document)
        for name, value in values.items():
            set_field(document, name, value)
        self.insert(collection, document)

    def move_time_forward(
        self, collection: str, document: Document, name: str, time: datetime, expected: Document | None = None
    ) -> None:
        """Change a time of a document to a later time. If the stored time is already later, it does not change.

        The write fails if the document does not have the `expected` values, even if the time does not change.
        """
        self._name(collection, document)
        self._remember(collection, document, name)
        before = document.get(name, ABSENT)
        after = max(before, time) if isinstance(before, datetime) else time
        # In broken data, the old value can have any type.
        kind = Raise if isinstance(before, datetime) or before is ABSENT else Set
        if (expected or not same(before, after)) and (collection, document["_id"]) not in self._new:
            self._keep(Update(collection, (document["_id"],), {name: kind(before, after)}, expected or {}))
        set_field(document, name, after)

    def add(self, collection: str, documents: Iterable[Document], field: str, ids: Sequence[Any]) -> None:
        """Add ids to a list in each document. If a list already contains an id, this id is left out."""
        self._alike(collection, documents, field, lambda document: add_missing(collection, document, field, ids))

    def take(self, collection: str, documents: Iterable[Document], field: str, ids: Sequence[Any]) -> None:
        """Remove ids from a list in each document. If a list does not contain an id, this id is left out."""
        self._alike(collection, documents, field, lambda document: take_present(document, field, ids))

    def link(self, link: Link, lefts: Sequence[Document], rights: Sequence[Document]) -> None:
        """Link each document in `lefts` with each document in `rights`.

        Invariant: links have two sides.
        """
        self._require_the_unchanged_half(link, lefts, rights, linked=True)
        self.add(link.collection, lefts, link.field, _ids(rights))
        self.add(link.other, rights, link.other_field, _ids(lefts))

    def unlink(self, link: Link, lefts: Sequence[Document], rights: Sequence[Document]) -> None:
        """Remove all links between documents in `lefts` and in `rights`, even links that only one side has."""
        self._require_the_unchanged_half(link, lefts, rights, linked=False)
        self.take(link.collection, lefts, link.field, _ids(rights))
        self.take(link.other, rights, link.other_field, _ids(lefts))

    def _require_the_unchanged_half(
        self, link: Link, lefts: Sequence[Document], rights: Sequence[Document], *, linked: bool
    ) -> None:
        """Find the links for which one of the two lists is already right, and note that this list must stay the same.

        Invariant: the unchanged half of a link stays. The document with this half is not written, so no filter of a
        write would notice that another program changes it.
        """
        for right, right_id in zip(rights, _ids(rights), strict=True):
            back = set(ids_in(right, link.other_field))
            for left, left_id in zip(lefts, _ids(lefts), strict=True):
                sides = right_id in ids_in(left, link.field), left_id in back
                if sides == (linked, not linked):
                    self._require(UnchangedList(link.collection, left["_id"], link.field, linked), right_id)
                elif sides == (not linked, linked):
                    self._require(UnchangedList(link.other, right["_id"], link.other_field, linked), left_id)

    def _require(self, unchanged: UnchangedList, identifier: Any) -> None:
        self.unchanged_lists.setdefault(unchanged, []).append(identifier)

    def _alike(
        self,
        collection: str,
        documents: Iterable[Document],
        field: str,
        plan: Callable[[Document], FieldChange | None],
    ) -> None:
        """Plan the change of one field in several documents. Documents with the same change share one `Update`."""
        alike: dict[object, tuple[FieldChange, list[Any]]] = {}
        for document in documents:
            self._name(collection, document)
            self._remember(collection, document, field)
            change = plan(document)
            if change is None or (collection, document["_id"]) in self._new:
                continue
            key: object = change
            if isinstance(change, Set) and not isinstance(change.before, ObjectId):
                key = "null" if change.before is None else ("held", document["_id"])
            alike.setdefault(key, (change, []))[1].append(document["_id"])
        for change, ids in alike.values():
            self._keep(Update(collection, tuple(ids), {field: change}))

    def _remember(self, collection: str, document: Document, field: str) -> None:
        """Remember the value that a field had before this batch.

        If this batch later deletes the document, the write compares this old value with the stored value.
        """
        before = self._before.setdefault((collection, document["_id"]), {})
        before.setdefault(field, document.get(field, ABSENT))

    def _name(self, collection: str, document: Document) -> None:
        if name := name_of(collection, document):
            self.names.setdefault(document["_id"], name)

    def _keep(self, change: Change) -> None:
        if not self.batches:
            self.reserve(1)
        self.batches[-1].append(change)
        self._held.update((change.collection, identifier) for identifier in change.ids)


def _ids(documents: Iterable[Document]) -> list[Any]:
    """Return the ids of documents as links contain them: as ObjectIds, even if `_id` is stored as text."""
    return [referred(document["_id"]) for document in documents]


def _without(change: Change, collection: str, identifier: Any) -> Change | None:
    """Return an update without one of its documents. If the update then has no documents, return None."""
    if not isinstance(change, Update) or change.collection != collection or identifier not in change.ids:
        return change
    others = tuple(one for one in change.ids if one != identifier)
    return dataclasses.replace(change, ids=others) if others else None


def _settled(change: Change) -> Change:
    return Insert(change.collection, dict(change.document)) if isinstance(change, Insert) else change
