"""Refuse changes that would lose data that a legal hold keeps (held data).

Invariant: held data is never lost. Each batch is checked in its own transaction, so no command and no undo can forget
the check. The check first takes a lock. A command that places a hold takes the same lock. Therefore, if a hold is
placed while a command runs, each batch is either written completely before the hold, or checked against the hold.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

from bson import ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database

from changes import transactions
from changes.change import ABSENT, UNGUARDED, Change, Delete, Document, FieldChange, Insert, Set, Take, Update, same
from changes.changeset import Changeset, Stream
from changes.draft import BATCH
from changes.holds import KEPT, Held, Holds, read
from changes.trail_entries import entry_without_secrets
from changes.visible_values import name_of
from database import connection
from database.errors import ConflictError, RefusedError
from database.ids import any_of, id_text
from database.own_collections import AUDIT, HOLDS
from database.references import existing, ids_in, referred

LOCK: Final = "holds"
"""The name of the lock that two kinds of writes take: batches that could lose held data, and changes of legal holds."""

TEXTS: Final = frozenset({"body", "image"})
"""The fields of a held message whose values must not be lost."""

EMPTY: Final = (ABSENT, None, "")


class Loss(NamedTuple):
    """A loss of held data: a text that names the document, and the name of the hold."""

    what: str
    hold: str


class HeldError(RefusedError):
    """The error if a change would lose data that a legal hold keeps."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(f"{loss.what} is kept by the hold {loss.hold}", f"see chatctl holds show {loss.hold}")


