"""What a planner writes on: it keeps only what changes something, and knows the shape each list is in."""

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from changes.change import (
    ABSENT,
    Add,
    Change,
    Delete,
    Document,
    FieldChange,
    Insert,
    Raise,
    Set,
    Take,
    Update,
    are_ids,
    same,
)
from changes.showable import name_of
from database.decoding import is_exact
from database.errors import InvalidInputError
from database.references import ids_in, referred
from models.links import Link

Batch: TypeAlias = list[Change]

BATCH: Final = 1000
"""Documents in one transaction, so that none of them gets near the server's limit of a minute."""

MANY: Final = 100_000
"""Ids in a list times those that are taken out of it: some servers compare each with each, and then it matters."""

FEW_RUNS: Final = 100
"""Places in a list at which ids are cut out of it at once."""

MOST_IDS: Final = 650_000
"""Ids in one list; a document of 16 MiB holds about 700,000."""


class TooManyLinksError(InvalidInputError):
    """A list would come too near to the largest document there can be."""

    def __init__(self, collection: str, identifier: object, field: str, count: int) -> None:
        super().__init__(
            f"{field} of {collection} {identifier} would hold {count:,} ids; a document has room for {MOST_IDS:,}",
            "share the links between several documents",
        )


class Resting(NamedTuple):
    """A list that is not changed and yet has to go on holding, or lacking, some ids."""

    collection: str
    id: Any
    field: str
    holds: bool


