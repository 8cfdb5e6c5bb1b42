"""Compare a seed with the state of a database, and draft the changes that the database needs to match the seed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bson import ObjectId

from actions.users.creating import new_user
from changes import Document, Draft, Result
from changes.visible_values import readable_text
from database.errors import ConflictError
from database.own_collections import STATE
from database.references import ids_in, referred
from database.wording import shown
from seeds.seed import Seed, SeedRole
from seeds.state import State, by_name
from seeds.users import ResolvedUser, hashed_password


class Options(NamedTuple):
    """The options of the command line that allow a seed to change or delete more.

    `prune` deletes roles and permissions that the seed has created and no longer names. With `allow_members`, `prune`
    also deletes roles that have members. `adopt` allows the seed to give protected roles to users that it has not
    created.
    """

    prune: bool = False
    allow_members: bool = False
    adopt: bool = False


@dataclass(slots=True)
class RoleDifference:
    """A role of the seed, and how the role in the database must change. `add` and `remove` are ids of permissions."""

    spec: SeedRole
    document: Document
    created: bool
    desired: set[Any] | None
    """The ids of the permissions that the seed gives to the role. None if the seed does not manage its permissions."""
    add: set[Any] = field(default_factory=set)
    remove: set[Any] = field(default_factory=set)
    protect: bool | None = None
    """True if the role becomes protected, False if it becomes unprotected, None if its protection does not change."""

    @property
    def renamed(self) -> bool:
        return not self.created and self.document.get("name") != self.spec.name

    @property
    def differs(self) -> bool:
        return self.created or self.renamed or bool(self.add or self.remove) or self.protect is not None

    @property
    def removes_something(self) -> bool:
        return bool(self.remove) or self.protect is False


@dataclass(slots=True)
class UserDifference:
    """A user of the seed, and how the user in the database must change."""

    spec: ResolvedUser
    identifier: Any
    roles: list[Any]
    """The ids of the roles that the user must get."""

    @property
    def created(self) -> bool:
        return self.spec.document is None

    @property
    def differs(self) -> bool:
        return self.created or bool(self.roles)


@dataclass
class Comparison:
    """The differences between a seed and a database. `state` has the roles and permissions that are in the database."""

    seed: Seed
    state: State
    permissions: dict[str, Any]
    """The id of each permission that the seed names."""
    created: list[Any]
    """The ids of new permissions."""
    roles: list[RoleDifference]
    users: list[UserDifference]
    pruned_roles: list[Any] = field(default_factory=list)
    pruned_permissions: list[Any] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        return bool(
            self.created
            or self.pruned_roles
            or self.pruned_permissions
            or any(role.differs for role in self.roles)
            or any(user.differs for user in self.users)
        )

    @property
    def removes_something(self) -> bool:
        return bool(self.pruned_roles or self.pruned_permissions or any(role.removes_something for role in self.roles))

    def names(self) -> dict[Any, str]:
        """Return id → name for all permissions, including those that will be created."""
        known = {identifier: self.state.name(identifier) for identifier in self.state.permissions}
        return {**known, **{identifier: name for name, identifier in self.permissions.items()}}


def compare(seed: Seed, options: Options, state: State, people: Sequence[ResolvedUser]) -> Comparison:
    """Find all differences between a seed and a database.

    Raises `ConflictError` for duplicate names in the database, and if a role cannot be renamed because both names
    exist.
    """
    permission = by_name(state, "permission")
    known = {name: found["_id"] for name in seed.permissions if (found := permission(name))}
    permissions = {name: known.get(name) or ObjectId() for name in seed.permissions}
    role = by_name(state, "role")
    roles = []
    for spec in seed.roles:
        document = role(spec.name)
        if spec.renamed_from and (former := role(spec.renamed_from)):
            if document:
                raise ConflictError(
                    f"role {shown(spec.renamed_from)} cannot be renamed to {shown(spec.name)}: both exist",
                    f"rename or delete one of them, or remove renamed_from from the seed ({spec.at.place})",
                )
            document = former
        roles.append(_role(spec, document, permissions, state))
    by_role = {difference.spec.name: difference for difference in roles}
    users = [_user(person, by_role) for person in people]
    created = [identifier for name, identifier in permissions.items() if name not in known]
    comparison = Comparison(seed, state, permissions, created, roles, users)
    if options.prune:
        comparison.pruned_roles = _unnamed(state, "roles", state.roles, [r.document["_id"] for r in roles])
        comparison.pruned_permissions = _unnamed(state, "permissions", state.permissions, permissions.values())
    return comparison


def _role(spec: SeedRole, document: Document | None, permissions: dict[str, Any], state: State) -> RoleDifference:
    desired = None if spec.permissions is None else {permissions[name] for name in spec.permissions}
    if document is None:
        created = {"_id": ObjectId(), "name": spec.name}
        return RoleDifference(spec, created, True, desired, add=set(desired or ()), protect=spec.protected or None)
    identifier = document["_id"]
    difference = RoleDifference(spec, document, False, desired)
    if desired is not None:
        own, backlinks = state.permissions_of(identifier), state.backlinks.get(identifier, set())
        # A one-sided link is completed if the seed gives the permission to the role, and removed if the seed does not.
        difference.add, difference.remove = desired - (own & backlinks), (own | backlinks) - desired
    if spec.protected is not None and spec.protected != (identifier in ids_in(state.protected, "ids")):
        difference.protect = spec.protected
    return difference


def _user(person: ResolvedUser, roles: dict[str, RoleDifference]) -> UserDifference:
    held = set(ids_in(person.document, "rolesIds")) if person.document else set()
    wanted = [roles[name].document["_id"] for name in person.roles]
    identifier = person.document["_id"] if person.document else ObjectId()
    return UserDifference(person, identifier, [role for role in wanted if role not in held])


def _unnamed(state: State, kind: str, documents: dict[Any, Document], named: Iterable[Any]) -> list[Any]:
    """Return the ids of existing documents that the seed has created before, and no longer names."""
    kept = set(named)
    return [
        identifier for identifier in ids_in(state.owned, kind) if identifier in documents and identifier not in kept
    ]


def draft(comparison: Comparison, documents: Mapping[Any, Document], members: Iterable[Document]) -> Draft:
    """Make the changes that remove the differences of a comparison, with as few changes per document as possible.

    `documents` maps ids to documents: the roles and permissions to delete, and the roles that users get (with
    `userIds`). `members` are the users who have a role that is deleted. All these documents are changed in memory, so
    describe the comparison before you call this function.
    """
    return _Drafting(comparison, documents, members).draft


class _Drafting:
    def __init__(self, comparison: Comparison, documents: Mapping[Any, Document], members: Iterable[Document]) -> None:
        self.draft = Draft()
        self._comparison = comparison
        self._documents = documents
        self._deleted = {*comparison.pruned_roles, *comparison.pruned_permissions}
        self._gains: dict[Any, list[Any]] = {}
        self._losses: dict[Any, list[Any]] = {}
        self._members: dict[Any, list[Any]] = {}
        for user in comparison.users:
            for role in user.roles:
                self._members.setdefault(role, []).append(user.identifier)
        self._delete(members)
        for role in comparison.roles:
            self._role(role)
        self._unmanaged_roles()
        self._permissions()
        for user in comparison.users:
            self._user(user)
        self._records()
        self.draft.names.update(comparison.names())

    def _delete(self, members: Iterable[Document]) -> None:
        pruned = self._comparison.pruned_roles
        if pruned:
            named = {user.identifier: user.spec.document for user in self._comparison.users}
            users = [named.get(member["_id"]) or member for member in members]
            self.draft.take("User", users, "rolesIds", pruned)
        for kind, identifiers in (("Role", pruned), ("Permission", self._comparison.pruned_permissions)):
            for identifier in identifiers:
                self.draft.delete(kind, self._documents[identifier])
        for role in pruned:
            for permission in self._comparison.state.backlinks.get(role, ()):
                self._losses.setdefault(permission, []).append(role)

    def _role(self, role: RoleDifference) -> None:
        identifier = role.document["_id"]
        members = self._members.get(identifier, [])
        for permission in role.add:
            self._gains.setdefault(permission, []).append(identifier)
        for permission in role.remove:
            self._losses.setdefault(permission, []).append(identifier)
        if role.created:
            new = {**role.document, "userIds": members, "permissionsIds": sorted(role.add)}
            self.draft.insert("Role", new)
            return
        if role.renamed:
            self.draft.set("Role", role.document, {"name": role.spec.name})
        self._change_permissions(role.document, role.add, role.remove)
        if members:
            self.draft.add("Role", [self._documents[identifier]], "userIds", members)

    def _change_permissions(self, role: Document, add: Iterable[Any], remove: set[Any]) -> None:
        """Change the permissions of a role in one update.

        If permissions are both added and removed, the whole list is replaced.
        """
        before = ids_in(role, "permissionsIds")
        new = [permission for permission in sorted(add) if permission not in before]
        if new and remove.intersection(before):
            left = [item for item in role["permissionsIds"] if referred(item) not in remove]
            self.draft.set("Role", role, {"permissionsIds": [*left, *new]})
        else:
            self.draft.add("Role", [role], "permissionsIds", new)
            self.draft.take("Role", [role], "permissionsIds", sorted(remove))

    def _unmanaged_roles(self) -> None:
        """Remove deleted permissions from the roles whose permissions the seed does not manage."""
        pruned = set(self._comparison.pruned_permissions)
        managed = {role.document["_id"] for role in self._comparison.roles if role.desired is not None}
        if pruned:
            kept = self._comparison.state.roles.keys() - managed - self._deleted
            roles = [role for identifier, role in self._comparison.state.roles.items() if identifier in kept]
            self.draft.take("Role", roles, "permissionsIds", list(pruned))

    def _permissions(self) -> None:
        created = set(self._comparison.created)
        for name, identifier in self._comparison.permissions.items():
            if identifier in created:
                roles = self._gains.pop(identifier, [])
                self.draft.insert("Permission", {"_id": identifier, "name": name, "rolesIds": roles})
        for changes, change in ((self._gains, self.draft.add), (self._losses, self.draft.take)):
            for identifier, roles in changes.items():
                if identifier not in self._deleted:
                    change("Permission", [self._comparison.state.permissions[identifier]], "rolesIds", roles)

    def _user(self, user: UserDifference) -> None:
        if user.spec.document:
            self.draft.add("User", [user.spec.document], "rolesIds", user.roles)
            return
        person = user.spec
        new = new_user(
            person.email,
            person.username,
            _id=user.identifier,
            name=person.name,
            rolesIds=user.roles,
            hashedPassword=hashed_password(person),
        )
        self.draft.insert("User", new)

    def _records(self) -> None:
        comparison = self._comparison
        protect = {flag: [r.document["_id"] for r in comparison.roles if r.protect is flag] for flag in (True, False)}
        self._record(comparison.state.protected, {"ids": protect[True]}, [*protect[False], *comparison.pruned_roles])
        created = {
            "roles": [role.document["_id"] for role in comparison.roles if role.created],
            "permissions": comparison.created,
            "users": [user.identifier for user in comparison.users if user.created],
        }
        self._record(comparison.state.owned, created, self._deleted)

    def _record(self, record: Document, gained: dict[str, list[Any]], lost: Iterable[Any]) -> None:
        if record["_id"] not in self._comparison.state.recorded:
            if any(gained.values()):
                self.draft.insert(STATE, {**record, **gained})
            return
        for name, identifiers in gained.items():
            self.draft.add(STATE, [record], name, identifiers)
            self.draft.take(STATE, [record], name, list(lost))


def results(comparison: Comparison) -> list[Result]:
    """Return the outcome for each permission, role and user that the seed names or deletes."""
    roles = comparison.state.roles
    created = set(comparison.created)
    return [
        *(
            Result(identifier, f"permission {name}", "created" if identifier in created else "unchanged")
            for name, identifier in comparison.permissions.items()
        ),
        *(Result(role.document["_id"], f"role {role.spec.name}", _outcome(role)) for role in comparison.roles),
        *(Result(user.identifier, f"user {user.spec.email}", _outcome(user)) for user in comparison.users),
        *(
            Result(role, f"role {readable_text(roles[role].get('name'))}", "deleted")
            for role in comparison.pruned_roles
        ),
        *(
            Result(identifier, f"permission {comparison.state.name(identifier)}", "deleted")
            for identifier in comparison.pruned_permissions
        ),
    ]


def _outcome(difference: RoleDifference | UserDifference) -> str:
    if difference.created:
        return "created"
    return "changed" if difference.differs else "unchanged"
