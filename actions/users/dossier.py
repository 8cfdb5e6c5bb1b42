"""All that is known of one user."""

from typing import Final

from bson import ObjectId

from actions import audit, finding
from actions.users.rows import FIELDS, RESOLVED, rows
from database.listing import Row

EVENTS: Final = 5


def show(ref: str) -> Row:
    """Describe a user as `find` does, with all that is resolved, and the last `events` about them.

    `access` has each permission with the roles that give it, whatever the status.
    """
    user = finding.user(ref, FIELDS)
    [row] = rows([user], RESOLVED)
    return {**row, "events": _events(user["_id"])}


def _events(user: object) -> list[Row]:
    """Read the last events about a user; none of a broken id, which the trail cannot be asked for."""
    return list(audit.find(target=str(user)).rows("-id", limit=EVENTS)) if isinstance(user, ObjectId) else []
