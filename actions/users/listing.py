"""Users, found by what they are and have."""

import re
from datetime import datetime
from functools import partial
from typing import Any, Final

from bson import ObjectId

from actions import finding
from actions.users import access
from actions.users.filters import Filters
from actions.users.rows import FIELDS, rows
from models import connection
from models.changes import Document
from models.errors import UsageError
from models.linked import Linked
from models.links import ACCOUNT_USER
from models.listing import PRESENT, Listing
from models.names import did_you_mean
from models.user import UserStatus

SORTABLE: Final = ("email", "username", "name", "status", "createdAt", "updatedAt", "lastLogin", "emailVerified")
SEARCHED: Final = ("email", "username", "name")
NOTHING: Final[Document] = {"$eq": None}
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
        having = {"provider": {"$eq": _said("--provider", chosen.provider), **PRESENT}}
        return Linked("User", where, owned=ACCOUNT_USER, having=having, **common)
    order = next((field for field in ("createdAt", "lastLogin") if field in where), "id")
    return Listing("User", where, order=order, **common)


def _fields(filters: Filters) -> Document:
    conditions: dict[str, Any] = {
        "status": filters.status is not None and {"$eq": _status(filters.status), **PRESENT},
        "createdAt": _between(filters.created_since, filters.created_before),
        # Who never signed in has no such time, and is not of those who did since.
        "lastLogin": filters.inactive_since and {"$not": {"$gte": filters.inactive_since}},
        "emailVerified": filters.unverified and NOTHING,
        "hashedPassword": filters.no_password and NOTHING,
        "rolesIds.0": filters.no_roles and {"$exists": False},
        "email": filters.email_domain is not None and _in_domain(filters.email_domain),
        "$or": filters.search is not None and _containing(filters.search),
    }
    return {field: condition for field, condition in conditions.items() if condition}


def _roles(filters: Filters, giving: dict[ObjectId, str] | None) -> Document:
    sets = [] if filters.role is None else [[finding.one("Role", filters.role, ())["_id"]]]
    sets += [] if giving is None else [list(giving)]
    first, *others = [{"rolesIds": _holding(roles)} for roles in sets] or [{}]
    return first | ({"$and": others} if others else {})


def _holding(roles: list[ObjectId]) -> Document:
    """Match lists that hold one of some roles, in the way by which a page is found with little work.

    Where it is no index over a list can be read in the order of ids, all holders are read for a page. Where they are
    many, the users are gone through instead: of `$elemMatch` such servers (DocumentDB) do not know an index.
    """
    listed: Document = {"$eq": roles[0], **PRESENT} if len(roles) == 1 else {"$in": roles, **PRESENT}
    holders = connection.database()["User"].count_documents({"rolesIds": listed}, limit=MANY) if roles else 0
    return {"$elemMatch": {"$in": roles}} if holders == MANY else listed


def _between(since: datetime | None, before: datetime | None) -> Document:
    bounds = {"$gte": since, "$lt": before}
    given = {operator: time for operator, time in bounds.items() if time is not None}
    return given and {**given, **PRESENT}


def _status(text: str) -> str:
    try:
        return UserStatus(text.upper()).value
    except ValueError:
        hint = did_you_mean(text, UserStatus)
        raise UsageError(f'"{text}" is none of {", ".join(UserStatus)}', hint) from None


def _in_domain(domain: str) -> Document:
    return _regex(f"@{re.escape(_said('--email-domain', domain.removeprefix('@')))}$")


def _containing(text: str) -> list[Document]:
    return [{field: _regex(re.escape(_said("--search", text)))} for field in SEARCHED]


def _regex(pattern: str) -> Document:
    return {"$regex": pattern, "$options": "i"}


def _said(option: str, value: str) -> str:
    """Refuse nothing at all: a variable that was not set must not mean everybody."""
    if not value:
        raise UsageError(f"{option} cannot be empty")
    return value
