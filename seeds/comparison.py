"""Compare a seed with the state of a database: what to create, change and delete."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bson import ObjectId

from changes import Document, ids_in
from database.errors import ConflictError
from database.wording import shown
from seeds.seed import Seed, SeedRole
from seeds.state import State, by_name
from seeds.users import ResolvedUser


class Options(NamedTuple):
    """What the command line allows.

    `prune` deletes what the seed created and no longer names, and with `allow_members` also roles that have members.
    `adopt` gives protected roles to users whom the seed did not create.
    """

    prune: bool = False
    allow_members: bool = False
    adopt: bool = False


@dataclass(slots=True)
class RoleDifference:
    """A role of the seed, and how it changes. `add` and `remove` are ids of permissions."""

    spec: SeedRole
    document: Document
    created: bool
    desired: set[Any] | None
    """Ids of the permissions that the seed gives it; `None` if the seed does not manage them."""
    add: set[Any] = field(default_factory=set)
    remove: set[Any] = field(default_factory=set)
    protect: bool | None = None
    """Whether it becomes protected; `None` if that does not change."""

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
    spec: ResolvedUser
    identifier: Any
    roles: list[Any]
    """Ids of the roles to add."""

    @property
    def created(self) -> bool:
        return self.spec.document is None

    @property
    def differs(self) -> bool:
        return self.created or bool(self.roles)


@dataclass
class Comparison:
    """All differences between a seed and a database in this `state`."""

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
        """Return the names of all permissions, those to be created included."""
        known = {identifier: self.state.name(identifier) for identifier in self.state.permissions}
        return {**known, **{identifier: name for name, identifier in self.permissions.items()}}


def compare(seed: Seed, options: Options, state: State, people: Sequence[ResolvedUser]) -> Comparison:
    """Find all differences. Raises `ConflictError` for duplicate names and for a rename to a name that exists."""
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
                    f"there is a role {shown(spec.name)} and a role {shown(spec.renamed_from)},"
                    " so that one cannot be renamed to the other",
                    f"rename or delete one of them, or take renamed_from out of the seed ({spec.at.place})",
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
        # A link on one side only is neither present nor absent: it is completed or removed, as the seed says.
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
    """List what the seed created earlier, no longer names, and still exists."""
    kept = set(named)
    return [
        identifier for identifier in ids_in(state.owned, kind) if identifier in documents and identifier not in kept
    ]
