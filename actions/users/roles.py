"""Which roles users have."""

from collections.abc import Sequence
from typing import Any, Final

from actions import finding
from actions.rules.changesets import changeset, replannable
from changes import Changeset, Draft, Result, ids_in
from changes.draft import BATCH
from database.wording import in_words
from models.links import USER_ROLES

_OUTCOMES: Final = {"grant": "granted", "revoke": "revoked"}


@replannable()
def grant(refs: Sequence[str], roles: Sequence[str], *, skip_missing: bool = False) -> Changeset:
    """Give users roles, on both sides of the link."""
    return _change("grant", refs, roles, skip_missing=skip_missing)


@replannable()
def revoke(
    refs: Sequence[str], roles: Sequence[str], *, skip_missing: bool = False, allow_last_member: bool = False
) -> Changeset:
    """Take roles from users, also where only one side has the link.

    Raises `LastMemberError` where a protected role would lose its last active member.
    """
    return _change("revoke", refs, roles, skip_missing=skip_missing, asks=True, allow_last_member=allow_last_member)


def _change(
    verb: str, refs: Sequence[str], role_refs: Sequence[str], *, skip_missing: bool, **details: Any
) -> Changeset:
    held = finding.named("Role", role_refs, ("userIds",))
    found = finding.users(refs, ("rolesIds",), skip_missing=skip_missing)
    roles, users = [role.document for role in held], [user.document for user in found]
    granting = verb == "grant"
    members = {role["_id"]: set(ids_in(role, "userIds")) for role in roles}
    results = []
    for user in found:
        listed = set(ids_in(user.document, "rolesIds"))
        sides = [side for role, ids in members.items() for side in (role in listed, user.document["_id"] in ids)]
        so_already = all(sides) if granting else not any(sides)
        outcome = "unchanged" if so_already else _OUTCOMES[verb]
        results.append(Result(user.document["_id"], user.ref, outcome))
    draft = Draft()
    size = max(BATCH - len(roles), 1)
    for start in range(0, len(users), size):
        some = users[start : start + size]
        draft.reserve(len(some) + len(roles))
        (draft.link if granting else draft.unlink)(USER_ROLES, some, roles)
    command = f"users {verb} {in_words([user.ref for user in found])} {in_words([f'--role {r.ref}' for r in held])}"
    return changeset(command, draft, [*results, *found.missing], **details)
