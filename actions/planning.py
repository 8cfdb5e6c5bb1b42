"""From a draft to a changeset that keeps the rules."""

from typing import Any

from actions import lockout, protection
from models.changes import Changeset, Draft, Result


def changeset(
    command: str,
    draft: Draft,
    results: list[Result],
    *,
    allow_last_member: bool = False,
    allow_lockout: bool = False,
    **details: Any,
) -> Changeset:
    """Make a changeset of a draft; `details` are further fields of `Changeset`.

    Raises `LastMemberError` where a protected role would be left without an active member, and `LastSignInError` where
    a user would be left without a way to sign in.
    """
    names = {**{result.id: result.ref for result in results if result.id}, **draft.names}
    rules = [] if allow_last_member else protection.rules(draft.changes)
    rules += [] if allow_lockout else lockout.rules(draft.changes, names)
    return Changeset(command, results, draft.batches, names=names, rules=[*details.pop("rules", ()), *rules], **details)
