"""Carry a changeset out: each batch in a transaction together with its record, or not at all."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from models import connection, indexes
from models.changes import transactions
from models.changes.change import Change, Delete, Insert, Set, Update
from models.changes.changeset import Changeset
from models.changes.draft import Batch
from models.changes.events import Event
from models.errors import ConflictError, PartialError
from models.indexes import Index
from models.links import OWNED, Owned
from models.references import joined, referred, to
from models.schema import UNIQUE_INDEXES
from models.showable import readable_text

DUPLICATE_KEY: Final = 11000
REPLANS: Final = 5
SEE_INDEXES: Final = "mend what is in the way; chatctl db indexes shows them all"
PHASES: Final = (Delete, Update, Insert)
"""A name that one document gives up can so be taken by another of the same batch."""


class ChangedMeanwhileError(ConflictError):
    """A document is no longer as the plan has seen it."""

    def __init__(self, what: str, event: ObjectId | None) -> None:
        hint = "nothing was written; look at it again and repeat the command"
        if event is not None:
            hint = f"what was written before stays (chatctl audit show {event}); repeat the command to finish it"
        super().__init__(what, hint)


class _NotAsExpectedError(Exception):
    """A write matched fewer documents than it should have."""


class Outcome(NamedTuple):
    """What came of a changeset: its event, none where nothing was left to do, and the plan that was carried out."""

    event: ObjectId | None
    changeset: Changeset


class Watch:
    """Whoever is told how a write goes on, and asked where it could go on otherwise; this one lets it."""

    def begins(self, event: ObjectId) -> None:
        """Hear under which event it is written, before the first batch."""

    def wrote(self, documents: int, total: int) -> None:
        """Hear how many documents are written, of how many, after each batch."""

    def waits(self) -> None:
        """Hear that another write is in the way, once it has been for a while."""

    def accepts(self, again: Changeset) -> bool:  # noqa: ARG002 - others look at it
        """Decide whether a plan made anew after a conflict may take the place of the first."""
        return True


UNWATCHED: Final = Watch()


def apply(changeset: Changeset, *, reason: str | None = None, watch: Watch = UNWATCHED) -> Outcome:
    """Carry out a changeset and leave its event in the audit trail.

    Raises `ConflictError` where a document was changed meanwhile, and what a rule of the changeset raises; the batch
    in which that happens is not written. What `connection.permit_write` refuses is refused for whoever comes here.
    """
    connection.permit_write()
    for _ in range(REPLANS):
        try:
            return Outcome(_carry_out(changeset, reason, watch), changeset)
        except ChangedMeanwhileError:
            if changeset.replan is None:
                raise
            again = changeset.replan()
            if again.changes_something and not watch.accepts(again):
                raise
            changeset = again
    return Outcome(_carry_out(changeset, reason, watch), changeset)


def _carry_out(changeset: Changeset, reason: str | None, watch: Watch) -> ObjectId | None:
    if not changeset.changes_something:
        return None
    refused = _create_indexes(connection.database(), changeset.indexes)
    with closing(_numbered(changeset.batches)) as batches:
        event = _write_batches(changeset, batches, reason, watch)
    if refused:
        raise PartialError(f"some indexes could not be made: {refused}", SEE_INDEXES)
    return event


def _write_batches(changeset: Changeset, batches: Iterator["_Numbered"], reason: str | None, watch: Watch) -> ObjectId:
    database = connection.database()
    first = next(batches, _Numbered(0, [], last=True))
    whole = connection.transactions() and first.last
    prepared = first.collections
    transactions.prepare(database, prepared, [rule.lock for rule in changeset.rules])
    event = Event(database, changeset, reason, whole=whole)
    watch.begins(event.id)
    done, total = 0, changeset.total
    with event.held():
        for batch in chain([first], batches):
            written = event.id if batch.number or not connection.transactions() else None
            if not batch.collections <= prepared:
                transactions.prepare(database, batch.collections, ())
                prepared |= batch.collections
            work = partial(_write_batch, database, changeset, event, batch)
            try:
                transactions.run(database, work, watch.waits)
            except _NotAsExpectedError:
                what = next(_changed(database, batch.changes, changeset.names), "something was changed meanwhile")
                raise ChangedMeanwhileError(what, written) from None
            except OperationFailure as error:
                if not _is_duplicate(error):
                    raise
                what = next(_taken(database, batch.changes), "a name is taken already")
                raise ChangedMeanwhileError(what, written) from None
            done += changeset.size(batch.changes)
            watch.wrote(done, total)
    return event.id


class _Numbered(NamedTuple):
    """A batch of a changeset, and whether more come behind it."""

    number: int
    changes: Batch
    last: bool

    @property
    def collections(self) -> set[str]:
        return {change.collection for change in self.changes}


def _numbered(batches: Iterable[Batch]) -> Generator[_Numbered]:
    """Give batches their numbers, made one ahead of the one that is written; empty ones are passed over."""
    number, held = 0, None
    for batch in filter(None, batches):
        if held is not None:
            yield _Numbered(number, held, last=False)
            number += 1
        held = batch
    if held is not None:
        yield _Numbered(number, held, last=True)


def _create_indexes(database: Database[dict[str, Any]], wanted: list[Index]) -> str:
    """Create indexes, and say which of them the server refused; raises `ConflictError` where it refused all."""
    found = [indexes.create(database, index) for index in wanted]
    refused = [f"{one.index.name} ({one.message})" for one in found if one.message]
    if refused and len(refused) == len(found):
        raise ConflictError(f"no index could be made: {', '.join(refused)}", SEE_INDEXES)
    return ", ".join(refused)


def _write_batch(
    database: Database[dict[str, Any]],
    changeset: Changeset,
    event: Event,
    batch: _Numbered,
    session: ClientSession | None,
) -> None:
    changes = batch.changes
    for rule in changeset.rules:
        transactions.take_turns(database, rule.lock, session)
        rule.check(session)
    if session is None and any(_children(database, changes, session)):
        raise _NotAsExpectedError  # looked for early too: nothing would take the deletion back
    event.record(batch.number, changes, session)
    _write(database, changes, session)
    if any(_children(database, changes, session)):
        raise _NotAsExpectedError
    if batch.last:
        event.end(session)


def _write(database: Database[dict[str, Any]], batch: list[Change], session: ClientSession | None) -> None:
    """Write a batch in at most three commands a collection."""
    for kind in PHASES:
        grouped: dict[str, list[Change]] = {}
        for change in batch:
            if isinstance(change, kind):
                grouped.setdefault(change.collection, []).append(change)
        for collection, changes in grouped.items():
            done = database[collection].bulk_write([change.operation() for change in changes], session=session)
            count = done.deleted_count + done.matched_count + done.inserted_count
            if count != sum(len(change.ids) for change in changes):
                raise _NotAsExpectedError


def _children(
    database: Database[dict[str, Any]], batch: list[Change], session: ClientSession | None
) -> Iterator[tuple[Owned, Any]]:
    """Find documents that stay and need one that goes, and its id: a child has no link that would conflict.

    A document that comes back under the same id, be it of another type, does not go.
    """
    deleted: dict[str, list[Any]] = {}
    come = {(change.collection, referred(change.ids[0])) for change in batch if isinstance(change, Insert)}
    for change in batch:
        if isinstance(change, Delete):
            deleted.setdefault(change.collection, []).append(change.document["_id"])
    for owned in OWNED:
        gone = [one for one in deleted.get(owned.parent, ()) if (owned.parent, referred(one)) not in come]
        if gone:
            staying = {"_id": {"$nin": deleted.get(owned.collection, [])}}
            where = joined(staying, to(database, owned.collection, owned.field, gone, session))
            if child := database[owned.collection].find_one(where, session=session):
                yield owned, referred(child[owned.field])


def _changed(database: Database[dict[str, Any]], batch: list[Change], names: Mapping[Any, str]) -> Iterator[str]:
    """Find out, when it is too late, what was in the way."""
    for change in batch:
        if isinstance(change, Insert):
            continue
        collection = database[change.collection]
        found = {document["_id"] for document in collection.find(change.filter(), {"_id": 1})}
        for identifier in (identifier for identifier in change.ids if identifier not in found):
            label = f"{change.collection.lower()} {names.get(identifier, identifier)}"
            there = collection.find_one({"_id": identifier}, {"_id": 1})
            yield f"{label} was changed meanwhile" if there else f"{label} is gone"
    for owned, identifier in _children(database, batch, None):
        label = f"{owned.parent.lower()} {names.get(identifier, identifier)}"
        yield f"{label} has got a {owned.collection.lower()} meanwhile"


def _taken(database: Database[dict[str, Any]], batch: list[Change]) -> Iterator[str]:
    """Find which unique value is taken; no two servers say it in the same words."""
    for change in batch:
        for _, fields in UNIQUE_INDEXES.get(change.collection, ()):
            values = _new_values(change)
            if all(field in values for field in fields):
                wanted = {field: values[field] for field in fields}
                there = database[change.collection].find_one({**wanted, "_id": {"$nin": list(change.ids)}}, {"_id": 1})
                if there:
                    yield f"{change.collection.lower()} {', '.join(map(readable_text, wanted.values()))} exists already"
        if isinstance(change, Insert) and database[change.collection].find_one(
            {"_id": change.document["_id"]}, {"_id": 1}
        ):
            yield f"{change.collection.lower()} {change.document['_id']} exists already"


def _new_values(change: Change) -> dict[str, Any]:
    if isinstance(change, Insert):
        return change.document
    if isinstance(change, Update):
        return {name: field.after for name, field in change.fields.items() if isinstance(field, Set)}
    return {}


def _is_duplicate(error: OperationFailure) -> bool:
    if isinstance(error, DuplicateKeyError):
        return True
    return isinstance(error, BulkWriteError) and any(
        write["code"] == DUPLICATE_KEY for write in error.details["writeErrors"]
    )
