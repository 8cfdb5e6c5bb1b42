"""List and show roles, and compare their permissions."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, Final

from bson import ObjectId

from actions import SORTABLE, lookup, queries
from actions.rules import lockout
from changes import Document
from changes.visible_values import readable, readable_text
from database import connection
from database.listing import Listing, Row
from database.references import ids_in, referred

LISTED: Final = ("name", "permissionsIds")


def find() -> Listing:
    """List roles: `{id, name, permissions: [names], members, protected}`."""
    return Listing("Role", {}, _rows, sortable=SORTABLE["roles"], fields=LISTED)


def show(ref: str) -> Row:
    """Describe one role, with the same fields as in `find`."""
    return _rows([lookup.find_one("Role", ref, LISTED)])[0]


def matrix() -> tuple[list[str], list[Row]]:
    """Return the names of all roles, and a row `{permission, roles}` for each permission.

    `roles` has names of roles.
    """
    database = connection.database()
    roles = list(database["Role"].find({}, {"name": 1, "permissionsIds": 1}).sort("name"))
    labels = Counter(map(lookup.label, roles))
    held = {
        # Without the unique index, two roles can have the same name. Then the id is added to both names.
        label if labels[label] == 1 else f"{label} ({role['_id']})": set(ids_in(role, "permissionsIds"))
        for role in roles
        if (label := lookup.label(role))
    }
    permissions = database["Permission"].find({}, {"name": 1}).sort("name")
    rows = [
        {
            "id": permission["_id"],
            "permission": lookup.label(permission),
            "roles": [name for name, ids in held.items() if referred(permission["_id"]) in ids],
        }
        for permission in permissions
    ]
    return list(held), rows


def diff(left: str, right: str) -> list[Row]:
    """Compare two roles. Return a row `{permission, role}` for each permission that only one of the two roles has."""
    one, other = lookup.find_one("Role", left, LISTED), lookup.find_one("Role", right, LISTED)
    sides = [(lookup.label(role), set(ids_in(role, "permissionsIds"))) for role in (one, other)]
    differing = sides[0][1] ^ sides[1][1]
    found = sorted(queries.find_by_ids("Permission", differing, ["name"]), key=lookup.label)
    return [
        {"id": permission["_id"], "permission": lookup.label(permission), "role": name}
        for permission in found
        for name, ids in sides
        if referred(permission["_id"]) in ids
    ]


def _rows(roles: list[Document], _: Collection[str] = ()) -> list[Row]:
    wanted = {item for role in roles for item in ids_in(role, "permissionsIds")}
    found = queries.find_by_ids("Permission", wanted, ["name"])
    names = {referred(permission["_id"]): permission.get("name") for permission in found}
    members = _count_members([role["_id"] for role in roles])
    protected = lockout.protected_roles()
    return [
        {
            "id": role["_id"],
            "name": readable(role.get("name")),
            "permissions": sorted(
                readable_text(names[item]) for item in ids_in(role, "permissionsIds") if item in names
            ),
            "members": members.get(role["_id"], 0),
            "protected": role["_id"] in protected,
        }
        for role in roles
    ]


def _count_members(ids: Iterable[ObjectId]) -> dict[ObjectId, int]:
    """Count the members of roles on the server, because the list of a role may have hundreds of thousands of ids."""
    users: Any = {"$cond": [{"$isArray": "$userIds"}, "$userIds", []]}
    pipeline: list[dict[str, Any]] = [{"$match": {"_id": {"$in": list(ids)}}}, {"$project": {"n": {"$size": users}}}]
    return {row["_id"]: row["n"] for row in connection.database()["Role"].aggregate(pipeline)}
