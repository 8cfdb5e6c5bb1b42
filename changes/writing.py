"""Write a batch of changes with its audit record, or detect that a document was changed after the plan was made."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from changes import transactions
from changes.change import Add, Change, Delete, Document, FieldChange, Insert, Set, Take, Update
from changes.changeset import Changeset
from changes.draft import Batch
from changes.events import Event
from changes.id_lists import add_missing, take_present
from changes.operations import guard, operations
from changes.trail_entries import is_lease
from changes.visible_values import readable_text
from database import connection
from database.errors import ConflictError
from database.ids import any_of, equal
from database.own_collections import PROPOSALS
from database.references import joined, referred, referring_to
from models.links import OWNED, Owned
from models.schema import FIELDS, UNIQUE_INDEXES

DUPLICATE_KEY: Final = 11000
PHASES: Final = (Delete, Update, Insert)
"""The order in which the changes of a batch are written.

Invariant: deletes come before inserts. So a batch can delete a document and give its unique name to a new document.
"""
SHARD_KEYS: Final = {"Message": "conversationId", "Profile": "userId"}
"""Collection → the shard key that docs/scale.md recommends, if a command can change it."""
LOCK_FIELD: Final = "chatctl_held"
"""A transaction sets this field and removes it immediately, to lock a document. The field is never saved."""


class ChangedMeanwhileError(ConflictError):
    """The error if a document was changed after the plan was made."""

    def __init__(self, what: str, event: ObjectId | None) -> None:
        hint = "nothing was changed; check the current state, then run the command again"
        if event is not None:
            hint = f"earlier changes are saved (chatctl audit show {event}); run the command again to finish"
        super().__init__(what, hint)


class NotAsPlannedError(Exception):
    """An internal error: a write matched too few documents.

    If `taken` is true, another document already has a unique value of the batch.
    """

    def __init__(self, *, taken: bool = False) -> None:
        super().__init__()
        self.taken = taken


class NumberedBatch(NamedTuple):
    """A batch of an event with its number. `last` is true for the last batch of the event."""

    number: int
    changes: Batch
    last: bool


def number_batches(batches: Iterable[Batch], start: int) -> Generator[NumberedBatch]:
    """Yield each batch with its number, beginning with `start`. If there are no batches, yield one empty batch.

    The next batch is read before a batch is yielded, to know whether the batch is the last one.
    """
    number, held = start, None
    for batch in filter(None, batches):
        if held is not None:
            yield NumberedBatch(number, held, last=False)
            number += 1
        held = batch
    yield NumberedBatch(number, held or [], last=True)


def write(
    database: Database[dict[str, Any]],
    changeset: Changeset,
    event: Event,
    batch: NumberedBatch,
    session: ClientSession | None,
) -> None:
    """Check the rules, then write a batch and its audit record. After the last batch, record the end of the event.

    Raises `NotAsPlannedError` if a document is not as planned, and the errors of the rules.
    """
    changes = batch.changes
    for rule in changeset.rules:
        transactions.acquire(database, rule.lock, session)
        rule.check(session)
    if session is None and any(children_left(database, changes, session)):
        # Without a transaction, a deletion cannot be reversed, so the children are checked before the deletion.
        raise NotAsPlannedError
    event.record(batch.number, changes, session)
    try:
        _write(database, changes, session)
    except OperationFailure as error:
        if not _is_duplicate(error):
            raise
        raise NotAsPlannedError(taken=True) from None
    if any(children_left(database, changes, session)):
        raise NotAsPlannedError
    if batch.last:
        event.end(session)


def lock_documents(database: Database[dict[str, Any]], batch: Batch, session: ClientSession) -> None:
    """Lock the documents that a batch changes or deletes, until the transaction ends.

    Each document gets the field `LOCK_FIELD`, which is removed immediately. Without this lock, the write could fail
    again and again if another program often writes to one of these documents.
    """
    held: dict[str, list[Any]] = {}
    for change in batch:
        if not isinstance(change, Insert) and change.collection in FIELDS:
            held.setdefault(change.collection, []).extend(change.ids)
    for collection, ids in held.items():
        for operator in ("$set", "$unset"):
            database[collection].update_many({"_id": any_of(ids)}, {operator: {LOCK_FIELD: 1}}, session=session)


def describe_conflict(
    database: Database[dict[str, Any]], batch: Batch, names: Mapping[Any, str], error: NotAsPlannedError
) -> str:
    """Return a message that names the document that made a write fail. Call this function after the failure."""
    for change in batch:
        if change.collection == PROPOSALS and database[PROPOSALS].find_one({"_id": change.ids[0]}, {"_id": 1}):
            return "the proposal was decided while this command ran"
    if error.taken:
        return next(_taken(database, batch), "another document already has this unique value")
    return next(_changed(database, batch, names), "the data was changed while this command ran")


def merged(database: Database[dict[str, Any]], batch: Batch) -> Iterator[Change]:
    """Yield the changes of a batch, without the list changes that other programs have already made.

    For example, an id is not added to a list that contains it now. All other changes by other programs stay as they
    are.
    """
    for change in batch:
        lists = _lists(change)
        there = database[change.collection].find({"_id": any_of(change.ids)}, list(lists)) if lists else ()
        found = {document["_id"]: document for document in there}
        if not isinstance(change, Update) or not found:
            yield change
            continue
        for identifier in change.ids:
            fields: dict[str, FieldChange | None] = {**change.fields}
            if document := found.get(identifier):
                fields |= {
                    name: _still_needed(change.collection, document, name, field) for name, field in lists.items()
                }
            left = {name: field for name, field in fields.items() if field is not None}
            if left:
                yield Update(change.collection, (identifier,), left, change.expected)


def _lists(change: Change) -> dict[str, Add | Take]:
    """Return the list changes that another program may have made already: field → ids to add or remove."""
    fields = change.fields if isinstance(change, Update) else {}
    found = {name: field for name, field in fields.items() if not isinstance(field, Set)}
    return {name: field for name, field in found.items() if isinstance(field, Take) or not field.new}


def _still_needed(collection: str, there: Document, name: str, field: Add | Take) -> FieldChange | None:
    if isinstance(field, Take):
        return take_present(there, name, field.ids)
    return add_missing(collection, there, name, field.ids)


def _write(database: Database[dict[str, Any]], batch: list[Change], session: ClientSession | None) -> None:
    """Write the changes of a batch, with at most three commands for each collection, and one for each moved document.

    In a sharded cluster, an update of a shard key can move a document. Such an update must be the only update of its
    command.
    """
    for kind in PHASES:
        grouped: dict[str, list[Change]] = {}
        for change in batch:
            if isinstance(change, kind):
                grouped.setdefault(change.collection, []).append(change)
        for collection, changes in grouped.items():
            for part in _moves_apart(changes):
                done = database[collection].bulk_write(
                    [one for change in part for one in operations(change)], session=session
                )
                count = done.deleted_count + done.matched_count + done.inserted_count
                if count != sum(len(change.ids) for change in part):
                    raise NotAsPlannedError


def _moves_apart(changes: list[Change]) -> Iterator[Sequence[Change]]:
    """Divide the changes of one collection into commands: one for each moved document, and one for the rest."""
    moves: list[Update] = []
    others: list[Change] = []
    for change in changes:
        if (
            isinstance(change, Update)
            and SHARD_KEYS.get(change.collection) in change.fields
            and connection.is_sharded()
        ):
            moves.append(change)
        else:
            others.append(change)
    if others:
        yield others
    for change in moves:
        yield from ([replace(change, ids=(identifier,))] for identifier in change.ids)


def children_left(
    database: Database[dict[str, Any]], batch: list[Change], session: ClientSession | None
) -> Iterator[tuple[Owned, Any]]:
    """Yield deleted parents that still have a child: (kind of reference, id), at most one for each kind of reference.

    Invariant: a parent with children stays. A new child changes nothing in its parent, so no filter of a write would
    notice the child. A parent that is inserted again, with its id in any form, does not count as deleted.
    """
    deleted: dict[str, list[Any]] = {}
    come = {(change.collection, referred(change.ids[0])) for change in batch if isinstance(change, Insert)}
    for change in batch:
        if isinstance(change, Delete):
            deleted.setdefault(change.collection, []).append(change.document["_id"])
    for owned in OWNED:
        gone = [one for one in deleted.get(owned.parent, ()) if (owned.parent, referred(one)) not in come]
        if gone:
            leaving = [*deleted.get(owned.collection, ()), *_moved_children(batch, owned, gone)]
            staying = {"_id": {"$nin": leaving}}
            where = joined(staying, referring_to(database, owned.collection, owned.field, gone, session))
            if child := database[owned.collection].find_one(where, session=session):
                yield owned, referred(child[owned.field])


def _moved_children(batch: list[Change], owned: Owned, gone: list[Any]) -> Iterator[Any]:
    """Yield the ids of children that get a new parent. The new parent is not a deleted parent (`gone`)."""
    parents = list(map(referred, gone))
    for change in batch:
        field = change.fields.get(owned.field) if isinstance(change, Update) else None
        if change.collection == owned.collection and isinstance(field, Set) and referred(field.after) not in parents:
            yield from change.ids


def _changed(database: Database[dict[str, Any]], batch: list[Change], names: Mapping[Any, str]) -> Iterator[str]:
    for change in batch:
        if isinstance(change, Insert):
            continue
        collection = database[change.collection]
        found = {document["_id"] for document in collection.find(guard(change), {"_id": 1})}
        for identifier in (identifier for identifier in change.ids if identifier not in found):
            if is_lease(change):
                yield "another command continued or undid this event while this command ran"
                continue
            label = f"{change.collection.lower()} {names.get(identifier, identifier)}"
            there = collection.find_one({"_id": equal(identifier)}, {"_id": 1})
            yield f"{label} was changed while this command ran" if there else f"{label} no longer exists"
    for owned, identifier in children_left(database, batch, None):
        label = f"{owned.parent.lower()} {names.get(identifier, identifier)}"
        yield f"{label} got a new {owned.collection.lower()} while this command ran"


def _taken(database: Database[dict[str, Any]], batch: list[Change]) -> Iterator[str]:
    """Yield a message for each unique value of a batch that another document already has.

    The values are looked up in the database, because each server writes the error message in another way.
    """
    for change in batch:
        for _, fields in UNIQUE_INDEXES.get(change.collection, ()):
            values = new_values(change)
            if all(field in values for field in fields):
                wanted = {field: values[field] for field in fields}
                there = database[change.collection].find_one({**wanted, "_id": {"$nin": list(change.ids)}}, {"_id": 1})
                if there:
                    yield f"{change.collection.lower()} {', '.join(map(readable_text, wanted.values()))} already exists"
        if isinstance(change, Insert) and database[change.collection].find_one(
            {"_id": equal(change.document["_id"])}, {"_id": 1}
        ):
            yield f"{change.collection.lower()} {change.document['_id']} already exists"


def new_values(change: Change) -> dict[str, Any]:
    """Return the new values of a change: field → value."""
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
