"""Run transactions: create the collections that they need, take locks, and try again after conflicts."""

import random
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import NetworkTimeout, OperationFailure, PyMongoError

from database import connection, indexes
from database.errors import ConflictError
from database.own_collections import AUDIT, IMAGES, STATE

WRITE_CONFLICT: Final = 112
PATIENCE: Final = 120
"""A transaction with conflicts is tried again for this number of seconds. The driver has the same limit.

A server needs 60 seconds to end the transaction of a client that was killed, and to release its locks.
"""
UNEXPLAINED_WAIT: Final = 2
"""After this number of seconds, the user is told that this write waits for another write."""
UNCERTAIN: Final = (
    "the last change may or may not be saved: check chatctl --local audit list --limit 1, then run the command again"
)

Work = Callable[[ClientSession | None], None]
T = TypeVar("T")


class BusyError(ConflictError):
    """The error if a transaction had conflicts with other writes for too long."""

    def __init__(self) -> None:
        super().__init__(
            f"other writes kept changing the same documents for {PATIENCE} seconds",
            "run the command again later; changes that are already saved stay",
        )


def prepare(database: Database[dict[str, Any]], collections: Iterable[str], locks: Iterable[str]) -> None:
    """Create the missing collections (with their indexes) and locks, because a transaction cannot create them."""
    missing = {AUDIT, IMAGES, STATE, *collections} - set(database.list_collection_names())
    for name in sorted(missing):
        indexes.create_collection(database, name)
    for lock in locks:
        database[STATE].update_one({"_id": f"lock:{lock}"}, {"$setOnInsert": {"turns": 0}}, upsert=True)


def acquire(database: Database[dict[str, Any]], lock: str, session: ClientSession | None) -> None:
    """Take a lock in a transaction. Other transactions that need the same lock wait until this transaction has ended.

    Invariant: a rule takes its lock before it reads. To take a lock is a write, because two writes of the same document
    conflict, and two reads do not.
    """
    database[STATE].update_one({"_id": f"lock:{lock}"}, {"$inc": {"turns": 1}}, session=session)


def run(database: Database[dict[str, Any]], work: Work, waits: Callable[[], None]) -> None:
    """Call `work` in a transaction, and call it again after each conflict.

    If the server has no transactions, call `work` without a transaction. `waits` is called once if other writes delay
    this transaction for a long time. Some servers do not mark the error of a conflict as retryable. Therefore the error
    code is checked too.
    """
    if not connection.transactions():
        work(None)
        return
    began = time.monotonic()
    said = False

    def attempt(session: ClientSession) -> None:
        nonlocal said
        connection.check_alive()
        if not said and time.monotonic() - began > UNEXPLAINED_WAIT:
            said = True
            waits()
        work(session)
        _commit(session, began + PATIENCE)

    with database.client.start_session() as session:
        while True:
            try:
                session.with_transaction(attempt)
            except PyMongoError as error:
                if not _is_write_conflict(error):
                    raise
                if isinstance(error, NetworkTimeout) or time.monotonic() - began > PATIENCE:
                    raise BusyError from None
                time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - not a secret
            else:
                return


def reading_in(session: ClientSession | None, read: Callable[[], T]) -> T:
    """Call the function `read`, so that all its queries belong to the transaction of `session`.

    The function does not need an argument for the session.
    """
    if session is None:
        return read()
    try:
        with session.bind(end_session=False):
            return read()
    except PyMongoError as error:
        # The driver retries if the error has certain labels. A bound session removes the labels; the original error has
        # them.
        raise (error.__context__ if isinstance(error.__context__, PyMongoError) else error) from None


def _commit(session: ClientSession, deadline: float) -> None:
    """Commit a transaction, and repeat the commit while its result is unknown.

    Raise an error if the server is the embedded server and has stopped.
    """
    while True:
        try:
            session.commit_transaction()
        except PyMongoError as error:
            connection.check_alive(UNCERTAIN)
            if not error.has_error_label("UnknownTransactionCommitResult") or time.monotonic() > deadline:
                raise
        else:
            return


def _is_write_conflict(error: BaseException | None) -> bool:
    if isinstance(error, NetworkTimeout):  # the driver raises this error when it stops retrying after conflicts
        error = error.__cause__
    if not isinstance(error, OperationFailure):
        return False
    writes = (error.details or {}).get("writeErrors", ())
    return WRITE_CONFLICT in (error.code, *(write.get("code") for write in writes))
