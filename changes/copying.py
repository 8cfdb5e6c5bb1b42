"""Write the documents of a copy into an empty database, as fast as the server accepts them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from bson import ObjectId
from pymongo.errors import BulkWriteError

from changes import transactions
from changes.changeset import Stream
from changes.events import Event
from database import connection, indexes
from database.errors import ConflictError, PartialError
from models.schema import FIELDS

if TYPE_CHECKING:
    from changes.applying import Watch
    from changes.changeset import Changeset

DUPLICATE_KEY: Final = 11000
BREAKS_A_RULE: Final = 121

Documents = Sequence[Any]
"""Documents as dicts, or as raw BSON."""


class CopyStream(Stream):
    """The documents of a copy: (collection, documents) for each batch. They are written without transactions.

    `counts` has the same meaning as in `Stream`. If `replaces` is true, the target has an unfinished copy, which is
    deleted first. `begins` is called before the first write, with the reason of the user. `checks` is called with the
    id of the audit event, before the first document is written. It raises an error if the target must not receive the
    copy any more.
    """

    def __init__(
        self,
        documents: Callable[[], Iterator[tuple[str, Documents]]],
        counts: Mapping[tuple[str, str], int],
        *,
        replaces: bool,
        begins: Callable[[str | None], None],
        checks: Callable[[ObjectId], None],
    ) -> None:
        super().__init__(lambda: iter(()), counts)
        self.documents = documents
        self.replaces = replaces
        self.begins = begins
        self.checks = checks


def carry_out(changeset: "Changeset", stream: CopyStream, reason: str | None, watch: "Watch") -> Event:
    """Write a copy into the target database, create its indexes, and return its audit event.

    The event has an end only if the copy is complete. Indexes are created last, because a server can then fill them
    faster. Raises `PartialError` if an index could not be created because the source has duplicate values.
    """
    database = connection.database()
    stream.begins(reason)
    transactions.prepare(database, (), ())
    event = Event(database, changeset, reason, whole=False)
    watch.begins(event.id)
    event.record(0, [], None)
    try:
        with event.renewed_lease():
            stream.checks(event.id)
            _write(event, changeset.total, stream, watch)
            found = indexes.create_all(database, changeset.indexes, watch.indexed)
            event.end(None)
    except BaseException as error:
        if not getattr(error, "hint", None):  # if the error has a hint, the note would replace it
            error.add_note(f"{database.name} is an unfinished copy. To start again, run the command with --replace.")
        raise
    if refused := [f"{one.index.name} ({one.message})" for one in found if one.message]:
        raise PartialError(
            f"all documents were copied, but some indexes could not be created: {', '.join(refused)}",
            "find the duplicate values with chatctl db check --rule duplicate-key",
        )
    return event


def _write(event: Event, total: int, stream: CopyStream, watch: "Watch") -> None:
    """Write the batches of a copy. While one batch is made, a thread writes the previous batch."""
    if stream.replaces:
        for collection in FIELDS:
            connection.database()[collection].delete_many({})
    written = 0
    with ThreadPoolExecutor(1) as writing:
        pending: Future[None] | None = None
        for number, (collection, documents) in enumerate(stream.documents(), 1):
            if pending:
                pending.result()
            event.record(number, [], None)
            pending = writing.submit(_insert, collection, documents)
            written += len(documents)
            watch.wrote(written, max(total, written))
        if pending:
            pending.result()


def _insert(collection: str, documents: Documents) -> None:
    try:
        connection.database()[collection].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        codes = {one["code"] for one in error.details["writeErrors"]}
        if codes == {DUPLICATE_KEY}:
            raise ConflictError(
                f"two documents of {collection} have the same value in a unique field",
                "use a target without indexes; find the documents with chatctl db check --rule duplicate-key",
            ) from None
        if codes == {BREAKS_A_RULE}:
            raise ConflictError(
                f"the target has a validation rule for {collection}, and documents of the source break it",
                "use a target without validation rules",
            ) from None
        raise
