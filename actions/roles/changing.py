"""Create, copy, rename and delete roles, and change their permissions."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from bson import ObjectId

from actions import lookup, queries
from actions.rules import new_names
from actions.rules.checked_changeset import checked_changeset, replannable
from changes import Changeset, Document, Draft, Question, Result
from changes.draft import BATCH
from database import connection
from database.own_collections import STATE
from database.references import ids_in, referred
from database.wording import in_words
from models.links import ROLE_PERMISSIONS

OUTCOMES: Final = {"grant": "granted", "revoke": "revoked"}


def create(name: str, permissions: Sequence[str] = ()) -> Changeset:
    """Create a role with these permissions and without members. Raises `NameTakenError` if the name exists."""
    new_names.validate("Role", [name])
    granted = _permissions(permissions)
    return _create("roles create", name, granted, [name, *(f"--permission {lookup.label(p)}" for p in granted)])


def copy(ref: str, name: str) -> Changeset:
    """Create a role with the same permissions as another role, but without the members of that role."""
    role = lookup.find_one("Role", ref, ("name", "permissionsIds"))
    new_names.validate("Role", [name])
    granted = list(queries.find_by_ids("Permission", ids_in(role, "permissionsIds"), ["name", "rolesIds"]))
    question = Question(f"Copy role {lookup.label(role)} to {name}")
    return _create("roles copy", name, granted, [lookup.label(role), name], question)


def rename(ref: str, name: str) -> Changeset:
    """Rename a role. Its members and permissions are kept."""
    role = lookup.find_one("Role", ref, ())
    command = f"roles rename {lookup.label(role)} {name}"
    question = Question(f"Rename role {lookup.label(role)} to {name}")
    draft = Draft()
    if name != role.get("name"):
        new_names.validate("Role", [name])
        draft.set("Role", role, {"name": name})
    outcome = "renamed" if draft.changes else "unchanged"
    return checked_changeset(
        command, draft, [Result(role["_id"], name, outcome, if_unchanged=new_names.SAME_NAME)], question=question
    )


@replannable(deletes=True)
def delete(refs: Sequence[str], *, skip_missing: bool = False, allow_last_member: bool = False) -> Changeset:
    """Delete roles, and remove them from users and permissions.

    Raises `LastMemberError` for a protected role that has an active member.
    """
    roles = lookup.find_all("Role", refs, skip_missing=skip_missing)
    lookup.refuse_duplicate_ids("Role", (one.document for one in roles))
    ids = [referred(role.document["_id"]) for role in roles]
    users, permissions = (
        list(connection.database()[name].find(queries.refers_to(name, "rolesIds", *ids), [called, "rolesIds"]))
        for name, called in (("User", "username"), ("Permission", "name"))
    )
    draft = Draft()
    for role in roles:
        _delete(draft, role.document, users, permissions)
    _delete_from_records(draft, ids)
    results = [Result(role.document["_id"], role.ref, "deleted") for role in roles]
    command = f"roles delete {in_words([role.ref for role in roles])}"
    return checked_changeset(command, draft, [*results, *roles.missing], allow_last_member=allow_last_member, asks=True)


@replannable()
def grant(ref: str, permissions: Sequence[str]) -> Changeset:
    """Give a role permissions."""
    return _change_permissions("grant", ref, permissions)


@replannable()
def revoke(ref: str, permissions: Sequence[str]) -> Changeset:
    """Remove permissions from a role."""
    return _change_permissions("revoke", ref, permissions)


def _permissions(refs: Sequence[str]) -> list[Document]:
    return [found.document for found in lookup.find_all("Permission", refs, ("rolesIds",))]


def _create(
    verb: str, name: str, permissions: list[Document], words: list[str], question: Question | None = None
) -> Changeset:
    draft = Draft()
    role: Document = {
        "_id": ObjectId(),
        "name": name,
        "userIds": [],
        "permissionsIds": [referred(permission["_id"]) for permission in permissions],
    }
    draft.insert("Role", role)
    draft.add("Permission", permissions, "rolesIds", [role["_id"]])
    result = Result(role["_id"], name, "created")
    return checked_changeset(" ".join([verb, *words]), draft, [result], question=question)


def _change_permissions(verb: str, ref: str, refs: Sequence[str]) -> Changeset:
    role = lookup.find_one("Role", ref, ("permissionsIds",))
    found = lookup.find_all("Permission", refs, ("rolesIds",))
    permissions = [permission.document for permission in found]
    granting = verb == "grant"
    held = _have_link(role, permissions, all if granting else any)
    draft = Draft()
    (draft.link if granting else draft.unlink)(ROLE_PERMISSIONS, [role], permissions)
    why = f"role {lookup.label(role)} {'already has it' if granting else 'does not have it'}"
    outcomes = ["unchanged" if had is granting else OUTCOMES[verb] for had in held]
    results = [
        Result(permission.document["_id"], permission.ref, outcome, if_unchanged=why)
        for permission, outcome in zip(found, outcomes, strict=True)
    ]
    command = f"roles {verb} {lookup.label(role)} {in_words([permission.ref for permission in found])}"
    rest = f"{'to' if granting else 'from'} role {lookup.label(role)}"
    question = Question(verb.capitalize(), "Permission", rest)
    return checked_changeset(command, draft, results, asks=not granting, question=question)


def _have_link(role: Document, permissions: list[Document], sides: Callable[[Iterable[bool]], bool]) -> list[bool]:
    """Tell for each permission whether the role has it.

    The role and the permission both store the link. If `sides` is `all`, both documents must list each other. If
    `sides` is `any`, it is enough that one of them lists the other.
    """
    held = set(ids_in(role, "permissionsIds"))
    identifier = referred(role["_id"])
    return [
        sides((referred(permission["_id"]) in held, identifier in ids_in(permission, "rolesIds")))
        for permission in permissions
    ]


def _delete(draft: Draft, role: Document, users: list[Document], permissions: list[Document]) -> None:
    """Delete a role and its links.

    One batch changes at most a thousand members. The last batch deletes the role.
    """
    identifier = referred(role["_id"])
    members = [user for user in users if identifier in ids_in(user, "rolesIds")]
    granted = [permission for permission in permissions if identifier in ids_in(permission, "rolesIds")]
    while len(members) > BATCH:
        some, members = members[:BATCH], members[BATCH:]
        draft.reserve(BATCH)
        draft.take("User", some, "rolesIds", [role["_id"]])
        draft.take("Role", [role], "userIds", [user["_id"] for user in some])
    draft.reserve(len(members) + len(granted) + 1)
    draft.take("User", members, "rolesIds", [role["_id"]])
    draft.take("Permission", granted, "rolesIds", [role["_id"]])
    draft.delete("Role", role)


def _delete_from_records(draft: Draft, ids: list[ObjectId]) -> None:
    """Remove deleted roles from chatctl's records: the protected roles, and the roles of each seed."""
    for document in connection.database()[STATE].find({"$or": [{"ids": {"$in": ids}}, {"roles": {"$in": ids}}]}):
        for field in ("ids", "roles"):
            draft.take(STATE, [document], field, ids)
