"""The rules against lockout: a user keeps a way to sign in, and a protected role keeps an active member."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession

from actions.errors import LastMemberError, LastSignInError
from changes import ABSENT, Add, Change, Delete, Insert, Rule, Set, Take, Update
from changes.visible_values import readable
from database import connection
from database.own_collections import STATE
from database.references import forms, ids_in, joined, referred, referring_to
from models.links import ACCOUNT_USER
from models.values import UserStatus


def sign_in_rules(changes: Iterable[Change], names: Mapping[Any, str]) -> list[Rule]:
    """Return a rule for each user who loses a password or a linked sign-in, except deleted users.

    Each rule is checked twice: now, to raise `LastSignInError` before the user is asked, and in the transaction. Only
    the changes decide which rules are returned.
    """
    accounts: dict[Any, list[Any]] = {}
    without: set[Any] = set()
    safe: set[Any] = set()
    for change in changes:
        if isinstance(change, Update):
            password = change.fields.get("hashedPassword") if change.collection == "User" else None
            if isinstance(password, Set):
                (without if password.after in (ABSENT, None) else safe).update(map(referred, change.ids))
        elif change.collection == ACCOUNT_USER.collection:
            user = referred(change.document.get(ACCOUNT_USER.field))
            if isinstance(change, Insert):
                safe.add(user)
            else:
                accounts.setdefault(user, []).append(change.document["_id"])
        elif isinstance(change, Delete) and change.collection == "User":
            safe.add(referred(change.document["_id"]))
    losing = (accounts.keys() | without) - safe
    kept = [_sign_in_rule(user, names.get(user, str(user)), accounts.get(user, []), user in without) for user in losing]
    for rule in kept:
        rule.check(None)
    return kept


def _sign_in_rule(user: Any, label: str, accounts: list[Any], without_password: bool) -> Rule:
    def check(session: ClientSession | None) -> None:
        database = connection.database()
        password = {"_id": {"$in": forms(user)}, "hashedPassword": {"$ne": None}}
        if not without_password and database["User"].find_one(password, {"_id": 1}, session=session):
            return
        theirs = referring_to(database, ACCOUNT_USER.collection, ACCOUNT_USER.field, [user], session)
        others = joined({"_id": {"$nin": accounts}}, theirs)
        if database[ACCOUNT_USER.collection].find_one(others, {"_id": 1}, session=session):
            return
        raise LastSignInError(f"{label} would have no way to sign in", "set a password first, or add --allow-lockout")

    return Rule(f"sign-in:{user}", check)


LAST_MEMBER: Final = "last-member"
LOCKOUT: Final = "lockout"
"""The names of the two rules that options of a command switch off (`--allow-last-member`, `--allow-lockout`)."""


def lifted(*, allow_last_member: bool = False, allow_lockout: bool = False) -> frozenset[str]:
    """Return the names of the rules that the options of this command switch off."""
    given = {LAST_MEMBER: allow_last_member, LOCKOUT: allow_lockout}
    return frozenset(name for name, is_lifted in given.items() if is_lifted)


PROTECTED: Final = "protected-roles"
"""The `_id` of the document in `chatctl_state` with the ids of the protected roles, in its list `ids`."""


MEMBERSHIP: Final = frozenset({"rolesIds", "status"})
"""The fields of a user that decide whether the user is an active member of a role."""


def protected_roles() -> set[ObjectId]:
    """Return the ids of the roles that a seed has marked as protected."""
    document = connection.database()[STATE].find_one({"_id": PROTECTED}) or {}
    return set(ids_in(document, "ids"))


def member_rules(changes: Iterable[Change]) -> list[Rule]:
    """Return a rule for each protected role that would lose members.

    A user who gets such a role in the same changeset counts as a member. Each rule is checked twice: now, to raise
    `LastMemberError` before the user is asked, and in the transaction. Only the changes decide which rules are
    returned, so no command and no undo can forget a rule.
    """
    of_users = [change for change in changes if change.collection == "User" and _may_leave(change)]
    leaving = _leaving_users(of_users)
    gaining = _gaining_users(of_users) if leaving else {}
    kept = [_member_rule(role, users, gaining.get(role, [])) for role, users in leaving.items()]
    for rule in kept:
        rule.check(None)
    return kept


def _leaving_users(changes: list[Change]) -> dict[ObjectId, set[Any]]:
    """Return protected role → the users who lose this role, are deleted or become suspended.

    A suspended user is listed for every protected role, because the user may get the role before the write. A role is
    left out if an undo restores an active user with this role.
    """
    returning: set[Any] = set()
    revoked: list[tuple[Any, Collection[Any]]] = []
    suspended: set[Any] = set()
    for change in changes:
        if isinstance(change, Delete):
            revoked.append((change.document["_id"], ids_in(change.document, "rolesIds")))
        elif isinstance(change, Insert):
            returning.update(ids_in(change.document, "rolesIds") if _is_active(change.document) else ())
        else:
            revoked += [(user, _revoked_roles(change)) for user in change.ids]
            status = change.fields.get("status")
            if isinstance(status, Set) and status.after == UserStatus.SUSPENDED:
                suspended.update(change.ids)
    if not suspended and not any(roles for _, roles in revoked):
        return {}
    kept = protected_roles() - returning
    leaving = {role: {user for user, roles in revoked if role in roles} | suspended for role in kept}
    return {role: users for role, users in leaving.items() if users}


def _gaining_users(changes: list[Change]) -> dict[ObjectId, list[Any]]:
    """Return role → the users who get this role."""
    gaining: dict[ObjectId, list[Any]] = {}
    for change in changes:
        field = change.fields.get("rolesIds") if isinstance(change, Update) else None
        ids = field.ids if isinstance(field, Add) else field.after if isinstance(field, Set) else ()
        for role in ids_in({"ids": [*ids] if isinstance(ids, list | tuple) else []}, "ids"):
            gaining.setdefault(role, []).extend(change.ids)
    return gaining


def _may_leave(change: Change) -> bool:
    return not isinstance(change, Update) or not MEMBERSHIP.isdisjoint(change.fields)


def _is_active(user: Mapping[str, Any]) -> bool:
    return user.get("status") != UserStatus.SUSPENDED.value


def _revoked_roles(change: Update) -> Collection[Any]:
    field = change.fields.get("rolesIds")
    if isinstance(field, Take):
        return list(map(referred, field.ids))
    if isinstance(field, Set):
        kept = ids_in({"ids": field.after}, "ids")
        return [role for role in ids_in({"ids": field.before}, "ids") if role not in kept]
    return ()


def _member_rule(role: ObjectId, leaving: set[Any], gaining: list[Any]) -> Rule:
    def check(session: ClientSession | None) -> None:
        database = connection.database()
        document = database["Role"].find_one({"_id": role}, {"name": 1, "userIds": 1}, session=session)
        if document is None:
            return
        able = {"status": {"$ne": UserStatus.SUSPENDED.value}}
        active = {"rolesIds": {"$in": forms(role)}, **able}
        users = database["User"]
        if users.find_one(
            {"_id": {"$in": [one for one in gaining if one not in leaving]}, **able}, {"_id": 1}, session=session
        ):
            return
        gone = set(map(referred, leaving))
        members = [form for one in ids_in(document, "userIds") if one not in gone for form in forms(one)]
        if users.find_one({"_id": {"$in": members}, **active}, {"_id": 1}, session=session):
            return
        # A role that had no active member before may stay without an active member.
        if users.find_one({"_id": {"$in": list(leaving)}, **active}, {"_id": 1}, session=session):
            raise LastMemberError(
                f'the protected role "{readable(document.get("name"))}" would lose its last active member',
                "grant the role to another user first, or add --allow-last-member",
            )

    return Rule(f"role:{role}", check)
