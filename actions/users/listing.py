"""Users, found by what they are and have."""

from functools import partial
from typing import Any, Final

from bson import ObjectId

from actions import finding
from actions.filter_conditions import between, containing, literal, matching, said
from actions.users import access
from actions.users.filters import Filters
from actions.users.rows import FIELDS, rows
from changes import Document
from database import connection
from database.errors import UsageError
from database.listing import NO_LIST, PRESENT, Listing
from database.referenced_listing import ReferencedListing
from database.wording import did_you_mean, shown
from models.links import ACCOUNT_USER
from models.user import UserStatus

SORTABLE: Final = ("email", "username", "name", "status", "createdAt", "updatedAt", "lastLogin", "emailVerified")
SEARCHED: Final = ("email", "username", "name")
NOTHING: Final[Document] = {"$eq": None}
UNVERIFIED: Final[Document] = {"$in": [None, False]}
"""Other programs write false for an unverified e-mail, where the application writes nothing."""
NO_STATUS: Final = "none"
"""The filter value for a missing or invalid status."""
MANY: Final = 1_000
"""Holders of a role among whom it is more work to look for a page than among all users in the order of their ids."""


def find(filters: Filters | None = None) -> Listing:
    """List users: their fields, what is wanted of `rows.RESOLVED`, with a permission the roles they have it `through`.

    Those who were created, or have not been seen, since a time are in the order of that time unless asked for another.
    Raises `UnknownNameError` for a role or permission that is not there.
    """
    chosen = filters or Filters()
    giving = (
        None if chosen.permission is None else access.giving(finding.one("Permission", chosen.permission, ())["_id"])
    )
    where = _fields(chosen) | _roles(chosen, giving)
    common: dict[str, Any] = {"resolve": partial(rows, giving=giving), "sortable": SORTABLE, "fields": FIELDS}
    if chosen.provider is not None:
        having = {"provider": {"$eq": said("--provider", chosen.provider), **PRESENT}}
        return ReferencedListing("User", where, owned=ACCOUNT_USER, having=having, **common)
    order = next((field for field in ("createdAt", "lastLogin") if field in where), "id")
    return Listing("User", where, order=order, **common)


def _fields(filters: Filters) -> Document:
    lacking = filters.status is not None and filters.status.lower() == NO_STATUS
    conditions: dict[str, Any] = {
        "status": filters.status is not None and not lacking and {"$eq": _status(filters.status), **PRESENT},
        "$nor": lacking and [{"status": {"$in": list(map(str, UserStatus)), **NO_LIST}}],
        "createdAt": between(filters.created_since, filters.created_before),
        # Who never signed in has no such time, and is not of those who did since.
        "lastLogin": filters.inactive_since and {"$not": {"$gte": filters.inactive_since}},
        "emailVerified": filters.unverified and UNVERIFIED,
        "hashedPassword": filters.no_password and NOTHING,
        "rolesIds.0": filters.no_roles and {"$exists": False},
        "email": filters.email_domain is not None and _in_domain(filters.email_domain),
        "$or": filters.search is not None and [{field: containing("--search", filters.search)} for field in SEARCHED],
    }
    return {field: condition for field, condition in conditions.items() if condition}


def _roles(filters: Filters, giving: dict[ObjectId, str] | None) -> Document:
    sets = [] if filters.role is None else [[finding.one("Role", filters.role, ())["_id"]]]
    sets += [] if giving is None else [list(giving)]
    first, *others = [{"rolesIds": _holding(roles)} for roles in sets] or [{}]
    return first | ({"$and": others} if others else {})


def _holding(roles: list[ObjectId]) -> Document:
    """Match lists that hold one of some roles, in the way by which a page is found with little work.

    A server that cannot read an index over lists in the order of ids (DocumentDB) reads all holders for a page. Where
    they are many it is made to go through the users in that order instead: for `$elemMatch` it takes no such index.
    """
    users = connection.database()["User"]
    single: list[Document] = [{"$eq": role, **PRESENT} for role in roles]
    if any(users.count_documents({"rolesIds": one}, limit=MANY) == MANY for one in single):
        return {"$elemMatch": {"$in": roles}}
    return single[0] if len(single) == 1 else {"$in": roles, **PRESENT}


def _status(text: str) -> str:
    try:
        return UserStatus(text.upper()).value
    except ValueError:
        hint = did_you_mean(text, (*UserStatus, NO_STATUS))
        allowed = f"{', '.join(UserStatus)} or {NO_STATUS}"
        raise UsageError(f"{shown(text)} is not a valid status. Use {allowed}.", hint) from None


def _in_domain(domain: str) -> Document:
    return matching(f"@{literal('--email-domain', domain.removeprefix('@'))}$")
