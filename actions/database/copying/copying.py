"""Plan a copy of a database, or of a part of it, into another database that is empty."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import bson
from bson import CodecOptions, ObjectId
from bson.codec_options import DatetimeConversion
from bson.raw_bson import DEFAULT_RAW_BSON_OPTIONS
from pymongo.client_session import ClientSession
from pymongo.errors import ConfigurationError, OperationFailure

from actions import audit, lookup
from actions.database.copying import part
from actions.database.copying.disguise import Disguise
from actions.database.copying.part import Ids, Part, Wanted
from actions.errors import StillRunningError
from actions.rules import passwords
from changes import Changeset, Question, Result
from changes.copying import CopyStream, Documents
from changes.events import LEASE_SECONDS, batches_written, record_reading
from database import connection, contexts
from database.connection import Beside
from database.decoding import AS_STORED
from database.errors import ConflictError, RefusedError
from database.ids import Document
from database.indexes import APPLICATION
from database.listing import BATCH, Row
from database.own_collections import AUDIT, IMAGES, STATE
from database.prefetch import prefetched
from database.wording import counted, shown
from models.schema import FIELDS

ORDER: Final = ("Role", "Permission", "User", "Profile", "Account", "Conversation", "Message")
COMMAND: Final = "db copy"
HISTORY: Final = frozenset({AUDIT, IMAGES, STATE})
"""Own collections that may have documents in an empty database: chatctl db indexes --apply leaves an event."""
SNAPSHOT_TOO_OLD: Final = 239
OFTEN: Final = 0.5
"""The time between two checks whether a copy is still marked as running, in seconds."""

FAST: Final[CodecOptions[Document]] = CodecOptions(
    document_class=dict,
    unicode_decode_error_handler="replace",
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
)
"""The codec options for documents whose values are replaced: times have no zone, which is faster."""
RAW: Final[CodecOptions[Any]] = DEFAULT_RAW_BSON_OPTIONS
"""The codec options for documents that are copied byte by byte."""


@dataclass(frozen=True)
class Style:
    """How documents are copied: anonymous, or as they are (`as_is`). `password` is the new password of all users."""

    as_is: bool = False
    password: str | None = field(default=None, repr=False)


class Source:
    """The database that is copied, at one moment: later writes of other programs are not seen.

    This needs a server that can read a snapshot (MongoDB 5 in a replica set). Other servers show later writes too.
    """

    def __init__(self, beside: Beside, session: ClientSession | None) -> None:
        self.target = beside.target
        self.database = beside.database
        self.beside = beside
        self._session = session

    def count(self, collection: str, chosen: Part | None) -> int:
        with self.explaining():
            if chosen is None:
                return self.database[collection].estimated_document_count()
            if collection in chosen.ids:
                return len(chosen.ids[collection])
            return sum(len(chosen.take(collection, some)) for some in self._read(collection, {}, AS_STORED, ["userId"]))

    def batches(self, collection: str, chosen: Part | None, style: Style) -> Iterator[list[Any]]:
        """Yield the documents of a collection in batches. The documents of a whole copy as it is are raw bytes."""
        options = FAST if not style.as_is else RAW if chosen is None else AS_STORED
        with self.explaining():
            for documents in self._read(collection, chosen.where(collection) if chosen else {}, options):
                if taken := chosen.take(collection, documents) if chosen else documents:
                    yield taken

    def people(self) -> Ids:
        """Return the names of all users that can be names of fields, in lower case: also the names before an @."""
        fields = ["username", "name", "email"]
        with self.explaining():
            users = (user for some in self._read("User", {}, FAST, fields) for user in some)
            names = (name for user in users for field in fields if isinstance(name := user.get(field), str))
            return Ids(name.partition("@")[0].lower() for name in names)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Translate errors of the driver in this block, which come from the source."""
        with self.beside.explaining():
            try:
                yield
            except OperationFailure as error:
                if error.code != SNAPSHOT_TOO_OLD:
                    raise
                raise ConflictError(
                    f"{self.target.name} changed too much while it was copied",
                    "copy a part of it, or raise minSnapshotHistoryWindowInSeconds of the server",
                ) from None

    def _read(
        self, collection: str, where: Document, options: CodecOptions[Any], fields: Sequence[str] | None = None
    ) -> Iterator[list[Any]]:
        found: Iterator[Any] = self.database[collection].find_raw_batches(
            where, fields, batch_size=BATCH, session=self._session
        )
        return (bson.decode_all(raw, options) for raw in prefetched(found, 1))


