"""The report of `access report`: unused, equal and overlapping roles, idle privileged users, and recent grants."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from bson import ObjectId

from actions import audit, lookup, queries
from actions.rules import lockout
from actions.users import access
from changes import Document
from changes.visible_values import readable
from database import connection
from database.listing import Row
from database.own_collections import AUDIT
from database.prefetch import prefetched
from database.references import ids_in, referred
from database.times import rfc3339
from database.wording import NAMED, counted
from models.values import UserStatus

USER_FIELDS: Final = ("username", "status", "rolesIds", "lastLogin", "createdAt")
NONE_PRIVILEGED: Final = (
    "privileged users were not checked, because no role is protected; choose roles with --privileged ROLE"
)


class Grant(NamedTuple):
    """The time when a user got a role, and the actor who granted it. Both are texts as in `audit list`."""

    at: Any
    actor: str


Grants = Mapping[tuple[Any, ObjectId], Grant]
"""The last grant of each role to each user. The key is the pair (id of the user, id of the role)."""


class Report(NamedTuple):
    """A report: rows `{finding, name, detail, id, roles, users, at, actor}`, and notes about skipped checks."""

    rows: list[Row]
    notes: list[str]


def report(*, idle_since: datetime, granted_since: datetime, privileged: Sequence[str] = ()) -> Report:
    """Report possible problems of roles, permissions and the users who have them.

    `privileged` names the privileged roles; the default is the protected roles. A privileged user
    who has not signed in since `idle_since` is reported as idle. A grant is reported if it was made after
    `granted_since` and the user still has the role. Raises `UnknownNameError` for an unknown role.
    """
    chosen = [role.document["_id"] for role in lookup.find_all("Role", privileged, ())] if privileged else None
    ids = {referred(one) for one in (lockout.protected_roles() if chosen is None else chosen)}
    roles = _Roles.read()
    members = _Members(roles, ids, idle_since, last_grants(granted_since))
    for user in prefetched(connection.database()["User"].find({}, USER_FIELDS)):
        members.add(user)
    rows = [
        *roles.unused_permissions(),
        *roles.without_permissions(),
        *roles.equal(),
        *roles.contained(),
        *(
            _row("empty-role", roles.names[one], "no user has this role", id=one)
            for one in roles.masks
            if one not in members.held
        ),
        *members.overlapping(),
        *sorted(members.idle, key=lambda row: str(row["name"])),
        *sorted(members.granted, key=lambda row: str(row["at"]), reverse=True),
    ]
    return Report(rows, [] if ids else [NONE_PRIVILEGED])


def diff(left: str, right: str) -> list[Row]:
    """Compare the permissions of two users. Return rows `{permission, user, through}` for those that only one has.

    `user` is the user who has the permission. `through` lists the roles of this user that grant the permission.
    """
    users = [lookup.find_user(ref, ("rolesIds",)) for ref in (left, right)]
    held = [_permissions(user) for user in users]
    rows = [
        {"permission": name, "user": lookup.user_label(user), "through": mine[name]}
        for user, mine, others in zip(users, held, reversed(held), strict=True)
        for name in mine.keys() - others.keys()
    ]
    return sorted(rows, key=lambda row: (str(row["permission"]), str(row["user"])))


def _permissions(user: Document) -> dict[str, list[str]]:
    """Return the permissions of a user, even if the user is suspended: permission → the roles that grant it."""
    through: dict[str, list[str]] = {}
    for role in access.read_roles(ids_in(user, "rolesIds")).values():
        for permission in role.permissions:
            through.setdefault(permission, []).append(role.name)
    return through


def _listed(names: Sequence[str]) -> str:
    more = [f"{len(names) - NAMED:,} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])


def _row(finding: str, name: str, detail: str, **more: Any) -> Row:
    rest: Row = {"id": None, "roles": [], "users": None, "at": None, "actor": None}
    return {"finding": finding, "name": name, "detail": detail, **rest, **more}


@dataclass
class _Roles:
    """All roles with their permissions.

    `masks` maps the id of each role to a bit mask: a number in which each bit stands for one permission.
    """

    names: dict[ObjectId, str]
    masks: dict[ObjectId, int]
    permissions: dict[ObjectId, str]

    @classmethod
    def read(cls) -> "_Roles":
        database = connection.database()
        permissions = {referred(one["_id"]): lookup.label(one) for one in database["Permission"].find({}, ["name"])}
        bits = {identifier: 1 << place for place, identifier in enumerate(permissions)}
        names, masks = {}, {}
        for role in database["Role"].find({}, ["name", "permissionsIds"]).sort("name"):
            identifier = referred(role["_id"])
            names[identifier] = lookup.label(role)
            masks[identifier] = sum(bits[one] for one in {*ids_in(role, "permissionsIds")} & bits.keys())
        return cls(names, masks, permissions)

    def unused_permissions(self) -> Iterator[Row]:
        used = 0
        for mask in self.masks.values():
            used |= mask
        for place, (identifier, name) in enumerate(self.permissions.items()):
            if not used >> place & 1:
                yield _row("unused-permission", name, "no role has this permission", id=identifier)

    def without_permissions(self) -> Iterator[Row]:
        for identifier, mask in self.masks.items():
            if not mask:
                yield _row(
                    "role-without-permissions", self.names[identifier], "this role has no permissions", id=identifier
                )

    def equal(self) -> Iterator[Row]:
        groups: dict[int, list[str]] = {}
        for identifier, mask in self.masks.items():
            groups.setdefault(mask, []).append(self.names[identifier])
        for mask, names in groups.items():
            if mask and len(names) > 1:
                number = counted(mask.bit_count(), "permission")
                yield _row("equal-roles", _listed(names), f"these roles have the same {number}", roles=names)

    def contained(self) -> Iterator[Row]:
        """Yield a row for each role whose permissions are all in another role that has more permissions."""
        for identifier, mask in self.masks.items():
            larger = [self.names[other] for other, more in self.masks.items() if mask | more == more != mask]
            if mask and larger:
                yield _row(
                    "contained-role",
                    self.names[identifier],
                    f"{_listed(larger)} {'has' if len(larger) == 1 else 'have'} all permissions of this role",
                    id=identifier,
                    roles=larger,
                )


@dataclass
class _Members:
    """Data about all users: the roles in use, combinations of roles, idle privileged users, and recent grants."""

    roles: _Roles
    privileged: set[Any]
    idle_since: datetime
    grants: Mapping[tuple[Any, ObjectId], Grant]
    held: set[ObjectId] = field(default_factory=set)
    idle: list[Row] = field(default_factory=list)
    granted: list[Row] = field(default_factory=list)
    combinations: Counter[frozenset[ObjectId]] = field(default_factory=Counter)

    def add(self, user: Document) -> None:
        ids = frozenset(self.roles.masks.keys() & ids_in(user, "rolesIds"))
        self.held |= ids
        if len(ids) > 1:
            self.combinations[ids] += 1
        if ids & self.privileged and user.get("status") != UserStatus.SUSPENDED:
            self._note_idle(user, self._names(ids & self.privileged))
        for role in ids if self.grants else ():
            if grant := self.grants.get((referred(user["_id"]), role)):
                name = self.roles.names[role]
                detail = f"got {name} on {str(rfc3339(grant.at))[:10]} from {grant.actor}"
                more = {"id": user["_id"], "roles": [name], "at": grant.at, "actor": grant.actor}
                self.granted.append(_row("recent-grant", lookup.user_label(user), detail, **more))

    def _note_idle(self, user: Document, names: list[str]) -> None:
        """Report a privileged user as idle if the user was created, and last signed in, before `idle_since`."""
        last, created = user.get("lastLogin"), user.get("createdAt")
        if any(isinstance(time, datetime) and time >= self.idle_since for time in (last, created)):
            return
        when = f"last signed in on {str(rfc3339(last))[:10]}" if isinstance(last, datetime) else "never signed in"
        detail = f"has {_listed(names)}, {when}"
        more = {"id": user["_id"], "roles": names, "at": readable(last)}
        self.idle.append(_row("idle-privileged", lookup.user_label(user), detail, **more))

    def overlapping(self) -> Iterator[Row]:
        """Yield a row for each combination of roles that users have, if two of these roles grant the same permission.

        The combination that most users have comes first.
        """
        for ids, users in self.combinations.most_common():
            masks = {one: self.roles.masks[one] for one in ids}
            common = _given_twice(masks.values())
            if not common:
                continue
            needless = [one for one in ids if masks[one] and not masks[one] & ~_union(masks, one)]
            names = self._names(ids)
            detail = f"{counted(common.bit_count(), 'permission')} granted by more than one of these roles"
            if needless:
                each = "each of " if len(needless) > 1 else ""
                detail = f"{each}{_listed(self._names(needless))} grants nothing that the other roles do not grant"
            detail = f"{counted(users, 'user')}; {detail}"
            yield _row("overlapping-roles", _listed(names), detail, roles=names, users=users)

    def _names(self, ids: Iterable[ObjectId]) -> list[str]:
        return sorted(self.roles.names[one] for one in ids)


def _given_twice(masks: Iterable[int]) -> int:
    once = twice = 0
    for mask in masks:
        twice |= once & mask
        once |= mask
    return twice


def _union(masks: Mapping[ObjectId, int], without: ObjectId) -> int:
    found = 0
    for one, mask in masks.items():
        found |= 0 if one == without else mask
    return found


def last_grants(since: datetime | None = None) -> Grants:
    """Return the last grant of each role to each user since a time.

    Grants are read from the audit trail, which does not contain grants by the application.
    """
    where: Document = {"kind": "part", "changes": {"$elemMatch": {"collection": "User", "fields.field": "rolesIds"}}}
    if since is not None:
        where["_id"] = {"$gte": _first_id(since)}
    events: dict[tuple[Any, ObjectId], Any] = {}
    for part in connection.database()[AUDIT].find(where, ["event", "changes"]).sort("_id", 1):
        for pair in _granted(part):
            events[pair] = part["event"]
    grants = {
        event["_id"]: Grant(readable(event.get("at")), audit.actor_text(event)) for event in _read(events.values())
    }
    return {pair: grants[event] for pair, event in events.items() if event in grants}


def _first_id(time: datetime) -> ObjectId:
    """Return the smallest ObjectId that can have this creation time.

    An ObjectId stores its creation time in seconds, from 1970 to 2106. For an earlier or later time, the nearest
    possible time is used.
    """
    seconds = min(max(int(time.timestamp()), 0), 2**32 - 1)
    return ObjectId(f"{seconds:08x}{0:016x}")


def _granted(part: Document) -> Iterator[tuple[Any, ObjectId]]:
    """Yield (user id, role id) for each grant in one part of an audit event.

    In a restored audit trail, a field may have any type, so the type of each field is checked.
    """
    for change in _documents(part, "changes"):
        for changed in _documents(change, "fields") if change.get("collection") == "User" else ():
            if changed.get("field") == "rolesIds":
                before = {*ids_in(changed, "from")}
                roles = [role for side in ("added", "to") for role in ids_in(changed, side) if role not in before]
                yield from ((user, role) for user in ids_in(change, "ids") for role in roles)


def _documents(document: Document, field: str) -> list[Document]:
    items = document.get(field)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _read(events: Iterable[Any]) -> Iterator[Document]:
    yield from queries.find_by_values(AUDIT, "_id", {*events}, ["at", "actor"])
