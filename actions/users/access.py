"""What users may do, and which of their roles give it to them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from bson import ObjectId

from actions import lookup, queries
from changes import Document, ids_in
from database import connection
from database.listing import Row
from database.references import referred
from models.user import UserStatus


class Role(NamedTuple):
    """A role, and the permissions it gives, by their names."""

    name: str
    permissions: list[str]


def roles(ids: Iterable[ObjectId]) -> dict[ObjectId, Role]:
    """Read roles with their permissions, by id; those that are gone are missing."""
    found = list(queries.find_by_ids("Role", ids, ["name", "permissionsIds"]))
    wanted = {item for role in found for item in ids_in(role, "permissionsIds")}
    permissions = queries.find_by_ids("Permission", wanted, ["name"])
    names = {referred(permission["_id"]): lookup.label(permission) for permission in permissions}
    return {
        referred(role["_id"]): Role(
            lookup.label(role), [names[item] for item in ids_in(role, "permissionsIds") if item in names]
        )
        for role in found
    }


def held(user: Document, known: Mapping[ObjectId, Role]) -> dict[str, list[str]]:
    """Return permission → the roles of a user that give it, both by name and in order."""
    given: dict[str, set[str]] = {}
    for item in ids_in(user, "rolesIds"):
        if item in known:
            for permission in known[item].permissions:
                given.setdefault(permission, set()).add(known[item].name)
    return {permission: sorted(given[permission]) for permission in sorted(given)}


def giving(permission: ObjectId) -> dict[ObjectId, str]:
    """Return the roles that give a permission: id → name."""
    found = connection.database()["Role"].find(queries.refers_to("Role", "permissionsIds", permission), ["name"])
    return {referred(role["_id"]): lookup.label(role) for role in found}


class Roles:
    """All roles: there are few, and what is none of them is no role that somebody could lose."""

    def __init__(self, documents: Iterable[Document]) -> None:
        named = ((document["_id"], document.get("name")) for document in documents)
        self.by_id = {identifier: name for identifier, name in named if isinstance(name, str)}
        self._by_name: dict[str, list[ObjectId]] = {}
        for identifier, name in self.by_id.items():
            self._by_name.setdefault(name, []).append(identifier)

    @classmethod
    def read(cls) -> "Roles":
        return cls(connection.database()["Role"].find({}, ["name"]))

    def names(self) -> Collection[str]:
        return self._by_name

    def ids(self, name: str) -> list[ObjectId]:
        return self._by_name.get(name, [])

    def of(self, names: Iterable[str]) -> Iterator[ObjectId]:
        """Return the ids of roles by their names, which have been looked at."""
        return (identifier for name in names for identifier in self.ids(name))


def can(ref: str, permission: str, *, ignore_status: bool = False) -> Row:
    """Say whether a user may do something: `{id, user, permission, allowed, why, through, wouldGive}`.

    `through` are the roles of the user that give the permission, `wouldGive` all roles that do. Who is suspended can
    nothing, unless the status is ignored.
    """
    user = lookup.find_user(ref, ("status", "rolesIds"))
    wanted = lookup.find_one("Permission", permission, ())
    roles_giving = giving(wanted["_id"])
    through = sorted({roles_giving[item] for item in ids_in(user, "rolesIds") if item in roles_giving})
    stopped = user.get("status") == UserStatus.SUSPENDED and not ignore_status
    return {
        "id": user["_id"],
        "user": lookup.user_label(user),
        "permission": lookup.label(wanted),
        "allowed": bool(through) and not stopped,
        "why": _why(lookup.user_label(user), through, roles_giving, stopped=stopped),
        "through": through,
        "wouldGive": sorted(roles_giving.values()),
    }


def _why(user: str, through: list[str], roles_giving: Mapping[ObjectId, str], *, stopped: bool) -> str:
    if stopped:
        return f"{user} is suspended"
    if through:
        return f"{user} has {', '.join(through)}"
    return f"{user} has no role that gives it" if roles_giving else "no role gives it"