class Draft:
    """Changes in the order of their making, in batches that are whole each.

    The documents handed in are the planner's view of the state. Each change is made to them too, so that a later one
    starts from there; what would change nothing is not kept. `names` has what people know the documents by.
    """

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.names: dict[Any, str] = {}
        self.resting: dict[Resting, list[Any]] = {}
        self._new: set[tuple[str, Any]] = set()
        self._before: dict[tuple[str, Any], Document] = {}
        self._room = 0

    @property
    def changes(self) -> list[Change]:
        return [change for batch in self.batches for change in batch]

    def room(self, documents: int) -> None:
        """Start another batch unless this one has room for so many documents more, which belong together."""
        if self._room < documents:
            if self.batches:  # what is inserted already must not follow the planner's view any longer
                self.batches[-1] = [_settled(change) for change in self.batches[-1]]
                self._before.clear()
            self.batches.append([])
            self._new.clear()
            self._room = BATCH

    def full(self) -> list[Batch]:
        """Hand out the batches that nothing will be added to any more: the draft then forgets them."""
        done, self.batches = self.batches[:-1], self.batches[-1:]
        return done

    def insert(self, collection: str, document: Document) -> None:
        """Insert a document; what is changed of it in the same batch goes in with it."""
        self._name(collection, document)
        self._keep(Insert(collection, document))
        self._new.add((collection, document["_id"]))

    def delete(self, collection: str, document: Document) -> None:
        """Delete a document, which was read with all fields; changes of it in the same batch are dropped."""
        self._name(collection, document)
        before = self._before.pop((collection, document["_id"]), None)
        if before:
            changes = (_without(change, collection, document["_id"]) for change in self.batches[-1])
            self.batches[-1] = [change for change in changes if change is not None]
        whole = {**document, **(before or {})}
        self._keep(Delete(collection, {name: value for name, value in whole.items() if value is not ABSENT}))

    def set(self, collection: str, document: Document, values: Document, given: Iterable[str] = ()) -> None:
        """Give fields of a document new values; `ABSENT` takes a field away.

        Of fields that are `given` the values follow: the document may not have others when it is written.
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
                put(document, name, value)
        if fields and (collection, document["_id"]) not in self._new:
            rest = {name: document.get(name, ABSENT) for name in given if name not in fields}
            self._keep(Update(collection, (document["_id"],), fields, rest))

    def _write_anew(self, collection: str, document: Document, values: Document) -> None:
        """Delete a document, which was read with all fields, and insert it with new values.

        No server finds a field by its name if this is not valid UTF-8.
        """
        self.delete(collection, document)
        for name, value in values.items():
            put(document, name, value)
        self.insert(collection, document)

    def advance(
        self, collection: str, document: Document, name: str, time: datetime, given: Document | None = None
    ) -> None:
        """Move a time of a document on, unless it is later already, or is by then.

        What is `given` the document has to have when it is written, also where its time is later already.
        """
        self._name(collection, document)
        self._remember(collection, document, name)
        before = document.get(name, ABSENT)
        after = max(before, time) if isinstance(before, datetime) else time
        kind = Raise if isinstance(before, datetime) or before is ABSENT else Set  # in broken data it may be anything
        if (given or not same(before, after)) and (collection, document["_id"]) not in self._new:
            self._keep(Update(collection, (document["_id"],), {name: kind(before, after)}, given or {}))
        put(document, name, after)

    def add(self, collection: str, documents: Iterable[Document], field: str, ids: Sequence[Any]) -> None:
        """Add ids to a list of each document, where they are not in it yet."""
        self._lists(collection, documents, field, lambda document: adding(collection, document, field, ids))

    def take(self, collection: str, documents: Iterable[Document], field: str, ids: Sequence[Any]) -> None:
        """Take ids out of a list of each document, where they are in it."""
        self._lists(collection, documents, field, lambda document: taking(document, field, ids))

    def link(self, link: Link, lefts: Sequence[Document], rights: Sequence[Document]) -> None:
        """Link each of the documents on the left with each on the right, on both sides."""
        self._rest_on_what_is_so(link, lefts, rights, linked=True)
        self.add(link.collection, lefts, link.field, _ids(rights))
        self.add(link.other, rights, link.other_field, _ids(lefts))

    def unlink(self, link: Link, lefts: Sequence[Document], rights: Sequence[Document]) -> None:
        """Undo `link`, also where only one side has it."""
        self._rest_on_what_is_so(link, lefts, rights, linked=False)
        self.take(link.collection, lefts, link.field, _ids(rights))
        self.take(link.other, rights, link.other_field, _ids(lefts))

    def _rest_on_what_is_so(
        self, link: Link, lefts: Sequence[Document], rights: Sequence[Document], *, linked: bool
    ) -> None:
        """Note, where one side of a link alone is not as wanted, that the other has to stay as it is."""
        for right, right_id in zip(rights, _ids(rights), strict=True):
            back = set(ids_in(right, link.other_field))
            for left, left_id in zip(lefts, _ids(lefts), strict=True):
                sides = right_id in ids_in(left, link.field), left_id in back
                if sides == (linked, not linked):
                    self._rest_on(Resting(link.collection, left["_id"], link.field, linked), right_id)
                elif sides == (not linked, linked):
                    self._rest_on(Resting(link.other, right["_id"], link.other_field, linked), left_id)

    def _rest_on(self, resting: "Resting", identifier: Any) -> None:
        self.resting.setdefault(resting, []).append(identifier)

    def _lists(
        self,
        collection: str,
        documents: Iterable[Document],
        field: str,
        plan: Callable[[Document], FieldChange | None],
    ) -> None:
        """Keep one change for all documents that change alike."""
        alike: dict[object, tuple[FieldChange, list[Any]]] = {}
        for document in documents:
            self._name(collection, document)
            self._remember(collection, document, field)
            change = plan(document)
            if change is None or (collection, document["_id"]) in self._new:
                continue
            key: object = change
            if isinstance(change, Set):
                key = "null" if change.before is None else ("held", document["_id"])
            alike.setdefault(key, (change, []))[1].append(document["_id"])
        for change, ids in alike.values():
            self._keep(Update(collection, tuple(ids), {field: change}))

    def _remember(self, collection: str, document: Document, field: str) -> None:
        """Remember the value of a field before this batch; if the batch deletes the document, that value must match."""
        before = self._before.setdefault((collection, document["_id"]), {})
        before.setdefault(field, document.get(field, ABSENT))

    def _name(self, collection: str, document: Document) -> None:
        if name := name_of(collection, document):
            self.names.setdefault(document["_id"], name)

    def _keep(self, change: Change) -> None:
        if not self.batches:
            self.room(1)
        self.batches[-1].append(change)
        self._room -= len(change.ids)


def _ids(documents: Iterable[Document]) -> list[Any]:
    """Return the id that links to each document use: an ObjectId, also if its `_id` is the digits of one as text."""
    return [referred(document["_id"]) for document in documents]


def _without(change: Change, collection: str, identifier: Any) -> Change | None:
    """Remove a document from an update; None if the update has no other document."""
    if not isinstance(change, Update) or change.collection != collection or identifier not in change.ids:
        return change
    others = tuple(one for one in change.ids if one != identifier)
    return dataclasses.replace(change, ids=others) if others else None


def _settled(change: Change) -> Change:
    return Insert(change.collection, dict(change.document)) if isinstance(change, Insert) else change


def put(document: Document, name: str, value: object) -> None:
    """Give a field a value in a document in memory, or take it away."""
    if value is ABSENT:
        document.pop(name, None)
    else:
        document[name] = value


def adding(collection: str, document: Document, field: str, ids: Sequence[Any]) -> FieldChange | None:
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
    if isinstance(before, list) or before is ABSENT:  # a list that was absent must be absent again after an undo
        return Add(tuple(new), bare=before is ABSENT)
    return Set(before, document[field])  # `$push` fails on null


def taking(document: Document, field: str, ids: Sequence[Any]) -> FieldChange | None:
    """Remove ids, in any form, from a list of a document in memory, and return the change that does it on disk."""
    before = document.get(field)
    if not isinstance(before, list):
        return None
    found = _places(before, {referred(identifier) for identifier in ids})
    if not found:
        return None
    taken = tuple(before[at] for at in found)
    runs = _runs(found)
    starts, ends = zip(*((at, at + length) for at, length in runs), strict=True)
    kept = zip((0, *ends), (*starts, len(before)), strict=True)
    left = document[field] = [item for start, end in kept for item in before[start:end]]
    # An undo adds each id once, and no filter can match an item that is a document: keep such a list as a whole.
    if any(isinstance(item, dict) for item in taken) or len(set(taken)) < len(taken):
        return Set(before, left)
    return Take(taken, tuple(runs) if len(before) * len(taken) > MANY and len(runs) <= FEW_RUNS else ())


def _places(items: list[Any], wanted: set[Any]) -> list[int]:
    """Return where the wanted are in a list, which in broken data may hold what cannot be looked up in a set."""
    if are_ids(items):
        return [at for at, item in enumerate(items) if item in wanted]
    found = enumerate(map(referred, items))
    return [at for at, item in found if isinstance(item, Hashable) and item in wanted]


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Put places that follow each other together, as (start, length)."""
    runs: list[tuple[int, int]] = []
    for place in places:
        start, length = runs[-1] if runs else (-1, 0)
        if start + length == place and runs:
            runs[-1] = (start, length + 1)
        else:
            runs.append((place, 1))
    return runs


def _distinct(items: list[Any]) -> set[Any]:
    """Return the ids of a list, which in broken data may hold anything."""
    if are_ids(items):
        return set(items)
    return {item for item in map(referred, items) if isinstance(item, Hashable)}
