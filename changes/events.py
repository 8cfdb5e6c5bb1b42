"""The audit trail (who changed what, when and why), and the images, which have the data for an undo.

An event is the record of one write. It is stored as one document of the kind `event`, and documents of the kind `part`
with the changes. If the write needs several transactions, there is also a document of the kind `end`. Invariant: events
never change. They are only inserted. The one exception is `users erase`, which removes the data of a person from
events. While a write with several transactions is running, its lease (a document in `chatctl_state`) is renewed. If the
event of such a write has no `end` and no valid lease, the write was interrupted.

An image has the changes of one batch with all values, and is kept for 30 days. The image also lists the orphans:
deleted documents whose parent did not exist before the event. An undo restores a document without its parent only if
the document is in this list.
"""

import getpass
import os
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import bson
from bson import Binary, ObjectId
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import PyMongoError

from changes.change import ABSENT, Add, Change, Delete, Document, FieldChange, Insert, Set, Take, Update
from changes.trail_entries import cut, describe, lease_id, pages
from database import connection
from database.decoding import AS_STORED
from database.errors import ConflictError
from database.ids import any_of
from database.own_collections import AUDIT, IMAGES, STATE
from database.references import existing, reference
from models.links import OWNED

if TYPE_CHECKING:
    from changes.changeset import Changeset
    from database.connection import Beside, Target

LEASE_SECONDS: Final = 10
RENEWED_EVERY: Final = 3
NAMES_KEPT: Final = 1_000
"""The largest number of names in one document of the audit trail.

The names tell people which documents the ids mean, even after these documents are deleted.
"""


class TakenOverError(ConflictError):
    """The error if another command ends the event of a running write, or starts to undo this event."""

    def __init__(self, event: ObjectId) -> None:
        super().__init__(f"event {event} was undone or ended while this command ran", f"see chatctl audit show {event}")


def now() -> datetime:
    """Return the current time with the precision of MongoDB: UTC, in milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def new_id() -> ObjectId:
    """Make the id of an event: seconds (4 bytes), a fraction of a second (2 bytes), and random bytes (6).

    The first digits of two such ids differ, so users can type short ids. Two ObjectIds from the same process and second
    differ only in their last digits.
    """
    second, nanoseconds = divmod(time.time_ns(), 10**9)
    return ObjectId(struct.pack(">IH", second, (nanoseconds << 16) // 10**9) + os.urandom(6))


def batches_written(event: ObjectId) -> int:
    """Return the number of batches that an interrupted write has written.

    The number is stored in the lease of the write. It includes the last batch, even if the server's answer to this
    batch was lost.
    """
    with suppress(PyMongoError):
        return int((connection.database()[STATE].find_one({"_id": lease_id(event)}) or {}).get("batches", 0))
    return 0


def record_reading(
    command: str,
    reason: str | None,
    targets: Sequence[Any] = (),
    plan_key: Document | None = None,
    *,
    summary: Sequence[str] = (),
    source: "Beside | None" = None,
) -> None:
    """Record in the audit trail that protected data is read. Call this function before the data is shown.

    `targets` are the ids of the documents that are read. `plan_key` is the key of a plan that is saved in a file.
    `summary` are lines for the person who reads the trail. `source` is the database that is read, if it is not the
    target database: it gets the event.
    """
    ids = [ObjectId(target) if ObjectId.is_valid(target) else target for target in targets]
    who = actor(source.target if source else None)
    event = {**_head(new_id(), command, reason, who), "summary": list(summary), "whole": True, "undoable": False}
    event |= {"planKey": plan_key} if plan_key else {}
    part = {"kind": "part", "event": event["_id"], "batch": 0, "targets": ids, "changes": [], "names": []}
    trail = (source.database if source else connection.database())[AUDIT]
    trail.insert_many([event, *([part] if ids else [])])


class Event:
    """The audit event of a changeset that is being written. If `whole` is true, one transaction writes all batches."""

    def __init__(
        self, database: Database[dict[str, Any]], changeset: "Changeset", reason: str | None, *, whole: bool
    ) -> None:
        self.id = new_id()
        self._database = database
        self._whole = whole
        self._undoable = changeset.undoable
        self._itemised = changeset.itemised
        self._names = changeset.names
        self._head = _head(self.id, changeset.command, reason, actor())
        self._head |= {"summary": changeset.summary(), "whole": whole, "undoable": changeset.undoable}
        self._head |= {"undoes": changeset.undoes} if changeset.undoes else {}
        self._head |= {"approves": changeset.approves} if changeset.approves else {}
        self._head |= {"planKey": changeset.plan_key} if changeset.plan_key else {}
        self._targets = changeset.targets
        self.recorded = 0
        """The number of batches that were recorded without a transaction. These records stay if a later step fails."""

    def update_plan(self, changeset: "Changeset") -> None:
        """Use the names and the summary of a new plan. Call this function before the first batch is recorded."""
        self._names = changeset.names
        self._head["summary"] = changeset.summary()

    def record(self, number: int, batch: list[Change], session: ClientSession | None) -> None:
        """Insert the audit record and the image of a batch. Call this before the batch itself is written.

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
                "targets": list({identifier for entry in page for identifier in entry["ids"]}.union(self._targets)),
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
            # The parts are inserted one by one, because a message to the server can have at most 48 MB.
            for part, data in enumerate(parts):
                self._database[IMAGES].insert_one({**image, "part": part, "data": Binary(data)}, session=session)

    def end(self, session: ClientSession | None) -> None:
        """Record that all batches of the event are written."""
        if not self._whole:
            self._database[AUDIT].insert_one({"kind": "end", "event": self.id, "at": now()}, session=session)
            self._database[STATE].delete_one({"_id": lease_id(self.id)}, session=session)

    @contextmanager
    def renewed_lease(self) -> Iterator[None]:
        """Renew the lease regularly until the `with` block ends.

        The lease shows that a write in several transactions is running.
        """
        if self._whole:
            yield
            return
        over = threading.Event()

        def renew() -> None:
            while not over.wait(RENEWED_EVERY):
                with suppress(PyMongoError):
                    # If this renewal fails, the next round tries again. No batch is written without the lease.
                    self._database[STATE].update_one({"_id": lease_id(self.id)}, {"$currentDate": {"renewed": True}})

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            with suppress(PyMongoError):
                # a lease without a time shows other programs immediately that an unfinished write was interrupted
                self._database[STATE].update_one({"_id": lease_id(self.id)}, {"$unset": {"renewed": ""}})

    def _count_batch(self, number: int, session: ClientSession | None) -> None:
        """Count a batch in the lease of the event. The first batch creates the lease.

        Invariant: work without its lease stops. A command that undoes unfinished work deletes the lease first. Then
        this function raises `TakenOverError` in the process that does the work.
        """
        counted = self._database[STATE].update_one(
            {"_id": lease_id(self.id)},
            {"$currentDate": {"renewed": True}, "$inc": {"batches": 1}},
            upsert=number == 0,
            session=session,
        )
        if number and not counted.matched_count:
            raise TakenOverError(self.id)


