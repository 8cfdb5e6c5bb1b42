"""The rule that a user keeps a way to sign in, for every command."""

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo.client_session import ClientSession

from actions.errors import LastSignInError
from changes import ABSENT, Change, Delete, Insert, Rule, Set, Update
from database import connection
from database.references import forms, joined, referred, referring_to
from models.links import ACCOUNT_USER


def sign_in_rules(changes: Iterable[Change], names: Mapping[Any, str]) -> list[Rule]:
    """Return a rule for each user who loses a password or a linked sign-in and is not deleted.

    The rules depend only on the changes. Each rule is checked here, which raises `LastSignInError` before the question,
    and again in the transaction.
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
        raise LastSignInError(
            f"{label} would have no way to sign in any more", "set a password first, or allow it with --allow-lockout"
        )

    return Rule(f"sign-in:{user}", check)
