"""A protected role keeps an active member, whatever the command."""

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


LEAVING: Final = frozenset({"rolesIds", "status"})
"""The fields by which somebody ceases to be an active member."""


def protected_roles() -> set[ObjectId]:
    """Return the ids of the roles that a seed has marked as protected."""
    document = connection.database()[STATE].find_one({"_id": PROTECTED}) or {}
    return set(ids_in(document, "ids"))


def rules(changes: Iterable[Change]) -> list[Rule]:
    """Return the rules that changes have to keep: one for each protected role that would lose members.

    They follow from the changes alone, so that no command and no undo can forget them. Each is looked at once here,
    which raises `LastMemberError` before anybody is asked, and again in the transaction.
    """
    leaving = _leaving([change for change in changes if change.collection == "User" and _may_leave(change)])
    kept = [_rule(role, users) for role, users in leaving.items()] if leaving else []
    for rule in kept:
        rule.check(None)
    return kept


def _leaving(changes: list[Change]) -> dict[ObjectId, set[Any]]:
    """Return protected role → users that leave it or are stopped.

    Who is stopped counts for every protected role: one that they do not have yet may be theirs when it is written.
    """
    losses: list[tuple[Any, Collection[Any]]] = []
    stopped: set[Any] = set()
    for change in changes:
        if isinstance(change, Delete):
            losses.append((change.document["_id"], ids_in(change.document, "rolesIds")))
        elif isinstance(change, Update):
            losses += [(user, _lost(change)) for user in change.ids]
            status = change.fields.get("status")
            if isinstance(status, Set) and status.after == UserStatus.SUSPENDED:
                stopped.update(change.ids)
    if not stopped and not any(roles for _, roles in losses):
        return {}
    leaving = {role: {user for user, roles in losses if role in roles} | stopped for role in protected_roles()}
    return {role: users for role, users in leaving.items() if users}


def _may_leave(change: Change) -> bool:
    return isinstance(change, Delete) or (isinstance(change, Update) and not LEAVING.isdisjoint(change.fields))


def _lost(change: Update) -> Collection[Any]:
    field = change.fields.get("rolesIds")
    if isinstance(field, Take):
        return list(map(referred, field.ids))
    if isinstance(field, Set):
        kept = ids_in({"ids": field.after}, "ids")
        return [role for role in ids_in({"ids": field.before}, "ids") if role not in kept]
    return ()


def _rule(role: ObjectId, leaving: set[Any]) -> Rule:
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
        # Nobody would be left; that is a loss only where an active member is among those who leave.
        if users.find_one({"_id": {"$in": list(leaving)}, **active}, {"_id": 1}, session=session):
            raise LastMemberError(
                f'the protected role "{readable(document.get("name"))}" would lose its last active member',
                "give it to somebody else first, or allow it with --allow-last-member",
            )

    return Rule(f"role:{role}", check)