def plan_keys(database: Database[Document], plan: ObjectId) -> list[bytes]:
    """Read the keys of the digests of a plan. There is more than one if other people have added events for the plan.

    A value that is not a key is left out: people who may add events can add any document.
    """
    ids = [part.get("event") for part in database[AUDIT].find({"kind": "part", "targets": plan}, ["event"])]
    found = database[AUDIT].find({"_id": any_of(ids), "planKey.plan": plan}, ["planKey"])
    entries = (event["planKey"] for event in found)
    return [bytes(one["key"]) for one in entries if isinstance(one, dict) and isinstance(one.get("key"), bytes)]


def _head(identifier: ObjectId, command: str, reason: str | None, who: dict[str, str]) -> dict[str, Any]:
    head = {"_id": identifier, "kind": "event", "at": now(), "actor": who, "command": cut(command)}
    return head | ({"reason": reason} if reason else {})


def _mentioned(entries: list[dict[str, Any]], names: Mapping[Any, str]) -> list[Any]:
    """Return the ids in audit entries that have a name in `names`.

    These are the ids of changed documents, and the ids in lists of these documents.
    """
    ids = {identifier for entry in entries for identifier in entry["ids"]}
    for entry in entries:
        for row in entry["fields"]:
            for side in row.values():
                if isinstance(side, list):
                    ids.update(item for item in side if isinstance(item, ObjectId))
    return sorted(ids & names.keys(), key=str)[:NAMES_KEPT]


def actor(target: "Target | None" = None) -> dict[str, str]:
    """Return who runs the command: host, user of the operating system, database user, and the name in CHATCTL_ACTOR.

    `target` is the database with the database user, by default the target database of this run.
    """
    names = {"host": socket.gethostname()}
    try:
        names["os"] = getpass.getuser()
    except (KeyError, OSError):  # in a container, the user may have a number and no name
        names["os"] = str(os.getuid())
    if user := (target or connection.target()).user:
        names["database"] = user
    if claimed := os.environ.get("CHATCTL_ACTOR"):
        names["claimed"] = claimed.encode(errors="replace").decode()  # the variable may contain bytes that are not text
    return names