@contextmanager
def planned(
    target: contexts.Context, wanted: Wanted, style: Style, *, replace: bool = False, writes: bool = True
) -> Iterator[Changeset]:
    """Plan to copy the target database of this run into another one, which becomes the target database.

    Yields the plan. The source can be read until the block ends. Without `replace`, an unfinished copy in the target is
    refused; with it, it is deleted first. With `writes`, a read-only target is refused.

    Raises `ConflictError` if the target is not empty, and `RefusedError` if it is protected or the source itself.
    """
    if style.password is not None:
        passwords.validate(style.password)
    if (copied := _last_copy()) and copied.get("state") == "interrupted":
        raise RefusedError(f"{connection.target().name} is an unfinished copy itself", "copy another database")
    with connection.beside() as beside, _snapshot(beside) as session:
        source = Source(beside, session)
        connection.choose_context(target)
        if writes:
            connection.permit_write()
        replaces = _check_target(source, replace=replace)
        with source.explaining():
            chosen = None if wanted.everything else part.choose(source.database, wanted)
        yield _changeset(source, target, chosen, style, replaces=replaces)


def wanted(users: int | None, since: datetime | None, conversations: Sequence[str]) -> Wanted:
    """Return what to copy. Raises the errors of a lookup for a conversation that does not exist."""
    found = lookup.find_all("Conversation", conversations, ["_id"])
    return Wanted(users, since, [one.document["_id"] for one in found])


def named_context(name: str) -> contexts.Context:
    return contexts.load().named(name)


def local_context(name: str) -> contexts.Context:
    """Return the context with this name for a database of the embedded server, which may be new.

    Raises `ConflictError` if another context has the name, and `InvalidInputError` for an invalid name.
    """
    context = contexts.Context(name, contexts.LOCAL, name)
    contexts.check(context)
    there = contexts.load().by_name.get(name, context)
    if (there.source, there.value) != (context.source, context.value):
        raise ConflictError(f"context {shown(name)} already exists", "choose another name")
    return there


def check_as_is(typed: str, *, reveal: bool) -> None:
    """Raise `RefusedError` if the target database must not be copied as it is.

    `typed` must be the name of this database, or of its protection if it has one. If messages are masked, `reveal` must
    be true.
    """
    marker = connection.marker()
    name = marker.name if marker else connection.target().name
    if typed != name:
        raise RefusedError(
            f'the database is "{name}", not {shown(typed)}', "--as-is copies personal data; it requires the right name"
        )
    if marker and marker.mask_bodies and not reveal:
        raise RefusedError("messages are masked in this database", "add --reveal --reason TEXT, or leave out --as-is")


@contextmanager
def _snapshot(beside: Beside) -> Iterator[ClientSession | None]:
    """Yield a session that reads the database as it is now. Yield None if the server has no snapshots."""
    with beside.explaining():
        session = beside.database.client.start_session(snapshot=True)
    with session:
        try:
            beside.database["User"].find_one({}, ["_id"], session=session)
        except (ConfigurationError, OperationFailure):
            yield None
        else:
            yield session


def _check_target(source: Source, *, replace: bool) -> bool:
    """Refuse a target that must not receive a copy. Return True if it has an unfinished copy that is replaced."""
    target, marker = connection.target(), connection.marker()
    if _is_source(source):
        raise RefusedError(f"the target is the database {target.name} itself", "choose another target")
    if marker:
        raise RefusedError(f'{target.name} is protected as "{marker.name}"', "choose an empty database as the target")
    if not (full := _collections_with_documents()):
        return False
    copied = _last_copy()
    if not copied or copied.get("state") == "done" or not FIELDS.keys() >= set(full):
        raise _not_empty(full)
    if copied.get("state") == "running":
        raise _still_running()
    if not replace:
        raise ConflictError(
            f"{target.name} is an unfinished copy", "to delete everything in it and start again, add --replace"
        )
    return True


def _check_still_empty(event: ObjectId, *, replaces: bool) -> None:
    """Refuse a target that another program has written to since `_check_target`.

    Two copies that begin at the same time see the events of each other here. `event` is the one of this copy.
    """
    copies = audit.find(command=COMMAND).rows()
    if any(one.get("state") == "running" and one["id"] != event for one in copies):
        raise _still_running()
    if not replaces and (full := _collections_with_documents()):
        raise _not_empty(full)


