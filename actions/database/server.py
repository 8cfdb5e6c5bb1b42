"""Describe the database and its current user, protect it, create missing indexes, and stop the embedded server."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from pymongo.database import Database
from pymongo.errors import OperationFailure

from actions.rules.checked_changeset import checked_changeset
from changes import ABSENT, Changeset, Draft, Question, Result, events
from database import connection, indexes, local
from database.errors import InvalidInputError, RefusedError, is_refusal
from database.listing import Row
from database.own_collections import MARKER_ID, STATE, Marker, marker_document
from database.wording import shown
from models.names import EASY, HOW_EASY
from models.schema import FIELDS

T = TypeVar("T")


def status() -> Row:
    """Describe the database: server, version, topology, collections and missing indexes.

    If the database user has no right to read a value, the value is None and `notAllowed` names it.
    """
    database, target = connection.database(), connection.target()
    hello = database.command("hello")
    not_allowed: list[str] = []
    names = _if_allowed(lambda: sorted(database.list_collection_names()), "the names of collections", not_allowed)
    found = _if_allowed(lambda: list(indexes.inspect(database)), "indexes", not_allowed)
    return {
        "database": target.name,
        "server": target.host,
        "source": target.source,
        "readOnly": target.read_only,
        "version": _if_allowed(
            lambda: database.command("buildInfo").get("version"), "the server's version", not_allowed
        ),
        "topology": _topology(hello),
        "transactions": connection.transactions(),
        "collections": None if names is None else [_size_of(database, name, not_allowed) for name in names],
        "otherCollections": None if names is None else _misnamed(names),
        "indexesMissing": None if found is None else _index_names(found, "missing"),
        "indexesInConflict": None if found is None else _index_names(found, "conflict"),
        "local": local.status() if target.local else None,
        "protected": _if_allowed(_marker, "the marker of a protected database", not_allowed),
        "notAllowed": not_allowed,
    }


def whoami() -> Row:
    """Describe the current user, the target database, the user's roles on the server, and the database's protection."""
    database, target = connection.database(), connection.target()
    who, not_allowed = events.actor(), list[str]()
    roles = database.command("connectionStatus")["authInfo"]["authenticatedUserRoles"]
    marker = _if_allowed(_marker, "the marker of a protected database", not_allowed) or {}
    return {
        "user": who.get("database"),
        "systemUser": who["os"],
        "host": who["host"],
        "claimed": who.get("claimed"),
        "roles": sorted(f"{role['role']}@{role['db']}" for role in roles),
        "database": target.name,
        "server": target.host,
        "source": target.source,
        "readOnly": target.read_only,
        "protected": marker.get("name"),
        "maskBodies": marker.get("maskBodies", False),
        "auditReads": marker.get("auditReads", False),
        "twoPeople": marker.get("twoPeople", False),
        "notAllowed": not_allowed,
    }


def misnamed_collections(names: Iterable[str]) -> dict[str, str]:
    """Return misnamed collections that probably belong to the application: wrong name → right name.

    A wrong name is the right name in other upper or lower case, or the plural of the right name. A plural counts only
    if its collection has documents, and the collection with the right name is empty or missing.
    """
    right = {name.lower(): name for name in FIELDS}
    found = {}
    for name in sorted(set(names) - FIELDS.keys()):
        meant = right.get(name.lower()) or right.get(name.lower().removesuffix("s"))
        if meant and (name.lower() in right or (_is_empty(meant) and not _is_empty(name))):
            found[name] = meant
    return found


def _misnamed(names: Iterable[str]) -> list[Row]:
    return [{"name": name, "meant": meant} for name, meant in misnamed_collections(names).items()]


def _is_empty(collection: str) -> bool:
    """Tell whether a collection is empty. Return False if the database user has no right to read it."""
    return _if_allowed(lambda: connection.database()[collection].find_one({}, ["_id"]) is None, collection, []) or False


def _marker() -> Row | None:
    marker = connection.marker()
    if marker is None:
        return None
    guards = {"maskBodies": marker.mask_bodies, "auditReads": marker.audit_reads, "twoPeople": marker.two_people}
    return {"name": marker.name, **guards}


def list_indexes() -> list[Row]:
    """Return a row for each index that chatctl expects: `{name, collection, keys, unique, partial, state, message}`."""
    return [
        {
            "name": one.index.name,
            "collection": one.index.collection,
            "keys": [field if way > 0 else f"-{field}" for field, way in one.index.keys],
            "unique": bool(one.index.options.get("unique")),
            "partial": "partialFilterExpression" in one.index.options,
            "state": one.state,
            "message": one.message,
        }
        for one in indexes.inspect(connection.database())
    ]


def create_indexes() -> Changeset:
    """Plan the creation of the missing indexes.

    An existing index with a wrong name or wrong keys is reported, but not changed.
    """
    found = list(indexes.inspect(connection.database()))
    results = [
        Result(None, one.index.name, "created" if one.state == "missing" else "unchanged", one.message) for one in found
    ]
    return checked_changeset(
        "db indexes --apply",
        Draft(),
        results,
        indexes=[one.index for one in found if one.state == "missing"],
        notes=[
            f"{one.index.name} on {one.index.collection} is not changed: {one.message}" for one in found if one.message
        ],
        asks_about_many=False,
        undoable=False,
        question=Question("Create the missing indexes"),
    )


def stop() -> bool:
    """Stop the embedded server. Return False if it was not running."""
    return local.stop()


def take_turn(waits: Callable[[], None]) -> AbstractContextManager[None]:
    """Start the embedded server, and let only one tour (`chatctl demo`) run at a time.

    If another tour is running, call `waits` once, and then wait for the end of that tour.
    """
    connection.database()
    return local.turn(waits)


def _index_names(found: list[indexes.Finding], state: str) -> list[str]:
    return [f"{one.index.collection}.{one.index.name}" for one in found if one.state == state]


def _topology(hello: dict[str, Any]) -> str:
    if hello.get("msg") == "isdbgrid":
        return "sharded cluster"
    return f"replica set {hello['setName']}" if "setName" in hello else "standalone"


def _size_of(database: Database[dict[str, Any]], name: str, not_allowed: list[str]) -> Row:
    """Return `{name, count, bytes}` of a collection. This is fast, because the server stores both numbers."""
    sizes = _if_allowed(lambda: database.command("collStats", name), f"the size of {name}", not_allowed) or {}
    return {"name": name, "count": sizes.get("count"), "bytes": sizes.get("size")}


def _if_allowed(read: Callable[[], T], what: str, not_allowed: list[str]) -> T | None:
    """Call `read` and return its result.

    If the database user has no right to this, add `what` to `not_allowed` and return None.
    """
    try:
        return read()
    except OperationFailure as error:
        if not is_refusal(error.code, error):
            raise
        if what not in not_allowed:
            not_allowed.append(what)
        return None


def protect(name: str, *, mask_bodies: bool = False, audit_reads: bool = False, two_people: bool = False) -> Changeset:
    """Plan to mark the database as protected, or to change the name and the options of its protection.

    In a protected database, users type `name` to confirm a write. Raises `InvalidInputError` if this name is hard to
    type. Raises `RefusedError` for `two_people` in the embedded database, because that database has only one user.
    """
    if not EASY.fullmatch(name):
        raise InvalidInputError(f"{shown(name)} cannot be the name of a protected database", HOW_EASY)
    if two_people and connection.target().local:
        raise RefusedError("the embedded database has only one user, who cannot approve their own changes")
    wanted = marker_document(Marker(name, mask_bodies, audit_reads, two_people))
    draft = Draft()
    if found := connection.database()[STATE].find_one({"_id": MARKER_ID}):
        draft.set(STATE, found, {"twoPeople": ABSENT, **wanted})
    else:
        draft.insert(STATE, wanted)
    given = {"--mask-bodies": mask_bodies, "--audit-reads": audit_reads, "--two-people": two_people}
    options = [option for option, is_given in given.items() if is_given]
    question = Question(f'Protect this database as "{name}"')
    return _changeset(" ".join(["db protect", name, *options]), draft, name, "protected", question)


def unprotect() -> Changeset:
    """Plan to remove the protection of the database. If the database is not protected, nothing changes."""
    draft = Draft()
    found = connection.database()[STATE].find_one({"_id": MARKER_ID})
    if found:
        draft.delete(STATE, found)
    name = str((found or {}).get("name", connection.target().name))
    return _changeset("db unprotect", draft, name, "unprotected", Question("Remove the protection of this database"))


def _changeset(command: str, draft: Draft, name: str, outcome: str, question: Question) -> Changeset:
    result = Result(None, name, outcome if draft.changes else "unchanged", if_unchanged=f"already {outcome}")
    return checked_changeset(command, draft, [result], question=question)
