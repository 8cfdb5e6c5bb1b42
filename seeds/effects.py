"""Whom a plan touches: counted user by user, so that who keeps a permission through another role does not lose it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from actions.queries import refers_to
from changes import Document, ids_in
from seeds.comparing import Comparison
from seeds.state import find


@dataclass(slots=True)
class Affected:
    """Users touched by one change; `gain` and `lose` count them by the id of a permission."""

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
    """What becomes of users when a comparison is carried out, by the id of the role, permission or user changed."""

    def __init__(self, comparison: Comparison) -> None:
        self._comparison = comparison
        self._pruned = set(comparison.pruned_permissions)
        self._affected: dict[Any, Affected] = {}
        state = comparison.state
        self._before = {role: state.allowed(role) for role in state.roles}
        self._after = self._allowed_after()
        self.members = list(self._members())
        """Users with a role that is changed or deleted, as read: `_id` and `rolesIds`."""
        self._count()

    def of(self, identifier: Any) -> Affected:
        return self._affected.setdefault(identifier, Affected())

    def _allowed_after(self) -> dict[Any, set[Any]]:
        after = {role: allowed - self._pruned for role, allowed in self._before.items()}
        for difference in self._comparison.roles:
            if difference.wanted is not None:
                after[difference.document["_id"]] = difference.wanted
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
        for (had, has), users in alike.items():
            before, after = _union(self._before, had), _union(self._after, has)
            gained, lost = after - before, before - after
            for role in had:
                of_role = lost & self._before[role], gained & self._after[role]
                self.of(role).count(users, of_role[1], of_role[0], all_of_them=role in pruned)
            for permission in lost & self._pruned:
                self.of(permission).count(users, (), [permission])
        for difference in self._comparison.users:
            had = frozenset(ids_in(difference.person.document or {}, "rolesIds")).intersection(self._before)
            before = _union(self._before, had)
            after = _union(self._after, had.union(difference.roles) - pruned)
            self.of(difference.identifier).count(1, after - before, before - after, all_of_them=difference.differs)


def _union(allowed: Mapping[Any, set[Any]], roles: Iterable[Any]) -> set[Any]:
    return set().union(*(allowed[role] for role in roles))
