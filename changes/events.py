"""The audit trail: who did what, when and why, and for a while what an undo needs.

An event is one `event` document, `part` documents with its changes, and, where it took several transactions, an `end`.
Invariant: events never change. They are only inserted; `users erase` blanks what they have of a person, and nothing
else in them is ever changed. While work in several transactions goes on, its lease is renewed; without a lease and
without an end it was interrupted.
"""

import getpass
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

from bson import Binary, ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import PyMongoError

from changes.change import Change
from changes.changeset import Changeset
from changes.images import encode_changes, orphans_in
from changes.trail_entries import cut, describe, lease_id, pages
from database import connection
from database.errors import ConflictError
from database.own_collections import AUDIT, IMAGES, STATE

LEASE_SECONDS: Final = 10
RENEWED_EVERY: Final = 3
NAMES_KEPT: Final = 1_000
"""In one document of the trail, for people to read it by after the named are gone."""


class TakenOverError(ConflictError):
    """Somebody has begun to undo what is still being written."""

    def __init__(self, event: ObjectId) -> None:
        super().__init__(f"event {event} was undone or ended meanwhile", f"see chatctl audit show {event}")


def now() -> datetime:
    """Return the time as it lies on disk: UTC, in milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def batches_written(event: ObjectId) -> int:
    """Count the written batches of an interrupted event, also a last one whose answer did not arrive."""
    with suppress(PyMongoError):
        return int((connection.database()[STATE].find_one({"_id": lease_id(event)}) or {}).get("batches", 0))
    return 0


def record_reading(command: str, reason: str | None, targets: Sequence[Any] = ()) -> None:
    """Leave an event that somebody has read something, and of what, before it is shown to them."""
    ids = [ObjectId(target) if ObjectId.is_valid(target) else target for target in targets]
    event = {**_head(ObjectId(), command, reason), "summary": [], "whole": True, "undoable": False}
    part = {"kind": "part", "event": event["_id"], "batch": 0, "targets": ids, "changes": [], "names": []}
    connection.database()[AUDIT].insert_many([event, *([part] if ids else [])])


class Event:
    """The event of one changeset while it is being carried out; `whole` says that one transaction holds all of it."""

    def __init__(
        self, database: Database[dict[str, Any]], changeset: Changeset, reason: str | None, *, whole: bool
    ) -> None:
        self.id = ObjectId()
        self._database = database
        self._whole = whole
        self._undoable = changeset.undoable
        self._itemised = changeset.itemised
        self._names = changeset.names
        self._head = _head(self.id, changeset.command, reason)
        self._head |= {"summary": changeset.summary(), "whole": whole, "undoable": changeset.undoable}
        self._head |= {"undoes": changeset.undoes} if changeset.undoes else {}
        self.recorded = 0
        """The number of batches recorded without a transaction: they stay if a later step fails."""

    def update_plan(self, changeset: Changeset) -> None:
        """Take the names and the summary of a newer plan, before its first batch is recorded."""
        self._names = changeset.names
        self._head["summary"] = changeset.summary()

    def record(self, number: int, batch: list[Change], session: ClientSession | None) -> None:
        """Insert what the trail keeps of a batch, before the batch itself is written.

        Invariant: a batch and its record are one transaction.
        """
        if not self._whole:
            self._count_batch(number, session)
        if session is None:
            self.recorded = number + 1
        listed = batch if self._itemised else ()
        pieces = [
            {
                "kind": "part",
                "event": self.id,
                "batch": number,
                "targets": list({identifier for entry in page for identifier in entry["ids"]}),
                "changes": page,
                "names": [{"id": named, "name": cut(self._names[named])} for named in _mentioned(page, self._names)],
            }
            for page in pages(entry for change in listed for entry in describe(change, values=self._undoable))
        ]
        if documents := [*([] if number else [dict(self._head)]), *pieces]:
            self._database[AUDIT].insert_many(documents, session=session)
        if self._undoable:
            parts = encode_changes(batch)
            image = {"event": self.id, "at": self._head["at"], "batch": number, "parts": len(parts)}
            if orphans := list(orphans_in(self._database, batch, session)):
                image["orphans"] = orphans
            for part, data in enumerate(parts):  # one at a time: a message to the server holds 48 MB
                self._database[IMAGES].insert_one({**image, "part": part, "data": Binary(data)}, session=session)

    def end(self, session: ClientSession | None) -> None:
        """Say that nothing more will come."""
        if not self._whole:
            self._database[AUDIT].insert_one({"kind": "end", "event": self.id, "at": now()}, session=session)
            self._database[STATE].delete_one({"_id": lease_id(self.id)}, session=session)

    @contextmanager
    def renewed_lease(self) -> Iterator[None]:
        """Renew the lease while work in several transactions goes on."""
        if self._whole:
            yield
            return
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEWED_EVERY):
                with suppress(PyMongoError):  # the next round tries again, and no batch is written without the lease
                    self._database[STATE].update_one({"_id": lease_id(self.id)}, {"$currentDate": {"renewed": True}})

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            with suppress(PyMongoError):  # work that stopped half-way is interrupted now, not when the lease runs out
                self._database[STATE].update_one({"_id": lease_id(self.id)}, {"$unset": {"renewed": ""}})

    def _count_batch(self, number: int, session: ClientSession | None) -> None:
        """Create the lease with the first batch; later batches write to it.

        Invariant: work without its lease stops. An undo of unfinished work deletes the lease first.
        """
        counted = self._database[STATE].update_one(
            {"_id": lease_id(self.id)},
            {"$currentDate": {"renewed": True}, "$inc": {"batches": 1}},
            upsert=number == 0,
            session=session,
        )
        if number and not counted.matched_count:
            raise TakenOverError(self.id)


def _head(identifier: ObjectId, command: str, reason: str | None) -> dict[str, Any]:
    head = {"_id": identifier, "kind": "event", "at": now(), "actor": actor(), "command": cut(command)}
    return head | ({"reason": reason} if reason else {})


def _mentioned(entries: list[dict[str, Any]], names: Mapping[Any, str]) -> list[Any]:
    """Return the ids in entries that have a name: those of documents and those in their lists."""
    ids = {identifier for entry in entries for identifier in entry["ids"]}
    for entry in entries:
        for row in entry["fields"]:
            for side in row.values():
                if isinstance(side, list):
                    ids.update(item for item in side if isinstance(item, ObjectId))
    return sorted(ids & names.keys(), key=str)[:NAMES_KEPT]


def actor() -> dict[str, str]:
    """Say who acts: by the system, by the database, and by their own claim."""
    names = {"host": socket.gethostname()}
    try:
        names["os"] = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        names["os"] = str(os.getuid())
    if user := connection.target().user:
        names["database"] = user
    if claimed := os.environ.get("CHATCTL_ACTOR"):
        names["claimed"] = claimed.encode(errors="replace").decode()  # a variable may hold bytes that are no text
    return names
