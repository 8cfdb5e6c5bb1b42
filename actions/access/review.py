"""Review the roles of users with a review sheet, which has one row for each role of each user.

A reviewer writes yes or no in each row. `review` then revokes the roles in the rows with no.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from actions import lookup, queries
from actions.access.report import last_grants
from actions.rules.checked_changeset import checked_changeset, replannable
from changes import Changeset, Document, Draft, Question, Result
from changes.draft import BATCH
from changes.visible_values import readable, readable_text
from database import connection
from database.errors import ConflictError
from database.listing import Row
from database.own_collections import AUDIT
from database.references import ids_in, referred
from database.wording import NAMED, counted
from models.links import USER_ROLES

SHEET: Final = ("id", "username", "name", "email", "role", "since", "by", "lastSignIn", "keep")
"""The columns of a review sheet. The reviewer writes yes or no in the column `keep`."""
USER_FIELDS: Final = ("username", "name", "email", "rolesIds", "lastLogin")


class Decision(NamedTuple):
    """A row of a review sheet: row number, id of the user, name of the role, and answer (None for an empty cell)."""

    row: int
    user: str
    role: str
    keep: bool | None


def sheet(roles: Sequence[str] = ()) -> Iterator[Row]:
    """Yield the rows of a review sheet for the given roles, or for all roles if none are given.

    Raises `UnknownNameError` for an unknown role.
    """
    chosen = {referred(role.document["_id"]) for role in lookup.find_all("Role", roles, ())} if roles else None
    found = connection.database()["Role"].find({}, ["name"])
    names = {referred(one["_id"]): lookup.label(one) for one in found}
    wanted = {one: name for one, name in names.items() if chosen is None or one in chosen}
    return _sheet_rows(wanted, queries.refers_to("User", "rolesIds", *wanted) if roles else {})


def _sheet_rows(roles: dict[Any, str], where: Document) -> Iterator[Row]:
    grants = last_grants()
    for user in connection.database()["User"].find(where, USER_FIELDS).sort("_id", 1):
        for role in dict.fromkeys(ids_in(user, "rolesIds")):
            if role in roles:
                grant = grants.get((referred(user["_id"]), role))
                yield {
                    "id": user["_id"],
                    "username": readable(user.get("username")),
                    "name": readable(user.get("name")),
                    "email": readable(user.get("email")),
                    "role": roles[role],
                    "since": grant and grant.at,
                    "by": grant and grant.actor,
                    "lastSignIn": readable(user.get("lastLogin")),
                    "keep": None,
                }


@replannable()
def review(decisions: Sequence[Decision], sha256: str, *, allow_last_member: bool = False) -> Changeset:
    """Revoke the roles for which the reviewer has written no in the review sheet.

    Raises `ConflictError` if a user or a role of these rows no longer exists, or if the user no longer has the role.
    But if the same sheet was applied before, these rows are reported as unchanged. Raises `LastMemberError` if a
    protected role would lose its last active member.
    """
    command = f"access review sha256:{sha256}"
    refused = [one for one in decisions if one.keep is False]
    held = connection.database()["Role"].find(
        {"name": {"$in": list({one.role for one in refused})}}, ["name", "userIds"]
    )
    roles = {readable_text(role["name"]): role for role in held}
    users = queries.find_by_id_texts("User", {one.user for one in refused}, ["username", "rolesIds"])
    outdated = [one for one in refused if not _has(users.get(one.user), roles.get(one.role))]
    if outdated and not connection.database()[AUDIT].find_one({"kind": "event", "command": command}, {"_id": 1}):
        raise _outdated_error(outdated, users)
    draft = Draft()
    for name, role in roles.items():
        losing = [users[one.user] for one in refused if one.role == name and one not in outdated]
        for start in range(0, len(losing), BATCH - 1):
            some = losing[start : start + BATCH - 1]
            draft.reserve(len(some) + 1)
            draft.unlink(USER_ROLES, some, [role])
    results = [_result(one, users.get(one.user), "unchanged" if one in outdated else "revoked") for one in refused]
    kept, open_ = (sum(one.keep is answer for one in decisions) for answer in (True, None))
    notes = [f"{counted(kept, 'row')} kept"] if kept else []
    notes += [f"{counted(open_, 'row')} without an answer, also kept"] if open_ else []
    taken = [result.id for result in results if result.outcome != "unchanged"]
    return checked_changeset(
        command,
        draft,
        results,
        allow_last_member=allow_last_member,
        asks=True,
        notes=notes,
        question=Question(f"Revoke {counted(len(taken), 'role')} from {counted(len(set(taken)), 'user')}"),
    )


def _has(user: Document | None, role: Document | None) -> bool:
    """Tell whether the document of the user lists the role, or the document of the role lists the user."""
    if user is None or role is None:
        return False
    return referred(role["_id"]) in ids_in(user, "rolesIds") or referred(user["_id"]) in ids_in(role, "userIds")


def _outdated_error(outdated: Sequence[Decision], users: dict[str, Document]) -> ConflictError:
    rows = [
        f"row {one.row}: {lookup.user_label(users[one.user]) if one.user in users else f'user {one.user}'} "
        f"{f'does not have role {one.role} any more' if one.user in users else 'does not exist any more'}"
        for one in outdated[:NAMED]
    ]
    more = [f"and {len(outdated) - NAMED:,} more"] if len(outdated) > NAMED else []
    return ConflictError(
        f"the sheet is out of date: {'; '.join([*rows, *more])}",
        "write a new sheet with chatctl access review --to FILE",
    )


def _result(decision: Decision, user: Document | None, outcome: str) -> Result:
    ref = lookup.user_label(user) if user else decision.user
    return Result(user["_id"] if user else None, ref, outcome, f"role {decision.role}")
