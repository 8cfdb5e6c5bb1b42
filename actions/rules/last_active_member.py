"""The rule that a protected role keeps an active member, for every command."""

from collections.abc import Collection, Iterable
from typing import Any, Final

from bson import ObjectId
from pymongo.client_session import ClientSession

from actions.errors import LastMemberError
from changes import Change, Delete, Rule, Set, Take, Update, ids_in
from changes.visible_values import readable
from database import connection
from database.own_collections import STATE
from database.references import forms, referred
from models.user import UserStatus

PROTECTED: Final = "protected-roles"
"""The `_id` of the state document whose `ids` are the protected roles."""


MEMBERSHIP: Final = frozenset({"rolesIds", "status"})
"""The fields whose change can end an active membership."""


def protected_roles() -> set[ObjectId]:
    """Return the ids of the roles that a seed has marked as protected."""
    document = connection.database()[STATE].find_one({"_id": PROTECTED}) or {}
    return set(ids_in(document, "ids"))


def member_rules(changes: Iterable[Change]) -> list[Rule]:
    """Return a rule for each protected role that would lose members.

    The rules depend only on the changes, so that no command and no undo can forget them. Each rule is checked here,
    which raises `LastMemberError` before the question, and again in the transaction.
    """
    leaving = _leaving_users([change for change in changes if change.collection == "User" and _may_leave(change)])
    kept = [_member_rule(role, users) for role, users in leaving.items()] if leaving else []
    for rule in kept:
        rule.check(None)
    return kept


def _leaving_users(changes: list[Change]) -> dict[ObjectId, set[Any]]:
    """Return protected role → users who leave it or are suspended.

    A suspended user counts for every protected role: the user may get a role before the write.
    """
    revoked: list[tuple[Any, Collection[Any]]] = []
    suspended: set[Any] = set()
    for change in changes:
        if isinstance(change, Delete):
            revoked.append((change.document["_id"], ids_in(change.document, "rolesIds")))
        elif isinstance(change, Update):
            revoked += [(user, _revoked_roles(change)) for user in change.ids]
            status = change.fields.get("status")
            if isinstance(status, Set) and status.after == UserStatus.SUSPENDED:
                suspended.update(change.ids)
    if not suspended and not any(roles for _, roles in revoked):
        return {}
    leaving = {role: {user for user, roles in revoked if role in roles} | suspended for role in protected_roles()}
    return {role: users for role, users in leaving.items() if users}


def _may_leave(change: Change) -> bool:
    return isinstance(change, Delete) or (isinstance(change, Update) and not MEMBERSHIP.isdisjoint(change.fields))


def _revoked_roles(change: Update) -> Collection[Any]:
    field = change.fields.get("rolesIds")
    if isinstance(field, Take):
        return list(map(referred, field.ids))
    if isinstance(field, Set):
        kept = ids_in({"ids": field.after}, "ids")
        return [role for role in ids_in({"ids": field.before}, "ids") if role not in kept]
    return ()


def _member_rule(role: ObjectId, leaving: set[Any]) -> Rule:
    def check(session: ClientSession | None) -> None:
        database = connection.database()
        document = database["Role"].find_one({"_id": role}, {"name": 1, "userIds": 1}, session=session)
        if document is None:
            return
        active = {"rolesIds": {"$in": forms(role)}, "status": {"$ne": UserStatus.SUSPENDED.value}}
        users = database["User"]
        gone = set(map(referred, leaving))
        members = [form for one in ids_in(document, "userIds") if one not in gone for form in forms(one)]
        if users.find_one({"_id": {"$in": members}, **active}, {"_id": 1}, session=session):
            return
        # No active member stays; that is a loss only if an active member is among the leaving users.
        if users.find_one({"_id": {"$in": list(leaving)}, **active}, {"_id": 1}, session=session):
            raise LastMemberError(
                f'the protected role "{readable(document.get("name"))}" would lose its last active member',
                "give it to somebody else first, or allow it with --allow-last-member",
            )

    return Rule(f"role:{role}", check)
