"""Differences in words: what each change does to one thing, and whom it touches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from changes import ids_in
from changes.visible_values import readable_text
from database.wording import counted
from seeds.comparing import Comparison, RoleDifference, UserDifference
from seeds.effects import Affected, Effects

_SIGNS: Final = {"create": "+", "change": "~", "delete": "-"}


@dataclass(slots=True)
class Explained:
    """One change of one thing; `before` and `after` are `None` where it is not there."""

    action: str
    kind: str
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    affected: dict[str, Any]
    """`{users, gain: {permission: users}, lose: {permission: users}}`"""
    details: list[str] = field(default_factory=list)
    """Lines below its own."""
    takes_away: bool = False

    def lines(self) -> Iterator[str]:
        yield f"{_SIGNS[self.action]} {self.kind} {self.name}"
        for detail in self.details:
            yield f"    {detail}"
        for verb in ("gain", "lose"):
            for permission, users in self.affected[verb].items():
                yield f"    {counted(users, 'user')} {verb}{'s' if users == 1 else ''} {permission}"

    def document(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("action", "kind", "name", "before", "after", "affected")}


def explain(comparison: Comparison, effects: Effects) -> Iterator[Explained]:
    """Explain all changes: permissions, roles, users, what is deleted last."""
    return _Explainer(comparison, effects).all()


class _Explainer:
    def __init__(self, comparison: Comparison, effects: Effects) -> None:
        self._comparison = comparison
        self._effects = effects
        self._names = comparison.names()
        self._protected = set(ids_in(comparison.state.protected, "ids"))
        self._roles = {role: readable_text(found.get("name")) for role, found in comparison.state.roles.items()}

    def all(self) -> Iterator[Explained]:
        for identifier in self._comparison.created:
            name = self._names[identifier]
            yield Explained("create", "permission", name, None, {"name": name}, self._affected(identifier))
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

    def _deleted(self, kind: str, identifier: Any, before: dict[str, Any]) -> Explained:
        affected = self._affected(identifier)
        users = affected["users"]
        lost = [f"{counted(users, 'member')} had it"] if kind == "role" and users else []
        return Explained("delete", kind, before["name"], before, None, affected, lost, True)

    def _role(self, role: RoleDifference) -> Explained:
        identifier = role.document["_id"]
        before = None if role.created else self._described(identifier)
        kept: dict[str, Any] = before or {"permissions": [], "protected": False}
        after: dict[str, Any] = {
            "name": role.spec.name,
            "permissions": kept["permissions"] if role.wanted is None else self._listed(role.wanted),
            "protected": kept["protected"] if role.protect is None else role.protect,
        }
        gained = sorted(set(after["permissions"]) - set(kept["permissions"]))
        lost = sorted(set(kept["permissions"]) - set(after["permissions"]))
        details = [f"was {self._roles[identifier]}"] if role.renamed else []
        if role.protect is not None:
            details.append("+ protected" if role.protect else "- protected")
        details += [*(f"+ {name}" for name in gained), *(f"- {name}" for name in lost)]
        if mended := len(role.add) + len(role.take) - len(gained) - len(lost):
            details.append(f"mends {counted(mended, 'link')} that one side alone has")
        action = "create" if role.created else "change"
        return Explained(
            action, "role", role.spec.name, before, after, self._affected(identifier), details, role.takes_away
        )

    def _user(self, user: UserDifference) -> Explained:
        given = {role.document["_id"]: role.spec.name for role in self._comparison.roles}
        person, gained = user.person, [given[role] for role in user.roles]
        before = None
        if person.document:
            held = sorted(self._roles[role] for role in ids_in(person.document, "rolesIds") if role in self._roles)
            before = {"email": str(person.document.get("email")), "username": person.username, "roles": held}
        after = {"email": person.email, "username": person.username, "roles": sorted([*gained, *_held(before)])}
        if before:
            after["email"] = before["email"]
        return Explained(
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
            "permissions": self._listed(self._comparison.state.allowed(identifier)),
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