def identity() -> dict[str, str]:
    """Return the user of the operating system (`system`), and the database users if there is a sign-in (`database`).

    This does not depend on environment variables. The result of `actor` does.
    """
    signed_in = connection.database().command("connectionStatus")["authInfo"]["authenticatedUsers"]
    users = sorted(f"{user['user']}@{user['db']}" for user in signed_in)
    return {"system": system_user(), **({"database": ", ".join(users)} if users else {})}


def system_user() -> str:
    """Return the name of the user of the operating system. If the user has no name, return the number."""
    if os.name != "posix":
        return getpass.getuser()
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container, the user may have a number and no name
        return str(os.getuid())


PART_BYTES: Final = 8 * 1024 * 1024
"""The size limit for one document with an image (the data for the undo of a batch), in bytes.

A larger image is divided into several documents.
"""


def encode_changes(changes: Iterable[Change]) -> list[bytes]:
    """Encode changes with all their values as BSON, in parts that each fit into one document."""
    data = bson.encode({"changes": [_encoded(change) for change in changes]}, codec_options=AS_STORED)
    return [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]


def decode_changes(parts: Iterable[bytes]) -> list[Change]:
    """Decode the parts that `encode_changes` has returned, and return the changes."""
    return [_decoded(entry) for entry in bson.decode(b"".join(parts), AS_STORED)["changes"]]


def _encoded(change: Change) -> Document:
    if not isinstance(change, Update):
        return {"op": type(change).__name__, "collection": change.collection, "document": change.document}
    fields = [[name, _kind(field), *_sides(field)] for name, field in change.fields.items()]
    return {"op": "Update", "collection": change.collection, "ids": list(change.ids), "fields": fields}


def _kind(field: FieldChange) -> str:
    return "Set" if isinstance(field, Set) else type(field).__name__


def _sides(field: FieldChange) -> list[Any]:
    if not isinstance(field, Set):
        return [list(field.ids), *([True] if field.bare else [])]
    # An empty list means that the field was absent. None cannot mean this, because null is a possible value.
    return [[] if value is ABSENT else [value] for value in (field.before, field.after)]


def _decoded(entry: Document) -> Change:
    if entry["op"] != "Update":
        return (Insert if entry["op"] == "Insert" else Delete)(entry["collection"], entry["document"])
    return Update(
        entry["collection"], tuple(entry["ids"]), {name: _decoded_field(*rest) for name, *rest in entry["fields"]}
    )


def _decoded_field(kind: str, *sides: Any) -> FieldChange:
    if kind == "Set":
        before, after = (side[0] if side else ABSENT for side in sides)
        return Set(before, after)
    ids, *bare = sides
    return (Add if kind == "Add" else Take)(tuple(ids), bare=bool(bare))


def read(database: Database[dict[str, Any]], event: ObjectId) -> list[list[Change]]:
    """Read the written batches of an event from its images. If an image is missing, return an empty list.

    Invariant: half an image undoes nothing. The audit trail says which batches must have an image.
    """
    parts: dict[int, list[bytes]] = {}
    missing = set(database[AUDIT].distinct("batch", {"event": event, "kind": "part"}))
    for image in database[IMAGES].find({"event": event}).sort([("batch", 1), ("part", 1)]):
        held = parts.setdefault(image["batch"], [])
        held.append(image["data"])
        if len(held) == image["parts"]:
            missing.discard(image["batch"])
    return [] if missing else [decode_changes(data) for _, data in sorted(parts.items())]


def orphans_in(database: Database[Document], batch: list[Change], session: ClientSession | None) -> Iterator[Document]:
    """Yield `{collection, id, field}` for each document that a batch deletes and whose parent does not exist.

    `field` is the field with the id of the parent. Call this function before the batch is written.
    """
    for owned in OWNED:
        deleted = [
            change.document for change in batch if isinstance(change, Delete) and change.collection == owned.collection
        ]
        parents = {one["_id"]: parent for one in deleted if (parent := reference(one, owned.field))}
        there = existing(database, owned.parent, parents.values(), session)
        for child, parent in parents.items():
            if parent not in there:
                yield {"collection": owned.collection, "id": child, "field": owned.field}


def recorded_orphans(database: Database[Document], event: ObjectId) -> set[tuple[str, Any, str]]:
    """Return (collection, id, field) of each document that had no parent when the event deleted it."""
    found = database[IMAGES].find({"event": event, "orphans": {"$exists": True}}, {"orphans": 1})
    return {(orphan["collection"], orphan["id"], orphan["field"]) for image in found for orphan in image["orphans"]}
