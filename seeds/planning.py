"""Plan the changes of a seed: describe them for people and programs, and make the changeset that writes them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession

from actions.queries import refers_to
from actions.rules.checked_changeset import checked_changeset
from changes import ChangedMeanwhileError, Changeset, Document, Question, Rule
from changes.visible_values import readable_text
from database import connection
from database.errors import ConflictError, RefusedError, UsageError
from database.references import forms, ids_in
from database.wording import counted, shown
from models.values import UserStatus
from seeds import state, users
from seeds.comparison import Comparison, Options, RoleDifference, UserDifference, compare, draft, results
from seeds.seed import Seed
from seeds.state import find


@dataclass(slots=True)
class Affected:
    """The number of users whom one change affects.

    `gain` and `lose` map the id of a permission to the number of users who get or lose it.
    """

    users: int = 0
    gain: Counter[Any] = field(default_factory=Counter)
    lose: Counter[Any] = field(default_factory=Counter)

    def count(self, users: int, gained: Iterable[Any], lost: Iterable[Any], *, all_of_them: bool = False) -> None:
        gain, lose = dict.fromkeys(gained, users), dict.fromkeys(lost, users)
        self.gain.update(gain)
        self.lose.update(lose)
        if gain or lose or all_of_them:
            self.users += users


class Effects:
    """The numbers of users whom changes affect, by the id of the changed role, permission or user.

    A user who keeps a permission through another role does not lose this permission.
    """

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._pruned = set(comparison.pruned_permissions)
        self._affected: dict[Any, Affected] = {}
        state = comparison.state
        self._before = {role: state.permissions_of(role) for role in state.roles}
        self._after = self._allowed_after()
        self.members = list(self._members())
        """The users who have a role that is changed or deleted, with `_id` and `rolesIds`."""
        self._count()

    def of(self, identifier: Any) -> Affected:
        return self._affected.setdefault(identifier, Affected())

    def _allowed_after(self) -> dict[Any, set[Any]]:
        after = {role: allowed - self._pruned for role, allowed in self._before.items()}
        for difference in self._comparison.roles:
            if difference.desired is not None:
                after[difference.document["_id"]] = difference.desired
            else:
                after.setdefault(difference.document["_id"], set())
        for role in self._comparison.pruned_roles:
            after[role] = set()
        return after

    def _members(self) -> Iterator[Document]:
        pruned = set(self._comparison.pruned_roles)
        touched = [r for r, allowed in self._before.items() if r in pruned or self._after[r] != allowed]
        return find("User", refers_to("User", "rolesIds", *touched), ["rolesIds"]) if touched else iter(())

    def _count(self) -> None:
        pruned = set(self._comparison.pruned_roles)
        given = {user.identifier: user.roles for user in self._comparison.users}
        alike: Counter[tuple[frozenset[Any], frozenset[Any]]] = Counter()
        for user in self.members:
            roles = frozenset(ids_in(user, "rolesIds")).intersection(self._before)
            alike[roles, roles.union(given.get(user["_id"], ())) - pruned] += 1
        for (had, has), number in alike.items():
            before, after = _union(self._before, had), _union(self._after, has)
            gained, lost = after - before, before - after
            for role in had:
                of_role = lost & self._before[role], gained & self._after[role]
                self.of(role).count(number, of_role[1], of_role[0], all_of_them=role in pruned)
            for permission in lost & self._pruned:
                self.of(permission).count(number, (), [permission])
        for difference in self._comparison.users:
            had = frozenset(ids_in(difference.spec.document or {}, "rolesIds")).intersection(self._before)
            before = _union(self._before, had)
            after = _union(self._after, had.union(difference.roles) - pruned)
            self.of(difference.identifier).count(1, after - before, before - after, all_of_them=difference.differs)


def _union(allowed: Mapping[Any, set[Any]], roles: Iterable[Any]) -> set[Any]:
    return set().union(*(allowed[role] for role in roles))


_SIGNS: Final = {"create": "+", "change": "~", "delete": "-"}


@dataclass(slots=True)
class PlannedChange:
    """One planned change of a permission, role or user.

    `before` is None for a new item, `after` is None for a deleted one.
    """

    action: str
    kind: str
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    affected: dict[str, Any]
    """The numbers of users whom the change affects: `{users, gain: {permission: users}, lose: {permission: users}}`."""
    details: list[str] = field(default_factory=list)
    """The additional lines that are printed after the first line of the change."""

    def lines(self) -> Iterator[str]:
        yield f"{_SIGNS[self.action]} {self.kind} {self.name}"
        for detail in self.details:
            yield f"    {detail}"
        for verb in ("gain", "lose"):
            for permission, number in self.affected[verb].items():
                yield f"    {counted(number, 'user')} {verb}{'s' if number == 1 else ''} {permission}"

    def document(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("action", "kind", "name", "before", "after", "affected")}


def describe(comparison: Comparison, effects: Effects) -> Iterator[PlannedChange]:
    """Describe all changes of a comparison: first new and changed permissions, roles and users, then deleted ones."""
    return _Describer(comparison, effects).all()


class _Describer:
    def __init__(self, comparison: Comparison, effects: Effects) -> None:
        self._comparison = comparison
        self._effects = effects
        self._names = comparison.names()
        self._protected = set(ids_in(comparison.state.protected, "ids"))
        self._roles = {role: readable_text(found.get("name")) for role, found in comparison.state.roles.items()}
        self._losers = self._unmanaged_losers()

    def all(self) -> Iterator[PlannedChange]:
        for identifier in self._comparison.created:
            name = self._names[identifier]
            yield PlannedChange("create", "permission", name, None, {"name": name}, self._affected(identifier))
        for role in self._comparison.roles:
            if role.differs:
                yield self._role(role)
        for user in self._comparison.users:
            if user.differs:
                yield self._user(user)
        for identifier in self._comparison.pruned_roles:
            yield self._deleted("role", identifier, self._described(identifier))
        for identifier in self._comparison.pruned_permissions:
            yield self._deleted("permission", identifier, {"name": self._names[identifier]})

    def _deleted(self, kind: str, identifier: Any, before: dict[str, Any]) -> PlannedChange:
        affected = self._affected(identifier)
        users = affected["users"]
        lost = [f"it has {counted(users, 'member')}"] if kind == "role" and users else []
        lost += [f"role {name} loses this permission" for name in sorted(self._losers.get(identifier, ()))]
        return PlannedChange("delete", kind, before["name"], before, None, affected, lost)

    def _unmanaged_losers(self) -> dict[Any, list[str]]:
        """Return deleted permission → the roles that lose it, only roles whose permissions the seed does not manage.

        The plan has no lines about these roles, so the line about the deleted permission names these roles.
        """
        losers: dict[Any, list[str]] = {permission: [] for permission in self._comparison.pruned_permissions}
        managed = {role.document["_id"] for role in self._comparison.roles if role.desired is not None}
        for role in self._roles.keys() - managed - set(self._comparison.pruned_roles) if losers else ():
            for permission in losers.keys() & self._comparison.state.permissions_of(role):
                losers[permission].append(self._roles[role])
        return losers

    def _role(self, role: RoleDifference) -> PlannedChange:
        identifier = role.document["_id"]
        before = None if role.created else self._described(identifier)
        kept: dict[str, Any] = before or {"permissions": [], "protected": False}
        after: dict[str, Any] = {
            "name": role.spec.name,
            "permissions": kept["permissions"] if role.desired is None else self._listed(role.desired),
            "protected": kept["protected"] if role.protect is None else role.protect,
        }
        held = set() if role.created else self._comparison.state.permissions_of(identifier)
        wanted = held if role.desired is None else role.desired
        gained, lost = wanted - held, held - wanted
        details = [f"was {self._roles[identifier]}"] if role.renamed else []
        if role.protect is not None:
            details.append("+ protected" if role.protect else "- protected")
        details += [*(f"+ {name}" for name in self._listed(gained)), *(f"- {name}" for name in self._listed(lost))]
        if repaired := len(role.add - gained) + len(role.remove - lost):
            details.append(f"repairs {counted(repaired, 'one-sided link')}")
        action = "create" if role.created else "change"
        return PlannedChange(action, "role", role.spec.name, before, after, self._affected(identifier), details)

    def _user(self, user: UserDifference) -> PlannedChange:
        given = {role.document["_id"]: role.spec.name for role in self._comparison.roles}
        person, gained = user.spec, [given[role] for role in user.roles]
        before = None
        if person.document:
            held = sorted(self._roles[role] for role in ids_in(person.document, "rolesIds") if role in self._roles)
            before = {"email": str(person.document.get("email")), "username": person.username, "roles": held}
        after = {"email": person.email, "username": person.username, "roles": sorted([*gained, *_held(before)])}
        if before:
            after["email"] = before["email"]
        return PlannedChange(
            "create" if user.created else "change",
            "user",
            person.email,
            before,
            after,
            self._affected(user.identifier),
            [f"+ role {name}" for name in gained],
        )

    def _described(self, identifier: Any) -> dict[str, Any]:
        return {
            "name": self._roles[identifier],
            "permissions": self._listed(self._comparison.state.permissions_of(identifier)),
            "protected": identifier in self._protected,
        }

    def _listed(self, permissions: set[Any]) -> list[str]:
        return sorted(self._names[identifier] for identifier in permissions)

    def _affected(self, identifier: Any) -> dict[str, Any]:
        affected: Affected = self._effects.of(identifier)
        counts = {
            verb: dict(sorted((self._names[key], n) for key, n in counter.items()))
            for verb, counter in (("gain", affected.gain), ("lose", affected.lose))
        }
        return {"users": affected.users, **counts}


def _held(before: dict[str, Any] | None) -> Sequence[str]:
    return before["roles"] if before else ()


__all__ = ["Options", "Plan", "plan"]

AS_WRITTEN: Final = Options()
_LOCK: Final = "seeds"


@dataclass
class Plan:
    """The changes that are necessary so that a database matches a seed."""

    seed: Seed
    options: Options
    comparison: Comparison
    changes: list[PlannedChange]
    """The descriptions of the changes for `lines` and `document`.

    They are made before `changeset` is called, because it changes the documents in memory.
    """
    members: list[Document]
    """The users who have a role that is changed or deleted."""
    documents: dict[Any, Document]
    """The documents by id: the roles and permissions to delete, and the roles that users get (with `userIds`)."""
    replan: Callable[[], "Plan"]

    @property
    def differs(self) -> bool:
        """True if the plan changes anything. This decides the exit code of `plan --exit-code`."""
        return self.comparison.differs

    def lines(self) -> Iterator[str]:
        """Yield the lines of the plan for people: each change, the users whom it affects, and at the end the totals."""
        for change in self.changes:
            yield from change.lines()
        yield _sum(self.changes)

    def document(self) -> dict[str, Any]:
        """Return the plan for programs: `{"changes": [{action, kind, name, before, after, affected}]}`."""
        return {"changes": [change.document() for change in self.changes]}

    @cached_property
    def changeset(self) -> Changeset:
        """Return the changeset of the plan. It is one transaction, and waits while another seed is written.

        If the plan removes something, the user must confirm it; the question shows the lines of the plan. This function
        also hashes the passwords of new users.
        """
        words = [f"--{name.replace('_', '-')}" for name, given in self.options._asdict().items() if given]
        made = checked_changeset(
            " ".join(["seeds apply", *words]),
            draft(self.comparison, self.documents, self.members),
            results(self.comparison),
            asks=self.comparison.removes_something,
            asks_about_many=False,
            rules=[Rule(_LOCK, self._recheck)],
            question=Question(f"Apply the seed {self.seed.name}"),
            preview=list(self.lines()),
        )
        return replace(made, replan=self._plan_again)

    def _plan_again(self) -> Changeset:
        """Plan again after a conflict.

        Raise `ConflictError` if the first plan removes nothing and the new plan removes something. The user has not
        confirmed this removal.
        """
        again = self.replan()
        if again.comparison.removes_something and not self.comparison.removes_something:
            raise ConflictError(
                "the database was changed while this command ran, and the seed would now remove something",
                "nothing was changed; look at the new plan: chatctl seeds plan",
            )
        return again.changeset

    def _recheck(self, session: ClientSession | None) -> None:
        """Check in the transaction that no other command has created a document with one of the new names.

        The unique index that normally prevents this may be missing.
        """
        database = connection.database()
        _refuse_shipped(self.seed, self.comparison.state, session)
        names = self.comparison.names()
        new = {
            ("Permission", "name"): [names[identifier] for identifier in self.comparison.created],
            ("Role", "name"): [r.spec.name for r in self.comparison.roles if r.created or r.renamed],
            ("User", "email"): [user.spec.email for user in self.comparison.users if user.created],
        }
        for (collection, key), values in new.items():
            where = {key: {"$in": values}}
            if values and (found := database[collection].find_one(where, {key: 1}, session=session)):
                raise ChangedMeanwhileError(
                    f"{collection.lower()} {shown(found[key])} was created while this command ran", None
                )


def plan(seed: Seed, options: Options = AS_WRITTEN) -> Plan:
    """Compare a seed with the database, and return the plan. Nothing is written.

    The number of queries does not depend on the size of the seed. Raises `InvalidInputError` for an invalid environment
    variable, `ConflictError`, and `RefusedError`. For the seed that ships with chatctl, raises `UsageError` if the
    database has other roles.
    """
    there = state.read(seed.name)
    _refuse_shipped(seed, there, None)
    comparison = compare(seed, options, there, users.resolve(seed.users))
    _refuse_adoption(comparison, options)
    documents = _read_documents(comparison)
    effects = Effects(comparison)
    _refuse_members(comparison, options, documents, effects)
    changes = list(describe(comparison, effects))
    return Plan(seed, options, comparison, changes, effects.members, documents, lambda: plan(seed, options))


def _read_documents(comparison: Comparison) -> dict[Any, Document]:
    given = list({role for user in comparison.users for role in user.roles} & comparison.state.roles.keys())
    wanted: list[tuple[str, list[Any], list[str] | None]] = [
        ("Role", given, ["userIds"]),
        ("Role", comparison.pruned_roles, None),
        ("Permission", comparison.pruned_permissions, None),
    ]
    found: dict[Any, Document] = {}
    for collection, identifiers, fields in wanted:
        if identifiers:
            found |= state.by_id(state.find(collection, {"_id": {"$in": identifiers}}, fields))
            if len(found.keys() & set(identifiers)) < len(identifiers):
                raise ConflictError("a role or permission was deleted while this command ran", "run the command again")
    return found


def _refuse_shipped(seed: Seed, there: state.State, session: ClientSession | None) -> None:
    """Raise `UsageError` if the seed is the one that ships with chatctl, and the database has other roles."""
    if not seed.shipped or there.owned["_id"] in there.recorded or connection.target().local:
        return
    if connection.database()["Role"].find_one({}, {"_id": 1}, session=session):
        raise UsageError(
            "the seed that ships with chatctl cannot be used in a database that has other roles",
            "give a seed file or folder, or use --local; chatctl seeds export writes the existing roles to a seed",
        )


def _refuse_adoption(comparison: Comparison, options: Options) -> None:
    protected = set(ids_in(comparison.state.protected, "ids"))
    for role in comparison.roles:
        if role.protect is not None:
            (protected.add if role.protect else protected.discard)(role.document["_id"])
    own = set(ids_in(comparison.state.owned, "users"))
    names = {role.document["_id"]: role.spec.name for role in comparison.roles}
    refused = [
        f"{shown(names[role])} to {shown(user.spec.email)}"
        for user in comparison.users
        if not user.created and user.identifier not in own and not options.adopt
        for role in user.roles
        if role in protected
    ]
    if refused:
        raise RefusedError(
            f"this seed would give a protected role to a user that it did not create: {', '.join(refused)}",
            "To allow this, add --adopt.",
        )


def _refuse_members(comparison: Comparison, options: Options, documents: dict[Any, Document], effects: Effects) -> None:
    """Raise `RefusedError` if the plan would delete a role that has members, unless `allow_members` is given.

    A protected role that has an active member is never deleted.
    """
    pruned = set(comparison.pruned_roles)
    members: dict[ObjectId, set[Any]] = {role: set(ids_in(documents[role], "userIds")) for role in pruned}
    for user in effects.members:
        for role in pruned.intersection(ids_in(user, "rolesIds")):
            members[role].add(user["_id"])
    held = {role: users for role, users in members.items() if users}
    if held and not options.allow_members:
        listed = ", ".join(
            f"{shown(readable_text(documents[role].get('name')))} ({len(users):,})" for role, users in held.items()
        )
        raise RefusedError(
            f"roles that the seed would delete have members: {listed}",
            "To allow this, add --allow-members.",
        )
    for role in held.keys() & set(ids_in(comparison.state.protected, "ids")):
        members_of = [form for user in held[role] for form in forms(user)]
        active = {"_id": {"$in": members_of}, "status": {"$ne": UserStatus.SUSPENDED.value}}
        if connection.database()["User"].find_one(active, {"_id": 1}):
            raise RefusedError(
                f"the role {shown(readable_text(documents[role].get('name')))} is protected and has an active member",
                "remove its members, or keep the role in the seed",
            )


def _sum(changes: list[PlannedChange]) -> str:
    """Return the last line of a plan, with the numbers of changes, like `Plan: create 2 roles; delete 1 user.`."""
    if not changes:
        return "No changes."
    counts = []
    for action in ("create", "change", "delete"):
        kinds = [
            counted(number, kind)
            for kind in ("permission", "role", "user")
            if (number := sum((change.action, change.kind) == (action, kind) for change in changes))
        ]
        if kinds:
            counts.append(f"{action} {', '.join(kinds)}")
    return f"Plan: {'; '.join(counts)}."
