"""Create users, and update their e-mail, username, name and profile."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from bson import ObjectId

from actions import lookup
from actions.rules import new_names, passwords
from actions.rules.checked_changeset import checked_changeset
from actions.users import status
from changes import ABSENT, Changeset, Document, Draft, Result
from changes.events import now
from database import connection
from database.errors import UsageError
from models.links import USER_ROLES
from models.values import UserStatus

Profile: TypeAlias = Mapping[str, str | None]
"""The fields `phoneNumber`, `address` and `imageUrl` of a profile. An empty text removes a field. None keeps it."""


def create(
    email: str,
    username: str,
    *,
    name: str | None = None,
    roles: Sequence[str] = (),
    password: str | None = None,
    reveal: bool = False,
    verified: bool = False,
    profile: Profile | None = None,
) -> Changeset:
    """Create a user. A user without a password cannot sign in yet.

    If `reveal` is true, the result contains the password. Raises `NameTakenError`, `BadNameError` and
    `BadPasswordError`.
    """
    new_names.validate_email(email)
    new_names.validate_username(username)
    new_names.validate_texts({"name": name, **(profile or {})})
    held = lookup.find_all("Role", roles, ("userIds",))
    secret = None
    if password is not None:
        passwords.validate(password, [email, username, name])
        secret = passwords.bcrypt_hash(password)
    user = new_user(email, username, name=name or None, hashedPassword=secret)
    draft = Draft()
    draft.insert("User", user)
    if verified:
        draft.set("User", user, status.verified(user))
    draft.set("User", user, _change_profile(draft, user, profile or {}))
    draft.link(USER_ROLES, [user], [role.document for role in held])
    result = Result(user["_id"], username, "created", password=password if reveal else None)
    words = ["users create", username, *(f"--role {role.ref}" for role in held)]
    return checked_changeset(" ".join(words), draft, [result])


def update(
    ref: str,
    *,
    email: str | None = None,
    username: str | None = None,
    name: str | None = None,
    verified: bool = False,
    profile: Profile | None = None,
) -> Changeset:
    """Change the given fields of a user. An empty text removes an optional field.

    A new e-mail counts as not verified, unless `verified` is true.
    """
    if verified and email is None:
        raise UsageError("--verified requires --email", "to verify the current e-mail: chatctl users verify-email USER")
    if {email, username, name, *(profile or {}).values()} == {None}:
        raise UsageError("no option says what to change", "see chatctl users update --help")
    user = lookup.find_user(ref, ("name", "profileId", *status.FIELDS))
    called = lookup.user_label(user)
    values: Document = {}
    if email is not None:
        values |= _new_email(user, email, verified=verified)
    if username is not None and username != user.get("username"):
        new_names.validate_username(username)
        values["username"] = username
    if name is not None and name != user.get("name"):
        new_names.validate_texts({"name": name})
        values["name"] = name or ABSENT
    draft = Draft()
    values |= _change_profile(draft, user, profile or {})
    if (
        draft.changes
    ):  # The user is changed even if only the profile changes. So the audit trail lists the event under this user.
        values["updatedAt"] = now()
    status.change(draft, user, values, given=() if email is None else status.VERIFYING)
    outcome = "updated" if draft.changes else "unchanged"
    result = Result(user["_id"], lookup.user_label(user), outcome, if_unchanged="already has these values")
    return checked_changeset(f"users update {called}", draft, [result])


def new_user(email: str, username: str, **fields: Any) -> Document:
    """Return the document of a new user, as the application would write it.

    `fields` with the value None are left out.
    """
    created = now()
    document = {
        "_id": ObjectId(),
        "email": email.lower(),
        "username": username,
        "rolesIds": [],
        "status": UserStatus.ACTIVE.value,
        "createdAt": created,
        "updatedAt": created,
        "conversationIds": [],
        "seenMessageIds": [],
    }
    return document | {name: value for name, value in fields.items() if value is not None}


def _new_email(user: Document, email: str, *, verified: bool) -> Document:
    """Return the fields that change with a new e-mail.

    If the new e-mail differs only in upper and lower case, it stays verified.
    """
    if email.lower() != user.get("email"):
        new_names.validate_email(email, owner=user["_id"])
    if email.lower() != str(user.get("email")).lower():
        user = {**user, "emailVerified": None} if verified else user
        return {"email": email.lower()} | (status.verified(user) if verified else status.unverified(user))
    return {"email": email.lower()} | (status.verified(user) if verified else {})


def _change_profile(draft: Draft, user: Document, given: Profile) -> Document:
    """Change or create the profile of a user. Return the fields of the user's document that must change too."""
    values = {field: value or ABSENT for field, value in given.items() if value is not None}
    there = connection.database()["Profile"].find_one({"userId": user["_id"]}) if values else None
    new_names.validate_texts({field: text for field, text in given.items() if text != (there or {}).get(field)})
    if there is not None:
        draft.set("Profile", there, values)
        return {"profileId": there["_id"]} if draft.changes else {}
    filled = {field: value for field, value in values.items() if value is not ABSENT}
    if not filled:
        return {}
    profile = {"_id": ObjectId(), "userId": user["_id"], **filled}
    draft.insert("Profile", profile)
    return {"profileId": profile["_id"]}
