"""The changes of a plan as people and programs read them, and the users whom each affects."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from actions.queries import refers_to
from changes import Document, ids_in
from changes.visible_values import readable_text
from database.wording import counted
from seeds.comparison import Comparison, RoleDifference, UserDifference
from seeds.state import find


@dataclass(slots=True)
class Affected:
    """The users affected by one change; `gain` and `lose` count them by the id of a permission."""

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
    """The users affected by a comparison, by the id of the changed role, permission or user.

    A user who keeps a permission through another role does not lose it.
    """

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._pruned = set(comparison.pruned_permissions)
        self._affected: dict[Any, Affected] = {}
        state = comparison.state
        self._before = {role: state.permissions_of(role) for role in state.roles}
        self._after = self._allowed_after()
        self.members = list(self._members())
        """Users with a role that is changed or deleted: `_id` and `rolesIds`."""
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
    """One change of one permission, role or user; `before` is `None` for a new one, `after` for a deleted one."""

    action: str
    kind: str
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    affected: dict[str, Any]
    """`{users, gain: {permission: users}, lose: {permission: users}}`"""
    details: list[str] = field(default_factory=list)
    """The lines below the line of the change."""

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
    """Describe all changes: permissions, roles and users, then what is deleted."""
    return _Describer(comparison, effects).all()


class _Describer:
    def __init__(self, comparison: Comparison, effects: Effects) -> None:
        self._comparison = comparison
        self._effects = effects
        self._names = comparison.names()
        self._protected = set(ids_in(comparison.state.protected, "ids"))
        self._roles = {role: readable_text(found.get("name")) for role, found in comparison.state.roles.items()}

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
        lost = [f"{counted(users, 'member')} had it"] if kind == "role" and users else []
        return PlannedChange("delete", kind, before["name"], before, None, affected, lost)

    def _role(self, role: RoleDifference) -> PlannedChange:
        identifier = role.document["_id"]
        before = None if role.created else self._described(identifier)
        kept: dict[str, Any] = before or {"permissions": [], "protected": False}
        after: dict[str, Any] = {
            "name": role.spec.name,
            "permissions": kept["permissions"] if role.desired is None else self._listed(role.desired),
            "protected": kept["protected"] if role.protect is None else role.protect,
        }
        gained = sorted(set(after["permissions"]) - set(kept["permissions"]))
        lost = sorted(set(kept["permissions"]) - set(after["permissions"]))
        details = [f"was {self._roles[identifier]}"] if role.renamed else []
        if role.protect is not None:
            details.append("+ protected" if role.protect else "- protected")
        details += [*(f"+ {name}" for name in gained), *(f"- {name}" for name in lost)]
        if mended := len(role.add) + len(role.remove) - len(gained) - len(lost):
            details.append(f"mends {counted(mended, 'link')} that one side alone has")
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
