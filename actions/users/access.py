"""The roles of users, and the permissions that these roles grant."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from bson import ObjectId

from actions import lookup, queries
from changes import Document
from database import connection
from database.listing import Row
from database.references import ids_in, referred
from models.values import UserStatus


class Role(NamedTuple):
    """The name of a role and the names of its permissions."""

    name: str
    permissions: list[str]


def read_roles(ids: Iterable[ObjectId]) -> dict[ObjectId, Role]:
    """Read roles with their permissions: id → role. Ids without an existing role are left out."""
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


def permissions_of(user: Document, roles: Mapping[ObjectId, Role]) -> dict[str, list[str]]:
    """Return the permissions of a user: name of the permission → the user's roles that grant it. Both are sorted."""
    given: dict[str, set[str]] = {}
    for item in ids_in(user, "rolesIds"):
        if item in roles:
            for permission in roles[item].permissions:
                given.setdefault(permission, set()).add(roles[item].name)
    return {permission: sorted(given[permission]) for permission in sorted(given)}


def roles_giving(permission: ObjectId) -> dict[ObjectId, str]:
    """Return the roles that grant a permission: id → name."""
    found = connection.database()["Role"].find(queries.refers_to("Role", "permissionsIds", permission), ["name"])
    return {referred(role["_id"]): lookup.label(role) for role in found}


class AllRoles:
    """The names and ids of all roles. If the unique index is missing, two roles can have the same name."""

    def __init__(self, documents: Iterable[Document]) -> None:
        named = ((document["_id"], document.get("name")) for document in documents)
        self.by_id = {identifier: name for identifier, name in named if isinstance(name, str)}
        self._by_name: dict[str, list[ObjectId]] = {}
        for identifier, name in self.by_id.items():
            self._by_name.setdefault(name, []).append(identifier)

    @classmethod
    def read(cls) -> "AllRoles":
        """Read all roles from the database."""
        return cls(connection.database()["Role"].find({}, ["name"]))

    def names(self) -> Collection[str]:
        """Return all names of roles."""
        return self._by_name

    def ids_named(self, name: str) -> list[ObjectId]:
        """Return the ids of the roles that have this name."""
        return self._by_name.get(name, [])

    def ids_of(self, names: Iterable[str]) -> Iterator[ObjectId]:
        """Yield the ids of the roles with these names. Each name must exist."""
        return (identifier for name in names for identifier in self.ids_named(name))


def can(ref: str, permission: str, *, ignore_status: bool = False) -> Row:
    """Say whether a user has a permission: `{id, user, permission, allowed, why, suspended, through, wouldGive}`.

    `through` lists the roles of the user that grant the permission. `wouldGive` lists all roles that grant it. A
    suspended user has no permission, unless `ignore_status` is true.
    """
    user = lookup.find_user(ref, ("status", "rolesIds"))
    wanted = lookup.find_one("Permission", permission, ())
    giving = roles_giving(wanted["_id"])
    through = sorted({giving[item] for item in ids_in(user, "rolesIds") if item in giving})
    stopped = user.get("status") == UserStatus.SUSPENDED and not ignore_status
    return {
        "id": user["_id"],
        "user": lookup.user_label(user),
        "permission": lookup.label(wanted),
        "allowed": bool(through) and not stopped,
        "why": _why(lookup.user_label(user), through, giving, stopped=stopped),
        "suspended": stopped,
        "through": through,
        "wouldGive": sorted(giving.values()),
    }


def ways_to_allow(ref: str, answer: Row) -> Iterator[list[str]]:
    """Yield the commands that would give a user a permission that `can` has denied. A command is a list of words.

    `answer` is the result of `can`. If no role grants the permission, no command is returned. If several roles grant
    it, the command with the role that has the fewest permissions is returned.
    """
    giving = answer["wouldGive"]
    if giving and answer["suspended"]:
        yield ["chatctl", "users", "reinstate", ref]
    if giving and not answer["through"]:
        roles = connection.database()["Role"].find({"name": {"$in": giving}}, ["name", "permissionsIds"]).sort("name")
        least = min(roles, key=lambda role: len(ids_in(role, "permissionsIds")), default={"name": giving[0]})
        yield ["chatctl", "users", "grant", ref, "--role", least["name"]]


def _why(user: str, through: list[str], giving: Mapping[ObjectId, str], *, stopped: bool) -> str:
    if stopped:
        return f"{user} is suspended"
    if through:
        return f"{user} has this permission through {', '.join(through)}"
    return f"{user} has no role that grants this permission" if giving else "no role grants this permission"
