"""Whether users may sign in, and whether their e-mail is known to be theirs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from actions import finding
from actions.rules.changesets import changeset, replannable
from changes import ABSENT, Changeset, Document, Draft, Result
from changes.change import same
from changes.events import now
from database.wording import in_words
from models.user import UserStatus

FIELDS: Final = ("status", "emailVerified", "updatedAt")
"""What is read of a user for a change of these."""

VERIFYING: Final = ("email", "emailVerified", "status")
"""What it rests on whether an e-mail is verified."""


STOPPED: Final = "they cannot sign in any more; their messages stay, and a session that is open may go on"


@replannable()
def suspend(refs: Sequence[str], *, skip_missing: bool = False, allow_last_member: bool = False) -> Changeset:
    """Keep users from signing in.

    Raises `LastMemberError` where a protected role would lose its last active member.
    """
    users = finding.users(refs, FIELDS, skip_missing=skip_missing)
    return _change("suspend", users, _suspended, asks=True, notes=[STOPPED], allow_last_member=allow_last_member)


@replannable()
def reinstate(refs: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Let suspended users sign in again, and give a status to users without a valid one; other users are unchanged."""
    return _change("reinstate", finding.users(refs, FIELDS, skip_missing=skip_missing), _reinstated, given=VERIFYING)


def verify_email(refs: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Note that users' e-mail addresses are theirs; suspended users stay suspended."""
    return _change("verify-email", finding.users(refs, FIELDS, skip_missing=skip_missing), verified, given=VERIFYING)


def verified(user: Document) -> Document:
    """Return the fields of a user whose e-mail is verified now, or has been before."""
    values: Document = {} if user.get("emailVerified") else {"emailVerified": now()}
    if user.get("status") != UserStatus.SUSPENDED:
        values["status"] = UserStatus.EMAIL_VERIFIED.value
    return values


def unverified(user: Document) -> Document:
    """Return the fields of a user whose e-mail is not known to be theirs."""
    ends = user.get("status") == UserStatus.EMAIL_VERIFIED
    return {"emailVerified": ABSENT} | ({"status": UserStatus.ACTIVE.value} if ends else {})


def change(draft: Draft, user: Document, values: Document, given: Iterable[str] = ()) -> bool:
    """Change fields of a user on a draft, `updatedAt` with them as the application does; tell whether any differed."""
    differs = any(not same(user.get(name, ABSENT), value) for name, value in values.items())
    if differs:
        draft.set("User", user, {**values, "updatedAt": now()}, given)
    return differs


_OUTCOMES: Final = {"suspend": "suspended", "reinstate": "reinstated", "verify-email": "verified"}


def _change(
    verb: str,
    users: finding.FoundAll,
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
    return changeset(command, draft, [*results, *users.missing], **details)


def _suspended(_: Document) -> Document:
    return {"status": UserStatus.SUSPENDED.value}


def _reinstated(user: Document) -> Document:
    if user.get("status") in (UserStatus.ACTIVE, UserStatus.EMAIL_VERIFIED):
        return {}
    return {"status": (UserStatus.EMAIL_VERIFIED if user.get("emailVerified") else UserStatus.ACTIVE).value}
