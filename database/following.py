"""Follow the changes of a collection with a change stream. If the server has no change streams, poll instead."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final, TypeVar

import pymongo
from bson import ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo import collection as driver
from pymongo.errors import OperationFailure, PyMongoError

from database import connection
from database.errors import DatabaseError

Document = dict[str, Any]
Say = Callable[[str], None]
T = TypeVar("T")

NO_STREAMS: Final = {59, 115, 303, 40573}
"""The error codes that servers without change streams return.

They mean: unknown command, not supported, unknown stage, no replica set.
"""
LOST: Final = {260, 280, 286}
"""The error codes when a change stream cannot continue.

The server has already deleted changes that chatctl has not read yet.
"""
AWAIT: Final = 1
"""The seconds that the server waits for a change before it sends an empty answer.

A poller waits for the same time between two polls.
"""
PATIENCE: Final = 5
"""After this number of seconds without an answer, the connection counts as lost."""
PAUSES: Final = (0.5, 30)
"""The shortest and the longest wait before an attempt to reconnect, in seconds. Each wait is twice the last one."""
OVERLAP: Final = timedelta(minutes=1)
"""The largest expected difference between the clocks of two programs that create ids."""
AT_ONCE: Final = 200
"""The largest number of ids in one filter."""


def lasting(read: Callable[[], Iterator[T | None]], say: Say) -> Iterator[T]:
    """Call `read` again and again, and yield its items. If the connection is lost, reconnect and continue.

    Each call of `read` must continue where the last call stopped. `read` yields None to show that the server answers.
    Raises an error if the server has never answered. Also raises an error if the embedded server has stopped, because
    this function does not start the server again.
    """
    answered, lost, pause = False, False, PAUSES[0]
    while True:
        try:
            for item in read():
                if lost:
                    say("connected again")
                answered, lost, pause = True, False, PAUSES[0]
                if item is not None:
                    yield item
        except (PyMongoError, DatabaseError) as error:
            connection.check_alive()
            failure = connection.explain(error)
            if not answered or not isinstance(failure, DatabaseError) or not failure.retryable:
                raise
            if not lost:
                say("connection lost, trying again")
            lost = True
        with pymongo.timeout(AWAIT):  # Closing the connection must not wait for a server that has stopped.
            connection.close()
        _wait(pause)
        pause = min(2 * pause, PAUSES[1])


def _wait(seconds: float) -> None:
    """Wait before the next attempt to reconnect.

    Raises `UnreachableError` if the embedded server of this run has stopped.
    """
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, AWAIT))
        connection.check_alive()


class Following:
    """Follow the changes of documents that match `where`, and yield the events of the change stream.

    Each call continues where the last call stopped, and yields None while there is no new event. `pipeline` filters the
    change stream. If the server has no change streams, this class polls for new documents. Polling finds only new
    documents, no other changes, and `say` tells the user so.
    """

    def __init__(self, collection: str, where: Document, pipeline: list[Document], say: Say) -> None:
        self._say = say
        self._stream = _Stream(collection, pipeline, say)
        self._looking = _Looking(collection, where)
        self._streams: bool | None = None

    def __call__(self) -> Iterator[Document | None]:
        if self._streams is None:
            self._settle(streams=connection.transactions())
        if self._streams:
            try:
                yield from self._stream()
            except OperationFailure as error:
                if error.code not in NO_STREAMS:
                    raise
            self._settle(streams=False)
        yield from self._looking()

    def _settle(self, *, streams: bool) -> None:
        self._streams = streams
        if not streams:
            self._say(
                "this server has no change streams: chatctl checks for new messages every second, "
                "and does not see redactions and deletions"
            )


class _Stream:
    def __init__(self, collection: str, pipeline: list[Document], say: Say) -> None:
        self._collection = collection
        self._pipeline = pipeline
        self._say = say
        self._place: Any = None

    def __call__(self) -> Iterator[Document | None]:
        while True:
            try:
                yield from self._watch()
                self._say("the collection was dropped or renamed; new messages are shown when it exists again")
            except OperationFailure as error:
                if self._place is None or error.code not in LOST:
                    raise
                self._place = None
                self._say("the server no longer has all changes since the connection was lost: messages may be missing")

    def _watch(self) -> Iterator[Document | None]:
        with connection.database()[self._collection].watch(
            self._pipeline, full_document="updateLookup", start_after=self._place, max_await_time_ms=int(AWAIT * 1000)
        ) as stream:
            self._place = self._place or stream.resume_token
            yield None
            while stream.alive:
                with pymongo.timeout(PATIENCE):
                    change = stream.try_next()
                yield dict(change) if change else None
                self._place = stream.resume_token


class _Looking:
    """Poll for new documents by their ids, for servers without change streams.

    An id contains the time on the client that created it. If the clock of a client is slow, a new id can be lower than
    a known id. Therefore each poll also reads the ids of the last minute, and leaves out the known ids.
    """

    def __init__(self, collection: str, where: Document) -> None:
        self._collection = collection
        self._where = where
        self._known: set[Any] | None = None
        self._last: ObjectId | None = None

    def __call__(self) -> Iterator[Document | None]:
        while True:
            where = {"_id": {"$gte": self._since()}}
            ids = [found["_id"] for found in self._documents.find(where, ["_id"], sort=[("_id", ASCENDING)])]
            if self._known is None:
                self._known = set(ids)
            yield None
            new = [identifier for identifier in ids if identifier not in self._known]
            for start in range(0, len(new), AT_ONCE):
                for identifier, change in self._read(new[start : start + AT_ONCE]):
                    yield change
                    self._known.add(identifier)
            self._known.intersection_update(ids)
            self._last = ids[-1] if ids else self._last
            time.sleep(AWAIT)

    def _read(self, ids: list[Any]) -> Iterator[tuple[Any, Document | None]]:
        found = self._documents.find({"$and": [{"_id": {"$in": ids}}, self._where]})
        documents = {document["_id"]: document for document in found}
        for identifier in ids:
            message = documents.get(identifier)
            key = {"_id": identifier}
            yield identifier, message and {"operationType": "insert", "documentKey": key, "fullDocument": message}

    def _since(self) -> ObjectId:
        """Return the lowest id to poll.

        It is one minute before the last known id, because clocks of clients may be slow.
        """
        if self._last is None:
            first = ObjectId(bytes(12))
            order = [("_id", DESCENDING)]
            last = self._documents.find_one({"_id": {"$gte": first}}, ["_id"], sort=order)
            if last is None:
                return first
            self._last = last["_id"]
        return ObjectId.from_datetime(min(self._last.generation_time, connection.clock()) - OVERLAP)

    @property
    def _documents(self) -> driver.Collection[Document]:
        return connection.database()[self._collection]
