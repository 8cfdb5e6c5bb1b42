"""Grant roles to users and revoke roles. Larger changes also use these functions."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from bson import ObjectId

from actions import lookup
from actions.rules.checked_changeset import checked_changeset, replannable
from changes import ABSENT, Add, Change, Changeset, Document, Draft, Question, Result, Set, Update
from changes.change import FieldChange, Take
from changes.draft import BATCH
from changes.id_lists import MOST_IDS, TooManyLinksError, add_missing, take_present
from database import connection
from database.references import ids_in, referred
from database.wording import enumerated, in_words
from models.links import USER_ROLES

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
    """Remove roles from users. A link is removed even if only the user or only the role has it.

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
    """Collect the changes of `Role.userIds` in one batch.

    All users of a role are added or removed together, not one by one.
    """

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
        """Add a new user to a role. The same batch creates the user, so no list has the id of this user yet."""
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
        """Count `count` more users for a role.

        Raise `TooManyLinksError` if the list of users of this role would become too long.
        """
        held = self._document(role).get(USER_IDS) or ()
        self._reserved[role] = self._reserved.get(role, len(held)) + count
        if self._reserved[role] > MOST_IDS:
            raise TooManyLinksError("Role", role, USER_IDS, self._reserved[role])

    def changes(self) -> Iterator[Change]:
        """Yield the changes that were collected since the last call.

        Another program may already have added or removed the same user in the list of a role. The write makes this
        change a second time. So both sides of the link are right, even if the other program reverses its change.
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
        """Return those of the users who are in the list of a role.

        If `present` is false, return the users who are not in the list.
        """
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
    """Return the change that adds new users to a role. The list of users in memory is not changed."""
    before = document.get(USER_IDS, ABSENT)
    if isinstance(before, list):
        return Add(tuple(users), new=True)
    document[USER_IDS] = list(users)
    return Set(before, document[USER_IDS])
