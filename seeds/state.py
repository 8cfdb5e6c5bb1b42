"""Read the state of the database with which a seed is compared: roles, permissions, and chatctl's records."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bson import ObjectId

from actions.rules.lockout import PROTECTED
from changes import Document
from changes.visible_values import readable_text
from database import connection
from database.errors import ConflictError
from database.own_collections import STATE
from database.references import ids_in
from database.wording import shown

_AT_ONCE: Final = 1_000_000
"""The most documents that the server is asked to send in one reply. A reply also has at most 16 MiB."""


@dataclass
class State:
    """The roles and permissions of the database by id (some fields of each), and chatctl's records about them."""

    roles: dict[Any, Document]
    permissions: dict[Any, Document]
    protected: Document
    owned: Document
    """The record of what the seed has created. If the database has no records, `owned` and `protected` are empty."""
    recorded: set[str]
    """The `_id` values of the records that exist in the database.

    There are at most two records: `owned` and `protected`.
    """
    invalid_ids: dict[str, set[str]]
    """`role` or `permission` → names of documents whose `_id` is not an ObjectId. Such documents cannot be linked."""
    backlinks: dict[Any, set[Any]] = field(init=False)
    """Id of a role → ids of the permissions that list this role.

    The lists of the roles themselves are in `permissions_of`.
    """

    def __post_init__(self) -> None:
        self.backlinks = {}
        for identifier, permission in self.permissions.items():
            for role in ids_in(permission, "rolesIds"):
                self.backlinks.setdefault(role, set()).add(identifier)

    def permissions_of(self, role: Any) -> set[Any]:
        """Return the ids of the existing permissions that a role has."""
        return {
            identifier for identifier in ids_in(self.roles[role], "permissionsIds") if identifier in self.permissions
        }

    def name(self, identifier: Any) -> str:
        return readable_text(self.permissions[identifier].get("name"))


def read(seed: str) -> State:
    """Read all roles and permissions, and the records about a seed. The number of queries is fixed."""
    records = {
        PROTECTED: {"_id": PROTECTED, "ids": []},
        f"seed:{seed}": {"_id": f"seed:{seed}", "roles": [], "permissions": [], "users": []},
    }
    found = {record["_id"]: record for record in find(STATE, {"_id": {"$in": list(records)}})}
    protected, owned = (found.get(key, empty) for key, empty in records.items())
    roles = list(find("Role", {}, ["name", "permissionsIds"]))
    permissions = list(find("Permission", {}, ["name", "rolesIds"]))
    invalid_ids = {
        kind: {str(document.get("name")) for document in documents if not isinstance(document["_id"], ObjectId)}
        for kind, documents in (("role", roles), ("permission", permissions))
    }
    return State(by_id(roles), by_id(permissions), protected, owned, set(found), invalid_ids)


def permissions_by_role(names: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the permissions of the named roles: role → names. Roles that the database does not have are left out."""
    roles = list(find("Role", {"name": {"$in": list(names)}}, ["name", "permissionsIds"]))
    wanted = list({identifier for role in roles for identifier in ids_in(role, "permissionsIds")})
    permissions = by_id(find("Permission", {"_id": {"$in": wanted}}, ["name"]))
    return {
        role["name"]: frozenset(
            readable_text(permissions[identifier].get("name"))
            for identifier in ids_in(role, "permissionsIds")
            if identifier in permissions
        )
        for role in roles
    }


def find(collection: str, where: Document, fields: list[str] | None = None) -> Iterator[Document]:
    """Read documents with all fields or only `fields`, in as few replies of the server as possible."""
    return iter(connection.database()[collection].find(where, fields, batch_size=_AT_ONCE))


def by_id(documents: Iterable[Document]) -> dict[Any, Document]:
    return {document["_id"]: document for document in documents if isinstance(document["_id"], ObjectId)}


def by_name(state: State, kind: str) -> Callable[[str], Document | None]:
    """Return a function that finds a role or permission by name. If two have this name, it raises `ConflictError`."""
    named: dict[str, list[Document]] = {}
    for document in (state.roles if kind == "role" else state.permissions).values():
        if isinstance(document.get("name"), str):
            named.setdefault(document["name"], []).append(document)

    def one(name: str) -> Document | None:
        if name in state.invalid_ids[kind]:
            raise ConflictError(
                f"the id of the {kind} {shown(name)} is not an ObjectId",
                "repair it (chatctl db repair --rule wrong-type), rename it or delete it",
            )
        found = named.get(name, [])
        if len(found) > 1:
            listed = " and ".join(str(document["_id"]) for document in found)
            raise ConflictError(
                f"there are {len(found)} {kind}s with the name {shown(name)}: {listed}",
                "rename or delete all but one of them, by their ids",
            )
        return found[0] if found else None

    return one
