"""Suspend and reinstate users, and mark their e-mails as verified."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from actions import lookup
from actions.rules.checked_changeset import checked_changeset, replannable
from changes import ABSENT, Changeset, Document, Draft, Result
from changes.change import same
from changes.events import now
from database.wording import in_words
from models.user import UserStatus

FIELDS: Final = ("status", "emailVerified", "updatedAt")
"""The fields that are read of a user before the status or the e-mail changes."""

VERIFYING: Final = ("email", "emailVerified", "status")
"""The fields that decide whether an e-mail is verified."""


STOPPED: Final = "they cannot sign in any more; their messages stay, and a session that is open may go on"


@replannable()
def suspend(refs: Sequence[str], *, skip_missing: bool = False, allow_last_member: bool = False) -> Changeset:
    """Block new sign-ins of users.

    Raises `LastMemberError` if a protected role would lose its last active member.
    """
    users = lookup.find_users(refs, FIELDS, skip_missing=skip_missing)
    return _change("suspend", users, _suspended, asks=True, notes=[STOPPED], allow_last_member=allow_last_member)


@replannable()
def reinstate(refs: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Let suspended users sign in again, and give a status to users without a valid one; other users are unchanged."""
    return _change(
        "reinstate", lookup.find_users(refs, FIELDS, skip_missing=skip_missing), _reinstated, given=VERIFYING
    )


def verify_email(refs: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Mark users' e-mail addresses as verified; suspended users stay suspended."""
    return _change(
        "verify-email", lookup.find_users(refs, FIELDS, skip_missing=skip_missing), verified, given=VERIFYING
    )


def verified(user: Document) -> Document:
    """Return the fields of a user whose e-mail is verified; an earlier verification keeps its time."""
    values: Document = {} if user.get("emailVerified") else {"emailVerified": now()}
    if user.get("status") != UserStatus.SUSPENDED:
        values["status"] = UserStatus.EMAIL_VERIFIED.value
    return values


def unverified(user: Document) -> Document:
    """Return the fields of a user whose e-mail is not verified."""
    ends = user.get("status") == UserStatus.EMAIL_VERIFIED
    return {"emailVerified": ABSENT} | ({"status": UserStatus.ACTIVE.value} if ends else {})


def change(draft: Draft, user: Document, values: Document, given: Iterable[str] = ()) -> bool:
    """Change fields of a user on a draft, and `updatedAt` like the application; return whether any field differs."""
    differs = any(not same(user.get(name, ABSENT), value) for name, value in values.items())
    if differs:
        draft.set("User", user, {**values, "updatedAt": now()}, given)
    return differs


_OUTCOMES: Final = {"suspend": "suspended", "reinstate": "reinstated", "verify-email": "verified"}


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
        results.append(Result(user.document["_id"], user.ref, _OUTCOMES[verb] if changed else "unchanged"))
    command = f"users {verb} {in_words([user.ref for user in users])}"
    return checked_changeset(command, draft, [*results, *users.missing], **details)


def _suspended(_: Document) -> Document:
    return {"status": UserStatus.SUSPENDED.value}


def _reinstated(user: Document) -> Document:
    if user.get("status") in (UserStatus.ACTIVE, UserStatus.EMAIL_VERIFIED):
        return {}
    return {"status": (UserStatus.EMAIL_VERIFIED if user.get("emailVerified") else UserStatus.ACTIVE).value}
