"""Roles, permissions and changesets for tests, and a function that returns all stored documents."""

from typing import Any

from bson import ObjectId
from pymongo.database import Database

from changes import Changeset, Draft, Outcome, apply, events, undoing

Documents = Database[dict[str, Any]]


COLLECTIONS = ("User", "Role", "Permission")


def changeset(draft: Draft) -> Changeset:
    return Changeset("a test", [], draft.batches, names=draft.names)


def carry_out(draft: Draft) -> Outcome:
    return apply(changeset(draft))


def undo(database: Documents, event: ObjectId, *, force: bool = False) -> Outcome:
    batches = undoing.inverse(database, events.read(database, event), force=force)
    return apply(Changeset("an undo", [], batches, undoes=event))


def role(name: str = "support", **fields: Any) -> dict[str, Any]:
    return {"_id": ObjectId(), "name": name, "userIds": [], "permissionsIds": [], **fields}


def permission(name: str = "user.read", **fields: Any) -> dict[str, Any]:
    return {"_id": ObjectId(), "name": name, "rolesIds": [], **fields}


def stored(database: Documents) -> dict[str, list[dict[str, Any]]]:
    """Return the documents of users, roles and permissions.

    Lists of ids are sorted, because their order does not matter.
    """
    return {
        name: [
            {field: sorted(value) if ids(value) else value for field, value in document.items()}
            for document in database[name].find().sort("_id")
        ]
        for name in COLLECTIONS
    }


def ids(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, ObjectId) for item in value)
