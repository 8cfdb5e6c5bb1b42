"""Permissions: list, create, rename and delete them."""

from collections.abc import Collection, Sequence
from typing import Final

from bson import ObjectId

from actions import SORTABLE, lookup, queries
from actions.rules import new_names
from actions.rules.checked_changeset import checked_changeset, replannable
from changes import Changeset, Document, Draft, Question, Result
from changes.visible_values import readable, readable_text
from database import connection
from database.listing import Listing, Row
from database.own_collections import STATE
from database.references import ids_in, referred
from database.wording import in_words

LISTED: Final = ("name", "rolesIds")


def find() -> Listing:
    """List permissions: `{id, name, roles: [names], users}`. `users` is the number of users who have the permission."""
    return Listing("Permission", {}, _rows, sortable=SORTABLE["permissions"], fields=LISTED)


def show(ref: str) -> Row:
    """Describe one permission, with the same fields as in `find`."""
    return _rows([lookup.find_one("Permission", ref, LISTED)])[0]


def create(names: Sequence[str]) -> Changeset:
    """Create permissions. They are not granted to any role. Raises `NameTakenError` if one of the names exists."""
    wanted = list(dict.fromkeys(names))
    new_names.validate("Permission", wanted)
    draft = Draft()
    results = []
    for name in wanted:
        permission: Document = {"_id": ObjectId(), "name": name, "rolesIds": []}
        draft.insert("Permission", permission)
        results.append(Result(permission["_id"], name, "created"))
    return checked_changeset(f"permissions create {in_words(wanted)}", draft, results)


def rename(ref: str, name: str) -> Changeset:
    """Rename a permission. Roles that have the permission keep it."""
    permission = lookup.find_one("Permission", ref, ())
    draft = Draft()
    command = f"permissions rename {lookup.label(permission)} {name}"
    question = Question(f"Rename permission {lookup.label(permission)} to {name}")
    if name != permission.get("name"):
        new_names.validate("Permission", [name])
        draft.set("Permission", permission, {"name": name})
    outcome = "renamed" if draft.changes else "unchanged"
    return checked_changeset(
        command, draft, [Result(permission["_id"], name, outcome, if_unchanged=new_names.SAME_NAME)], question=question
    )


@replannable(deletes=True)
def delete(refs: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Delete permissions, and remove them from roles."""
    found = lookup.find_all("Permission", refs, skip_missing=skip_missing)
    lookup.refuse_duplicate_ids("Permission", (one.document for one in found))
    ids = [referred(permission.document["_id"]) for permission in found]
    database = connection.database()
    roles = list(database["Role"].find(queries.refers_to("Role", "permissionsIds", *ids), ["name", "permissionsIds"]))
    draft = Draft()
    draft.take("Role", roles, "permissionsIds", ids)
    for permission in found:
        draft.delete("Permission", permission.document)
    for document in database[STATE].find({"permissions": {"$in": ids}}):
        draft.take(STATE, [document], "permissions", ids)
    results = [Result(permission.document["_id"], permission.ref, "deleted") for permission in found]
    command = f"permissions delete {in_words([permission.ref for permission in found])}"
    return checked_changeset(command, draft, [*results, *found.missing], asks=True)


def _rows(permissions: list[Document], _: Collection[str] = ()) -> list[Row]:
    wanted = {item for permission in permissions for item in ids_in(permission, "rolesIds")}
    found = queries.find_by_ids("Role", wanted, ["name", "userIds"])
    roles = {referred(role["_id"]): (readable_text(role.get("name")), ids_in(role, "userIds")) for role in found}
    rows = []
    for permission in permissions:
        having = [roles[item] for item in ids_in(permission, "rolesIds") if item in roles]
        rows.append(
            {
                "id": permission["_id"],
                "name": readable(permission.get("name")),
                "roles": sorted(name for name, _ in having),
                "users": len({user for _, users in having for user in users}),
            }
        )
    return rows
