"""Suspend and reinstate users, verify their e-mails, set their passwords, and unlink their sign-ins."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from actions import lookup, queries
from actions.errors import UnknownNameError
from actions.rules import passwords
from actions.rules.checked_changeset import checked_changeset, replannable
from changes import ABSENT, Changeset, Document, Draft, Question, Result
from changes.change import same
from changes.events import now
from changes.visible_values import readable_text
from database import connection
from database.wording import did_you_mean, in_words, shown
from models.values import UserStatus

FIELDS: Final = ("status", "emailVerified", "updatedAt")
"""The fields that are read of a user before the status or the e-mail changes."""

VERIFYING: Final = ("email", "emailVerified", "status")
"""The fields that decide whether the e-mail of a user is verified."""


STOPPED: Final = "New sign-ins are blocked. Open sessions may continue."


@replannable()
def suspend(refs: Sequence[str], *, skip_missing: bool = False, allow_last_member: bool = False) -> Changeset:
    """Block new sign-ins of users.

    Raises `LastMemberError` if a protected role would lose its last active member.
    """
    users = lookup.find_users(refs, FIELDS, skip_missing=skip_missing)
    return _change("suspend", users, _suspended, asks=True, notes=[STOPPED], allow_last_member=allow_last_member)


@replannable()
def reinstate(refs: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Let suspended users sign in again. Give a valid status to users with an invalid status. Skip all other users."""
    return _change(
        "reinstate", lookup.find_users(refs, FIELDS, skip_missing=skip_missing), _reinstated, given=VERIFYING
    )


def verify_email(refs: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Mark users' e-mail addresses as verified. Suspended users stay suspended."""
    return _change(
        "verify-email", lookup.find_users(refs, FIELDS, skip_missing=skip_missing), verified, given=VERIFYING
    )


def verified(user: Document) -> Document:
    """Return the fields to set when an e-mail is verified.

    If the e-mail was verified before, the earlier time is kept.
    """
    values: Document = {} if user.get("emailVerified") else {"emailVerified": now()}
    if user.get("status") != UserStatus.SUSPENDED:
        values["status"] = UserStatus.EMAIL_VERIFIED.value
    return values


def unverified(user: Document) -> Document:
    """Return the fields to set when an e-mail is no longer verified."""
    ends = user.get("status") == UserStatus.EMAIL_VERIFIED
    return {"emailVerified": ABSENT} | ({"status": UserStatus.ACTIVE.value} if ends else {})


def change(draft: Draft, user: Document, values: Document, given: Iterable[str] = ()) -> bool:
    """Add the change of a user's fields to a draft, together with `updatedAt`. Return True if any field changes."""
    differs = any(not same(user.get(name, ABSENT), value) for name, value in values.items())
    if differs:
        draft.set("User", user, {**values, "updatedAt": now()}, given)
    return differs


_OUTCOMES: Final = {"suspend": "suspended", "reinstate": "reinstated", "verify-email": "verified"}
_IF_UNCHANGED: Final = {
    "suspend": "already suspended",
    "reinstate": "not suspended",
    "verify-email": "already verified",
}
_QUESTIONS: Final = {"verify-email": Question("Mark the e-mail of", "User", "as verified")}


def _change(
    verb: str,
    users: lookup.FoundAll,
    values: Callable[[Document], Document],
    *,
    given: Sequence[str] = (),
    **details: Any,
) -> Changeset:
    draft = Draft()
    results = []
    for user in users:
        draft.reserve(1)
        changed = change(draft, user.document, values(user.document), given)
        outcome = _OUTCOMES[verb] if changed else "unchanged"
        results.append(Result(user.document["_id"], user.ref, outcome, if_unchanged=_IF_UNCHANGED[verb]))
    command = f"users {verb} {in_words([user.ref for user in users])}"
    return checked_changeset(command, draft, [*results, *users.missing], question=_QUESTIONS.get(verb), **details)


def _suspended(_: Document) -> Document:
    return {"status": UserStatus.SUSPENDED.value}


def _reinstated(user: Document) -> Document:
    if user.get("status") in (UserStatus.ACTIVE, UserStatus.EMAIL_VERIFIED):
        return {}
    return {"status": (UserStatus.EMAIL_VERIFIED if user.get("emailVerified") else UserStatus.ACTIVE).value}


def set_password(ref: str, password: str | None, *, reveal: bool = False, allow_lockout: bool = False) -> Changeset:
    """Set the password of a user, or remove the password if `password` is None.

    If `reveal` is true, the result contains the password. Raises `BadPasswordError`. Raises `LastSignInError` if the
    user would have no way to sign in, unless `allow_lockout` is true.
    """
    user = lookup.find_user(ref, ("name", "hashedPassword", *FIELDS))
    label = lookup.user_label(user)
    secret: Any = ABSENT
    if password is not None:
        own = [user.get(field) for field in ("email", "username", "name")]
        passwords.validate(password, [text for text in own if isinstance(text, str)])
        secret = passwords.bcrypt_hash(password)
    draft = Draft()
    changed = change(draft, user, {"hashedPassword": secret})
    outcome = "unchanged" if not changed else "password set" if password is not None else "password removed"
    shown = password if reveal else None
    result = Result(user["_id"], label, outcome, password=shown, if_unchanged="has no password")
    command = f"users set-password {label}"
    question = Question("Remove the password of" if password is None else "Set the password of", "User")
    return checked_changeset(command, draft, [result], allow_lockout=allow_lockout, question=question)


def unlink(ref: str, provider: str, *, allow_lockout: bool = False) -> Changeset:
    """Remove a linked sign-in from a user.

    Raises `UnknownNameError` if the user has no sign-in at the provider. Raises `LastSignInError` if the user would
    have no way to sign in, unless `allow_lockout` is true.
    """
    user = lookup.find_user(ref, ("updatedAt",))
    label = lookup.user_label(user)
    accounts = list(connection.database()["Account"].find(queries.refers_to("Account", "userId", user["_id"])))
    unlinked = [account for account in accounts if account.get("provider") == provider]
    if not unlinked:
        linked = sorted({readable_text(account.get("provider")) for account in accounts})
        known = f"linked: {', '.join(linked)}" if linked else "this user has no linked sign-in"
        raise UnknownNameError(f"{label} has no sign-in at {shown(provider)}", did_you_mean(provider, linked) or known)
    draft = Draft()
    for account in unlinked:
        draft.delete("Account", account)
    # The user is changed too. So the audit trail lists the event under this user.
    change(draft, user, {"updatedAt": now()})
    results = [Result(user["_id"], label, f"unlinked from {provider}")]
    return checked_changeset(
        f"users unlink {label} {provider}",
        draft,
        results,
        asks=True,
        allow_lockout=allow_lockout,
        question=Question(f"Unlink {provider} from", "User"),
    )
