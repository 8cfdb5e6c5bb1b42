"""The classes of a seed: the permissions, roles and users that should exist, and tests.

`resolve` makes a seed from files.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from database.wording import shown
from models.names import user_flaw
from seeds.schema import Pattern, expand, variables
from seeds.yaml_tree import Faults, Node

if TYPE_CHECKING:
    from actions.retention import Rule

UNNAMED: Final = "default"
"""The name of a seed whose files have no `seed` key."""

SHIPPED: Final = "chatctl"
"""The name of the seed that ships with chatctl.

A seed without a name gets the name `UNNAMED`, which is different. So it does not own the roles of the shipped seed.
"""


@dataclass(frozen=True, slots=True)
class SeedRole:
    """A role of a seed. `renamed_from` is the old name of the role, and `at` is the place of the role in the file."""

    name: str
    permissions: frozenset[str] | None
    """The permissions of the role, including those of roles that it extends. None if the seed does not manage them."""
    protected: bool | None
    """True if the role must always have an active member. None if the seed does not say whether."""
    renamed_from: str | None
    at: Node


@dataclass(frozen=True, slots=True)
class SeedUser:
    """A user of a seed. The texts can contain variables. Each `Node` knows its place in the file."""

    email: Node
    username: Node
    name: Node | None
    password: Node | None
    """The name of the environment variable that contains the password."""
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeedTest:
    """A test of a seed: the permissions that a role must have (`can`) and must not have (`cannot`).

    A permission is a name or a pattern, and each one knows its place in the file.
    """

    role: str
    can: dict[str, Node]
    cannot: dict[str, Node]


@dataclass(frozen=True, slots=True)
class Seed:
    """The content of a seed, merged from its files in their order."""

    name: str
    permissions: tuple[str, ...]
    roles: tuple[SeedRole, ...]
    users: tuple[SeedUser, ...] = ()
    tests: tuple[SeedTest, ...] = ()
    retention: "tuple[Rule, ...]" = ()
    shipped: bool = field(default=False, kw_only=True)


MOST_LINKS: Final = 2_000_000
"""The most permissions in all roles and tests together, after patterns and `extends` are resolved."""

_MOST_SHOWN: Final = 12
_MOST_COMPARED: Final = 10_000_000


def resolve(roots: Sequence[Node], faults: Faults, *, shipped: bool = False) -> Seed:
    """Merge the trees of checked files into a seed.

    New faults are added to `faults`. The seed is valid only if there are no faults.
    """
    return _Resolver(roots, faults).seed(shipped=shipped)


class _Resolver:
    def __init__(self, roots: Sequence[Node], faults: Faults) -> None:
        self._roots = roots
        self._faults = faults
        self._permissions = self._named("permission", (item for root in roots for item in _items(root, "permissions")))
        self._roles = self._named("role", (item for root in roots for item in root.items("roles", "object")))
        self._matches: dict[str, frozenset[str]] = {}
        self._links = 0

    def seed(self, *, shipped: bool) -> Seed:
        name = self._name() or (SHIPPED if shipped else UNNAMED)
        roles = self._resolved_roles()
        users = self._users()
        tests = [test for root in self._roots for item in root.items("tests", "object") if (test := self._test(item))]
        rules = tuple(self._retention())
        return Seed(name, tuple(self._permissions), tuple(roles), tuple(users), tuple(tests), rules, shipped=shipped)

    def _name(self) -> str | None:
        named = [node for root in self._roots if (node := root.get("seed", "string"))]
        for other in named[1:]:
            if other.value != named[0].value:
                first = f"at {named[0].place} it is {shown(named[0].value)}"
                self._faults.add(
                    other,
                    f"all files of a seed must have the same `seed` name: here it is {shown(other.value)}, {first}",
                )
        return named[0].value if named else None

    def _named(self, kind: str, items: Iterable[Node]) -> dict[str, Node]:
        """Return name → item of the items with a name. A duplicate name is noted as a fault, with both places."""
        found: dict[str, Node] = {}
        for item in items:
            name = item if item.kind == "string" else item.get("name", "string")
            if name is None:
                continue
            first = found.setdefault(name.value, name if kind == "permission" else item)
            if first not in (name, item):
                self._faults.add(name, f"duplicate {kind} {shown(name.value)}; the first is at {first.place}")
        return found

    def _resolved_roles(self) -> list[SeedRole]:
        extended = {name: self._extends(name, node) for name, node in self._roles.items()}
        order, cycles = resolution_order({name: list(others) for name, others in extended.items()})
        for cycle in cycles:
            named = cycle if len(cycle) <= _MOST_SHOWN else [*cycle[: _MOST_SHOWN - 1], "…", cycle[-1]]
            path = " → ".join(name if name == "…" else shown(name) for name in named)
            self._faults.add(extended[cycle[0]][cycle[1]], f"roles extend each other in a circle: {path}")
        resolved: dict[str, frozenset[str] | None] = {}
        for name in order:
            resolved[name] = self._allowed(name, extended[name], resolved)
        former = self._former_names()
        return [
            SeedRole(name, resolved.get(name), _flag(node, "protected"), former.get(name), node)
            for name, node in self._roles.items()
        ]

    def _extends(self, name: str, role: Node) -> dict[str, Node]:
        found = {}
        for other in role.items("extends"):
            if other.value not in self._roles:
                self._missing(other, "role", self._roles)
            elif not {"permissions", "extends"} & self._roles[other.value].value.keys():
                message = f"role {shown(name)} cannot extend {shown(other.value)}, which has no `permissions` key"
                self._faults.add(other, f"{message}; add one ([] for no permissions)")
            else:
                found[other.value] = other
        return found

    def _allowed(
        self, name: str, extended: dict[str, Node], resolved: dict[str, frozenset[str] | None]
    ) -> frozenset[str] | None:
        role = self._roles[name]
        if not {"permissions", "extends"} & role.value.keys():
            return None
        taken_over = [(extended[other], resolved.get(other) or frozenset()) for other in extended]
        mine = ((item, self._match(item)) for item in role.items("permissions"))
        return frozenset(self._union([*taken_over, *mine]))

    def _union(self, parts: Iterable[tuple[Node, frozenset[str]]]) -> dict[str, Node]:
        """Return the union of sets of permissions: permission → the first item that contains it.

        If all roles and tests together contain too many permissions, note a fault and stop.
        """
        whole: dict[str, Node] = {}
        for item, names in parts:
            if self._links > MOST_LINKS:
                break
            self._links += len(names)
            if self._links > MOST_LINKS:
                self._faults.add(item, f"roles and tests together contain more than {MOST_LINKS:,} permissions")
            for name in names:
                whole.setdefault(name, item)
        return whole

    def _match(self, item: Node) -> frozenset[str]:
        """Return the permissions that match a name or pattern. If no permission matches, note a fault."""
        known = self._matches.get(item.value)
        if known is None:
            pattern = Pattern.parse(item.value)
            if pattern.name is not None:
                known = frozenset([pattern.name] if pattern.name in self._permissions else [])
            elif len(self._matches) * len(self._permissions) > _MOST_COMPARED:
                self._faults.add(item, "too many different patterns for so many permissions")
                return frozenset()
            else:
                known = frozenset(name for name in self._permissions if pattern.matches(name))
            self._matches[item.value] = known
        if not known:
            if Pattern.parse(item.value).name is None:
                if not self._faults.incomplete:
                    self._faults.add(item, f"the pattern {shown(item.value)} matches no permission of the seed")
            else:
                self._missing(item, "permission", self._permissions)
        return known

    def _missing(self, node: Node, kind: str, names: Iterable[str]) -> None:
        """Note a fault for an unknown role or permission.

        If a file could not be read, note no fault, because that file may define the role or permission.
        """
        if not self._faults.incomplete:
            near = self._faults.did_you_mean(node.value, names)
            self._faults.add(node, f"{kind} {shown(node.value)} is not defined in the seed{near}")

    def _former_names(self) -> dict[str, str]:
        found: dict[str, Node] = {}
        former = {}
        for name, role in self._roles.items():
            node = role.get("renamed_from", "string")
            if node is None:
                continue
            first = found.setdefault(node.value, node)
            if node.value in self._roles:
                message = f"role {shown(node.value)} cannot be renamed to {shown(name)}"
                place = self._roles[node.value].place
                self._faults.add(node, f"{message}, because the seed also defines it, at {place}")
            elif first is not node:
                self._faults.add(
                    node, f"two roles have renamed_from {shown(node.value)}; the first is at {first.place}"
                )
            former[name] = node.value
        return former

    def _users(self) -> list[SeedUser]:
        seen: dict[tuple[str, str], Node] = {}
        users = []
        for item in (item for root in self._roots for item in root.items("users", "object")):
            email, username = item.get("email", "string"), item.get("username", "string")
            for role in item.items("roles"):
                if role.value not in self._roles:
                    self._missing(role, "role", self._roles)
            self._texts(item)
            if email is None or username is None:
                continue
            for kind, node in (("email", email), ("username", username)):
                first = seen.setdefault((kind, node.value.lower() if kind == "email" else node.value), node)
                if first is not node:
                    self._faults.add(node, f"two users have the {kind} {shown(node.value)}, the first at {first.place}")
            password = item.get("password", "object")
            roles = tuple(role.value for role in item.items("roles"))
            secret = password.get("env", "string") if password else None
            users.append(SeedUser(email, username, item.get("name", "string"), secret, roles))
        return users

    def _texts(self, user: Node) -> None:
        """Note faults for texts that are not valid for a user. A text with a variable is checked later, by the plan."""
        for key in ("email", "username", "name"):
            node = user.get(key, "string")
            text = expand(node.value, {}) if node and not variables(node.value) else None
            if node and text is not None and (problem := user_flaw(key, text)):
                self._faults.add(node, f"{shown(text)} {problem}")

    def _test(self, item: Node) -> SeedTest | None:
        role = item.get("role", "string")
        if role and role.value not in self._roles:
            self._missing(role, "role", self._roles)
        can, cannot = (
            self._union((named, self._match(named)) for named in item.items(key)) for key in ("can", "cannot")
        )
        return SeedTest(role.value, dict(sorted(can.items())), dict(sorted(cannot.items()))) if role else None

    def _retention(self) -> "Iterator[Rule]":
        items = (item for root in self._roots for item in root.items("retention", "object"))
        for name, item in self._named("retention rule", items).items():
            if len({"messages", "users"} & item.value.keys()) != 1:
                self._faults.add(item, "a retention rule requires either `messages` or `users`")
            elif rule := _retention_rule(name, item):
                yield rule


def _retention_rule(name: str, item: Node) -> "Rule | None":
    """Return the retention rule of an item in a seed file. Return None if the item is not complete and valid."""
    from actions.retention import Rule  # imported here because other seeds do not require the database driver

    messages, users = item.get("messages", "object"), item.get("users", "object")
    if messages and (age := messages.text("older_than")):
        last = messages.get("keep_last", "integer")
        keep_last = int(last.value) if last else None
        return Rule(name, "delete", age, messages.text("role"), messages.text("conversation"), keep_last)
    if users and (age := users.text("inactive_for")) and (deed := users.text("do")):
        return Rule(name, deed, age, users.text("role"))
    return None


def _items(root: Node, key: str) -> list[Node]:
    array = root.get(key, "array")
    return [item for item in array.value if item.kind in {"string", "object"}] if array else []


def _flag(role: Node, key: str) -> bool | None:
    node = role.get(key, "boolean")
    return None if node is None else node.value.lower() in {"true", "yes", "on"}


def resolution_order(graph: dict[str, list[str]]) -> tuple[list[str], list[list[str]]]:
    """Sort names so that each name comes after the names that it needs.

    `graph` maps each name to the names that it needs. The result also has a list of cycles, like `[a, b, a]`. For the
    order, the last step of a cycle is ignored. This function uses no recursion, because a chain of names can be very
    long.
    """
    order: dict[str, None] = {}
    cycles: list[list[str]] = []
    for start, others in graph.items():
        path: dict[str, Iterator[str]] = {} if start in order else {start: iter(others)}
        while path:
            name = next(reversed(path))
            step = next((other for other in path[name] if other not in order), None)
            if step is None:
                order[name] = None
                del path[name]
            elif step in path:
                names = list(path)
                cycles.append([*names[names.index(step) :], step])
            else:
                path[step] = iter(graph[step])
    return list(order), cycles
