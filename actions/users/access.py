"""The roles of users: grant and revoke roles, and tell which permissions a user has."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from bson import ObjectId

from actions import lookup, queries
from actions.rules.checked_changeset import checked_changeset, replannable
from changes import ABSENT, Add, Change, Changeset, Document, Draft, Question, Result, Set, Update, ids_in
from changes.change import FieldChange, Take
from changes.draft import BATCH
from changes.id_lists import MOST_IDS, TooManyLinksError, add_missing, take_present
from database import connection
from database.listing import Row
from database.references import referred
from database.wording import enumerated, in_words
from models.documents import UserStatus
from models.links import USER_ROLES


class Role(NamedTuple):
    """The name of a role and the names of its permissions."""

    name: str
    permissions: list[str]


def read_roles(ids: Iterable[ObjectId]) -> dict[ObjectId, Role]:
    """Read roles with their permissions: id → role. Roles that no longer exist are left out."""
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
    """Return the permissions of a user: name → the user's roles that grant it. Both are sorted."""
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

    `through` are the roles of the user that grant the permission. `wouldGive` are all roles that grant it. A suspended
    user has no permission, unless `ignore_status` is true.
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
    """Yield the commands that would give a user a permission, after `can` has denied it. A command is a list of words.

    `answer` is the result of `can`. If no role grants the permission, there is no such command. If several roles grant
    it, the role with the fewest permissions is suggested.
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
        return f"{user} has it through {', '.join(through)}"
    return f"{user} has no role that grants it" if giving else "no role grants it"


_OUTCOMES: Final = {"grant": "granted", "revoke": "revoked"}
USER_IDS: Final = "userIds"


@replannable()
def grant(refs: Sequence[str], roles: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Give users roles."""
    return _change("grant", refs, roles, skip_missing=skip_missing)


@replannable()
def revoke(
    refs: Sequence[str], roles: Sequence[str], *, skip_missing: bool = False, allow_last_member: bool = False
) -> Changeset:
    """Remove roles from users, even if only the user or only the role lists the other.

    Raises `LastMemberError` if a protected role would lose its last active member.
    """
    return _change("revoke", refs, roles, skip_missing=skip_missing, asks=True, allow_last_member=allow_last_member)


def _change(
    verb: str, refs: Sequence[str], role_refs: Sequence[str], *, skip_missing: bool, **details: Any
) -> Changeset:
    held = lookup.find_all("Role", role_refs, ("userIds",))
    found = lookup.find_users(refs, ("rolesIds",), skip_missing=skip_missing)
    roles, users = [role.document for role in held], [user.document for user in found]
    granting = verb == "grant"
    members = {role["_id"]: set(ids_in(role, "userIds")) for role in roles}
    named = f"{'role' if len(held) == 1 else 'roles'} {enumerated([role.ref for role in held])}"
    why = f"already has {named}" if granting else f"does not have {named}"
    results = []
    for user in found:
        listed = set(ids_in(user.document, "rolesIds"))
        sides = [side for role, ids in members.items() for side in (role in listed, user.document["_id"] in ids)]
        so_already = all(sides) if granting else not any(sides)
        outcome = "unchanged" if so_already else _OUTCOMES[verb]
        results.append(Result(user.document["_id"], user.ref, outcome, if_unchanged=why))
    draft = Draft()
    size = max(BATCH - len(roles), 1)
    for start in range(0, len(users), size):
        some = users[start : start + size]
        draft.reserve(len(some) + len(roles))
        (draft.link if granting else draft.unlink)(USER_ROLES, some, roles)
    command = f"users {verb} {in_words([user.ref for user in found])} {in_words([f'--role {r.ref}' for r in held])}"
    asked = f"{verb.capitalize()} {enumerated([role.ref for role in held])} {'to' if granting else 'from'}"
    details["question"] = Question(asked, "User")
    return checked_changeset(command, draft, [*results, *found.missing], **details)


class MemberChanges:
    """Collects the changes of `Role.userIds` in one batch. A role gets at most one change of each kind."""

    def __init__(self) -> None:
        self._documents: dict[ObjectId, Document] = {}
        self._reserved: dict[ObjectId, int] = {}
        self._new: dict[ObjectId, list[ObjectId]] = {}
        self._gained: dict[ObjectId, list[ObjectId]] = {}
        self._lost: dict[ObjectId, list[ObjectId]] = {}

    @property
    def role_count(self) -> int:
        """Return the number of roles that have changed so far."""
        return len(self._documents)

    def new(self, role: ObjectId, user: ObjectId) -> None:
        """Add a user to a role. The user is created in the same batch, so no list has this user yet."""
        self._document(role)
        self._new.setdefault(role, []).append(user)

    def gain(self, role: ObjectId, user: ObjectId) -> None:
        """Add an existing user to a role."""
        self._document(role)
        self._gained.setdefault(role, []).append(user)

    def lose(self, role: ObjectId, user: ObjectId) -> None:
        """Remove a user from a role."""
        self._document(role)
        self._lost.setdefault(role, []).append(user)

    def reserve(self, role: ObjectId, count: int) -> None:
        """Count `count` more users for a role. Raise `TooManyLinksError` if the role has no room for them."""
        held = self._document(role).get(USER_IDS) or ()
        self._reserved[role] = self._reserved.get(role, len(held)) + count
        if self._reserved[role] > MOST_IDS:
            raise TooManyLinksError("Role", role, USER_IDS, self._reserved[role])

    def changes(self) -> Iterator[Change]:
        """Yield the changes that were collected since the last call.

        Another program may already have changed the list of a role in the same way. The change is made nevertheless:
        if that program changes the list back, the write still changes both sides of the link.
        """
        for role, users in self._lost.items():
            absent = self._listed(role, users, present=False)
            yield from _update_role(role, take_present(self._document(role), USER_IDS, users))
            yield from _update_role(role, Take(absent) if absent else None)
        for role, users in self._gained.items():
            present = self._listed(role, users, present=True)
            yield from _update_role(role, add_missing("Role", self._document(role), USER_IDS, users))
            yield from _update_role(role, Add(present) if present else None)
        for role, users in self._new.items():
            yield from _update_role(role, _with_new(self._document(role), users))
        for gathered in (self._lost, self._gained, self._new):
            gathered.clear()

    def _listed(self, role: ObjectId, users: Iterable[ObjectId], *, present: bool) -> tuple[ObjectId, ...]:
        """Return the users who are in the list of a role (`present`), or the users who are not."""
        members = set(ids_in(self._document(role), USER_IDS))
        return tuple(user for user in users if (referred(user) in members) == present)

    def _document(self, role: ObjectId) -> Document:
        if role not in self._documents:
            found = connection.database()["Role"].find_one({"_id": role}, [USER_IDS])
            self._documents[role] = found or {"_id": role}
        return self._documents[role]


def _update_role(role: ObjectId, change: FieldChange | None) -> Iterator[Update]:
    if change is not None:
        yield Update("Role", (role,), {USER_IDS: change})


def _with_new(document: Document, users: list[ObjectId]) -> FieldChange:
    """Return the change that adds newly created users to a role. It does not update the list of users in memory."""
    before = document.get(USER_IDS, ABSENT)
    if isinstance(before, list):
        return Add(tuple(users), new=True)
    document[USER_IDS] = list(users)
    return Set(before, document[USER_IDS])
