"""The indexes that the database should have: compare them with the existing indexes, and create the missing ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure

from database.own_collections import AUDIT, IMAGES, PROPOSALS
from models.schema import UNIQUE_INDEXES

IMAGES_ARE_KEPT: Final = 30 * 24 * 60 * 60
"""The server deletes an image (the data for an undo) or a proposal after this time, in seconds."""

NAMESPACE_EXISTS: Final = 48
REFUSALS: Final = {
    67: "the shard key of the collection does not allow this unique index: see docs/scale.md",
    85: "another index conflicts with it",
    86: "another index conflicts with it",
    11000: "two documents have the same value",
}
"""Error code when the server refuses to create an index → the reason, as users read it."""


class Index(NamedTuple):
    """An index that should exist. `options` are options of the server command `createIndexes`."""

    collection: str
    name: str
    keys: tuple[tuple[str, int], ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """An index and its `state`: `present`, `missing` or `conflict`. For a conflict, `message` has the reason."""

    index: Index
    state: str
    message: str | None = None


def _partial(collection: str, name: str, *fields: str, direction: int = ASCENDING) -> Index:
    """Describe an index of chatctl.

    Each index of chatctl is a partial index, because `prisma db push` drops all other indexes that it does not know.
    """
    keys = tuple((field, direction) for field in fields)
    return Index(collection, f"chatctl_{name}", keys, {"partialFilterExpression": {fields[0]: {"$exists": True}}})


APPLICATION: Final = tuple(
    Index(collection, name, tuple((field, ASCENDING) for field in fields), {"unique": True})
    for collection, indexes in UNIQUE_INDEXES.items()
    for name, fields in indexes
)
"""The unique indexes of the application.

Their names must be exact, because the application searches for the names in MongoDB's error messages.
"""

QUERIES: Final = (
    _partial("User", "created", "createdAt", "_id"),
    _partial("User", "status", "status", "_id"),
    _partial("User", "last_login", "lastLogin", "_id"),
    _partial("User", "roles", "rolesIds", "_id"),
    _partial("Account", "user", "userId"),
    _partial("Account", "provider", "provider", "userId"),
    _partial("Conversation", "last_message", "lastMessageAt", "_id", direction=DESCENDING),
    _partial("Conversation", "name", "name"),
    _partial("Conversation", "users", "userIds"),
    _partial("Message", "created", "createAt", "_id", direction=DESCENDING),
    _partial("Message", "conversation", "conversationId", "createAt", "_id", direction=DESCENDING),
    _partial("Message", "sender", "senderId", "createAt", "_id", direction=DESCENDING),
)
"""The indexes that make the queries of chatctl fast. The queries also work without these indexes."""

RECORDS: Final = (
    Index(AUDIT, "chatctl_event", (("event", ASCENDING),), {}),
    Index(AUDIT, "chatctl_targets", (("targets", ASCENDING),), {}),
    Index(AUDIT, "chatctl_undoes", (("undoes", ASCENDING),), {}),
    Index(IMAGES, "chatctl_event", (("event", ASCENDING),), {}),
    Index(IMAGES, "chatctl_at", (("at", ASCENDING),), {"expireAfterSeconds": IMAGES_ARE_KEPT}),
    Index(PROPOSALS, "chatctl_at", (("at", ASCENDING),), {"expireAfterSeconds": IMAGES_ARE_KEPT}),
)
"""The indexes of chatctl's own collections: the audit trail, the images for undos, and the proposals."""


def inspect(database: Database[dict[str, Any]]) -> Iterator[Finding]:
    """Compare each expected index with the existing indexes: the name, the keys in their order, and the options."""
    wanted = (*APPLICATION, *QUERIES, *RECORDS)
    there = {
        name: database[name].index_information() if name in database.list_collection_names() else {}
        for name in dict.fromkeys(index.collection for index in wanted)
    }
    for index in wanted:
        yield _compare(index, there[index.collection])


def create(database: Database[dict[str, Any]], index: Index) -> Finding:
    """Create an index, and its collection if necessary.

    If the server refuses to create the index, `message` of the result gives the reason.
    """
    try:
        database[index.collection].create_index(list(index.keys), name=index.name, **index.options)
    except OperationFailure as error:
        if error.code not in REFUSALS:
            raise
        return Finding(index, "conflict", REFUSALS[error.code])
    return Finding(index, "present")


def create_all(
    database: Database[dict[str, Any]], wanted: Sequence[Index], progress: Callable[[int, int], None]
) -> list[Finding]:
    """Create indexes with one command per collection. If the server refuses a command, create its indexes one by one.

    One command for all indexes of a collection is faster, because some servers wait before each command. `progress` is
    called with the number of finished indexes and the number of all indexes.
    """
    groups: dict[str, list[Index]] = {}
    for index in wanted:
        groups.setdefault(index.collection, []).append(index)
    found: list[Finding] = []
    for collection, group in groups.items():
        progress(len(found), len(wanted))
        try:
            database[collection].create_indexes([_model(index) for index in group])
            found += [Finding(index, "present") for index in group]
        except OperationFailure as error:
            if error.code not in REFUSALS:
                raise
            found += [create(database, index) for index in group]
    return found


def create_collection(database: Database[dict[str, Any]], name: str) -> None:
    """Create a collection with the indexes that it must have from the beginning.

    One command creates the collection and its indexes. So even after a crash, the collection never exists without them.
    """
    wanted = [index for index in (*APPLICATION, *RECORDS) if index.collection == name]
    if wanted:
        database[name].create_indexes([_model(index) for index in wanted])
        return
    try:
        database.create_collection(name)
    except CollectionInvalid:
        return  # another program has created the collection
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:
            raise


def _model(index: Index) -> IndexModel:
    return IndexModel(list(index.keys), name=index.name, **index.options)


def _compare(index: Index, there: Mapping[str, Any]) -> Finding:
    if (same_name := there.get(index.name)) is not None:
        flaw = _flaw(index, same_name)
        return Finding(index, "conflict", f"{index.name} {flaw}") if flaw else Finding(index, "present")
    for name, other in there.items():
        if _keys(other) == index.keys:
            lax = " but is not unique" if _is_lax(index, other) else ""
            return Finding(index, "conflict", f"the index {name} has the same key{lax}")
    return Finding(index, "missing")


def _flaw(index: Index, other: Mapping[str, Any]) -> str | None:
    """Say what is wrong with an existing index that has the right name. Return None if the index is right."""
    if _keys(other) != index.keys:
        return "has different keys"
    if _is_lax(index, other):
        return "is not unique"
    if any(other.get(option) != value for option, value in index.options.items()):
        return "has different options"
    is_partial = "partialFilterExpression" in other
    return (
        "does not cover all documents"
        if other.get("sparse") or is_partial > ("partialFilterExpression" in index.options)
        else None
    )


def _is_lax(index: Index, other: Mapping[str, Any]) -> bool:
    """Tell whether an existing index allows duplicate values although it should be unique."""
    return bool(index.options.get("unique")) and not other.get("unique")


def _keys(index: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    return tuple((field, int(way)) for field, way in index["key"])