class NameOfHoldTakenError(ConflictError):
    """The error if a new legal hold has the name of another hold."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the hold {name} already exists", f"see chatctl holds show {name}")


def needs_lock(changeset: Changeset, changes: Iterable[Change]) -> bool:
    """Tell whether changes could lose held data, or change the legal holds themselves."""
    return any(change.collection == HOLDS or _could_lose(changeset, change) for change in changes)


def first_loss(
    database: Database[Document],
    holds: Holds,
    changeset: Changeset,
    batch: list[Change],
    session: ClientSession | None,
) -> Loss | None:
    """Return the first loss of held data in a batch, or None if no held data would be lost.

    If the batch could lose held data, take the lock first.
    """
    if not needs_lock(changeset, batch):
        return None
    transactions.acquire(database, LOCK, session)
    _refuse_taken_names(database, batch, session)
    held = holds.read(database, session)
    return next(_Losses(database, changeset, held, session).of(batch), None) if held else None


def _refuse_taken_names(database: Database[Document], batch: list[Change], session: ClientSession | None) -> None:
    """Raise an error if a batch adds a legal hold whose name already exists.

    Approved proposals, saved plans and undos are checked in the same way.
    """
    for change in batch:
        if isinstance(change, Insert) and change.collection == HOLDS and "name" in change.document:
            name = change.document["name"]
            if database[HOLDS].find_one({"name": name}, ["_id"], session=session):
                raise NameOfHoldTakenError(name)


def refuse(changeset: Changeset) -> None:
    """Raise `HeldError` if a changeset would lose held data.

    If its kinds of changes cannot lose data, this function reads nothing.
    """
    if changeset.passing_over is not None or not _may_lose(changeset):
        return
    database = connection.database()
    if held := read(database):
        losses = _Losses(database, changeset, held, None)
        for batch in _losing_batches(changeset):
            if loss := next(losses.of(batch), None):
                raise HeldError(loss)


def _losing_batches(changeset: Changeset) -> Iterator[list[Change]]:
    if not isinstance(changeset.batches, Stream):
        yield from changeset.batches
        return
    losing = changeset.batches.losing()
    while some := list(islice(losing, BATCH)):
        yield some


def _may_lose(changeset: Changeset) -> bool:
    """Tell whether a changeset could lose held data.

    For a `Stream`, this depends only on the verbs and collections of its changes.
    """
    if not isinstance(changeset.batches, Stream):
        return any(_could_lose(changeset, change) for change in changeset.changes)
    kinds = changeset.batches.counts
    updated = {"Message", "Conversation", AUDIT} | (set() if changeset.undoable else KEPT.keys())
    return any(of in ({*KEPT, AUDIT} if verb == "delete" else updated) for verb, of in kinds if verb != "insert")


def _could_lose(changeset: Changeset, change: Change) -> bool:
    if isinstance(change, Delete):
        return change.collection in KEPT or change.collection == AUDIT
    return isinstance(change, Update) and any(
        _loses(changeset, change.collection, name, field) for name, field in change.fields.items()
    )


def _loses(changeset: Changeset, collection: str, name: str, field: FieldChange) -> bool:
    """Tell whether the change of a field would lose data if a legal hold keeps the document.

    Data is lost if a participant is removed from a conversation, if a conversation is removed from a user, or if a
    document gets another owner. In a message, data is lost if a field is removed, or if the text or the image changes.
    A hold finds the conversations of a user by `conversationIds`, so these ids are held data too. The change of any
    other field loses data only if the old value is kept neither in the audit trail nor for an undo.
    """
    if (collection, name) in {("Conversation", "userIds"), ("User", "conversationIds")}:
        return bool(_taken(field))
    if (collection, name) == (AUDIT, "changes"):
        return True
    if not isinstance(field, Set) or collection not in KEPT or field.before in EMPTY:
        return False
    if name in KEPT[collection]:
        return bool(referred(field.before) != referred(field.after))
    if collection != "Message":
        return not changeset.undoable and name not in UNGUARDED and not same(field.before, field.after)
    return field.after is ABSENT or (name in TEXTS and not same(field.before, field.after))


def _taken(field: FieldChange) -> set[Any]:
    """Return the ids that the change of a field removes from a list."""
    if isinstance(field, Take):
        return set(map(referred, field.ids))
    if not isinstance(field, Set):
        return set()
    before, after = (set(ids_in({"ids": value}, "ids")) for value in (field.before, field.after))
    return before - after


class _Losses(NamedTuple):
    """Finds the held documents that batches of a changeset would lose."""

    database: Database[Document]
    changeset: Changeset
    held: Held
    session: ClientSession | None

    def of(self, batch: list[Change]) -> Iterator[Loss]:
        """Yield the held documents that a batch would lose.

        Users come first, because an error names the first document.
        """
        losing = [change for change in batch if _could_lose(self.changeset, change)]
        again = {(one.collection, referred(one.ids[0])): one for one in batch if isinstance(one, Insert)}
        for users in (True, False):
            some = [change for change in losing if (change.collection == "User") is users]
            yield from self._updated([change for change in some if isinstance(change, Update)])
            yield from self._deleted([change for change in some if isinstance(change, Delete)], again)

    def _updated(self, updates: list[Update]) -> Iterator[Loss]:
        changed: dict[str, list[Any]] = {}
        for change in updates:
            if change.collection == AUDIT:
                yield from self._blanked(change)
            elif change.collection == "User" and self.changeset.undoable:
                changed.setdefault("Conversation", []).extend(self._conversations_left(change))
            elif not self._restores(change):
                changed.setdefault(change.collection, []).extend(change.ids)
        for collection, ids in changed.items():
            for identifier, hold in self.held.stored(self.database, collection, ids, self.session):
                yield Loss(self._label(collection, {"_id": identifier}), hold)

    def _conversations_left(self, change: Update) -> set[ObjectId]:
        """Return the existing conversations that a change removes from the list of a held user."""
        if not any(self.held.named("User", one) for one in change.ids):
            return set()
        return existing(self.database, "Conversation", _taken(change.fields["conversationIds"]), self.session)

    def _deleted(self, deletes: list[Delete], again: Mapping[tuple[str, Any], Insert]) -> Iterator[Loss]:
        records: list[Any] = []
        for change in deletes:
            if change.collection == AUDIT:
                records += change.ids
            elif hold := self._keeper(change, again.get((change.collection, referred(change.ids[0])))):
                yield Loss(self._label(change.collection, change.document), hold)
        if records:
            kept = self.database[AUDIT].find({"_id": any_of(records)}, ["event"], session=self.session)
            events = {one.get("event", one["_id"]) for one in kept}
            found = self.held.events(self.database, {"event": any_of(events)}, self.session)
            yield from (Loss(f"event {event}", hold) for event, hold in found.items())

    def _keeper(self, old: Delete, new: Insert | None) -> str | None:
        """Return the name of the hold that keeps a deleted document.

        If the batch inserts the same document again, return None.
        """
        if new is not None:
            names = old.document.keys() - {"_id"}
            fields = {name: Set(old.document[name], new.document.get(name, ABSENT)) for name in names}
            if not any(_loses(self.changeset, old.collection, name, field) for name, field in fields.items()):
                return None
        return self.held.keeper(old.collection, old.document)

    def _restores(self, change: Update) -> bool:
        """Tell whether an update is part of an undo and only restores the text or the image of a message.

        If this undo is undone, the text is removed again. For that second undo, the result is False.
        """
        if not (change.collection == "Message" and change.fields.keys() <= TEXTS):
            return False
        undos, event = 0, self.changeset.undoes
        while event is not None:
            undos += 1
            event = (self.database[AUDIT].find_one({"_id": event}, ["undoes"]) or {}).get("undoes")
        return undos % 2 == 1

    def _blanked(self, change: Update) -> Iterator[Loss]:
        """Yield a loss if a change removes held data from a part of the audit trail. A change may remove secrets."""
        field = change.fields.get("changes")
        before, after = (field.before, field.after) if isinstance(field, Set) else ([], [])
        lost = [old for old, new in zip(before, after, strict=True) if old != new and entry_without_secrets(old) != new]
        if lost and (hold := self.held.about(self.database, {"changes": lost}, self.session)):
            yield Loss(f"part {change.ids[0]} of the audit trail", hold)

    def _label(self, collection: str, document: Mapping[str, Any]) -> str:
        names = self.changeset.names
        name = name_of(collection, document) or names.get(document["_id"]) or id_text(document["_id"])
        return f"{collection.lower()} {name}"