def _collections_with_documents() -> list[str]:
    database = connection.database()
    names = [name for name in sorted(database.list_collection_names()) if name not in HISTORY]
    return [name for name in names if not name.startswith("system.") and database[name].find_one({}, ["_id"])]


def _not_empty(full: Sequence[str]) -> ConflictError:
    name = connection.target().name
    return ConflictError(f"{name} is not empty: it has {', '.join(full)}", "choose an empty database")


def _still_running() -> StillRunningError:
    return StillRunningError(
        f"a copy into {connection.target().name} is still running", "run the command again after it has ended"
    )


def _is_source(source: Source) -> bool:
    """Tell whether the target is the database that is copied, also if their URLs differ."""
    if connection.target().name != source.target.name:
        return False
    with source.explaining():
        one = source.database.command("hello")
    other = connection.database().command("hello")
    same_process = _process(one) is not None and _process(one) == _process(other)
    same_set = one.get("setName") is not None and _members(one) == _members(other)
    return same_process or same_set


def _process(hello: Mapping[str, Any]) -> Any:
    return hello.get("topologyVersion", {}).get("processId")


def _members(hello: Mapping[str, Any]) -> tuple[Any, set[Any]]:
    return hello.get("setName"), set(hello.get("hosts", ()))


def _last_copy() -> Row | None:
    """Return the last event of a copy that wrote documents into the target database.

    Wait for a lease that a killed program has left.
    """
    until = time.monotonic() + LEASE_SECONDS + OFTEN
    while True:
        last = next(filter(_has_written, audit.find(command=COMMAND).rows()), None)
        if not last or last.get("state") != "running" or time.monotonic() > until:
            return last
        time.sleep(OFTEN)


def _has_written(copied: Row) -> bool:
    """Tell whether a copy may have written documents: its first batch is only its event."""
    return copied.get("state") != "interrupted" or batches_written(copied["id"]) > 1


def _changeset(
    source: Source, target: contexts.Context, chosen: Part | None, style: Style, *, replaces: bool
) -> Changeset:
    counts = {("insert", of): number for of in ORDER if (number := source.count(of, chosen))}
    name, total = source.target.name, counted(sum(counts.values()), "document")
    verb = "Delete the unfinished copy, and copy" if replaces else "Copy"
    how = f"--as-is {name}" if style.as_is else f"--from {name} --anonymize"
    return Changeset(
        f"{COMMAND} {how}",
        [Result(None, f"{of.lower()}s", "copied", f"{number:,}") for (_, of), number in counts.items()],
        CopyStream(
            lambda: _documents(source, chosen, style),
            counts,
            replaces=replaces,
            begins=lambda reason: _begin(source, target, style, reason),
            checks=lambda event: _check_still_empty(event, replaces=replaces),
        ),
        items=sum(counts.values()),
        asks=replaces,
        question=Question(f"{verb} {total} of {name}{' with all personal data' if style.as_is else ''}"),
        indexes=list(APPLICATION),
        notes=_notes(source, target, style),
        undoable=False,
        itemised=False,
        unproposable=("the target must be empty", None),
    )


def _documents(source: Source, chosen: Part | None, style: Style) -> Iterator[tuple[str, Documents]]:
    if style.as_is:
        hide: Callable[[str, list[Document]], list[Document]] = lambda _, documents: documents  # noqa: E731
    else:
        hide = Disguise(style.password and passwords.bcrypt_hash(style.password), source.people()).hide
    for collection in ORDER:
        for documents in source.batches(collection, chosen, style):
            yield collection, hide(collection, documents)


def _begin(source: Source, target: contexts.Context, style: Style, reason: str | None) -> None:
    """Record in the source that all its personal data is copied, and add the context of a new local database."""
    if style.as_is:
        into = connection.target()
        copied = f"copy all personal data to {into.name} on {into.host}"
        with source.explaining():
            record_reading(f"{COMMAND} --to {target.name} --as-is", reason, summary=[copied], source=source.beside)
    if target.local and target.name not in contexts.load().by_name:
        contexts.add(target)


def _notes(source: Source, target: contexts.Context, style: Style) -> list[str]:
    with source.explaining():
        others = sorted(set(source.database.list_collection_names()) - FIELDS.keys())
    others = [name for name in others if not name.startswith(("system.", "chatctl_"))]
    personal = "warning: the copy has all personal data, password hashes and tokens"
    return [
        *([personal] if style.as_is else []),
        *([f"not copied: {', '.join(others)}"] if others else []),
        f"to use the copy: add --context {target.name} to a command",
    ]
