"""List and show users: the filters, the query that finds the users, and the rows that describe them."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from bson import ObjectId

from actions import SORTABLE, lookup, queries
from actions.queries import contains_text, literal_pattern, matches_pattern, reference_counter, require_text, time_range
from actions.users import access
from changes import Document, are_ids
from changes.visible_values import readable, showable
from database import connection
from database.errors import UsageError
from database.listing import NO_LIST, PRESENT, Listing, Row
from database.referenced_listing import ReferencedListing
from database.references import ids_in, joined, referred
from database.wording import did_you_mean, shown
from models.links import ACCOUNT_USER, PROFILE_USER, Owned
from models.values import UserStatus

FIELDS: Final = (
    "email",
    "username",
    "name",
    "status",
    "emailVerified",
    "createdAt",
    "updatedAt",
    "lastLogin",
    "rolesIds",
)
"""The fields to read of a user. The lists of messages and conversations are not read, because they may be very long."""

PROFILE: Final = ("phoneNumber", "address", "imageUrl")
"""The fields of a profile, without its two ids."""

ACCOUNT: Final = ("provider", "type", "providerAccountId", "expires_at", "token_type", "scope")
"""The fields of a linked sign-in that are not secret."""

TOKENS: Final = {"access_token": "hasAccessToken", "refresh_token": "hasRefreshToken", "id_token": "hasIdToken"}
"""Secret field of a linked sign-in → the key that replaces this field in a row.

The value of this key only tells whether the secret field has a value.
"""

SEARCHED_FIELDS: Final = ("email", "username", "name")
ABSENT_OR_NULL: Final[Document] = {"$eq": None}
UNVERIFIED: Final[Document] = {"$in": [None, False]}
"""The filter for an e-mail that is not verified. The application omits the field; other programs may write false."""
NO_STATUS: Final = "none"
"""The value of the filter `status` for users whose status is missing or invalid."""
MANY_MEMBERS: Final = 1_000
"""If a role has at least this number of members, its index is not used.

For such a role, it is faster to read all users in the order of their ids until a page is full.
"""
EVENTS: Final = 5

Ids = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a list of users. They are combined with AND. Times are in UTC."""

    status: str | None = None
    role: str | None = None
    permission: str | None = None
    search: str | None = None
    email_domain: str | None = None
    created_since: datetime | None = None
    created_before: datetime | None = None
    inactive_since: datetime | None = None
    unverified: bool = False
    no_password: bool = False
    provider: str | None = None
    no_roles: bool = False


def find(filters: Filters | None = None) -> Listing:
    """List users: rows with the fields of the user, and with the requested columns of `RESOLVED`.

    If a permission is a filter, `through` lists the user's roles that grant the permission. If a time is a filter,
    users are sorted by this time by default. Raises `UnknownNameError` for an unknown role or permission.
    """
    chosen = filters or Filters()
    giving = (
        None
        if chosen.permission is None
        else access.roles_giving(lookup.find_one("Permission", chosen.permission, ())["_id"])
    )
    where = joined(_fields(chosen), _roles(chosen, giving))
    common: dict[str, Any] = {"resolve": partial(rows, giving=giving), "sortable": SORTABLE["users"], "fields": FIELDS}
    if chosen.provider is not None:
        having = {"provider": {"$eq": require_text("--provider", chosen.provider), **PRESENT}}
        return ReferencedListing("User", where, owned=ACCOUNT_USER, having=having, **common)
    order = next((field for field in ("createdAt", "lastLogin") if field in where), "id")
    return Listing("User", where, order=order, **common)


def show(ref: str) -> Row:
    """Return the row that `find` makes of a user, with all columns of `RESOLVED` and the last `events` about the user.

    `access` maps each permission to the roles that grant it, even if the user is suspended.
    """
    user = lookup.find_user(ref, FIELDS)
    [row] = rows([user], RESOLVED)
    return {**row, "events": _events(user["_id"])}


def _fields(filters: Filters) -> Document:
    lacking = filters.status is not None and filters.status.lower() == NO_STATUS
    conditions: dict[str, Any] = {
        "status": filters.status is not None and not lacking and {"$eq": _status(filters.status), **PRESENT},
        "$nor": lacking and [{"status": {"$in": list(map(str, UserStatus)), **NO_LIST}}],
        "createdAt": time_range(filters.created_since, filters.created_before),
        # A user who has never signed in has no `lastLogin`. The filter matches this user too.
        "lastLogin": filters.inactive_since and {"$not": {"$gte": filters.inactive_since}},
        "emailVerified": filters.unverified and UNVERIFIED,
        "hashedPassword": filters.no_password and ABSENT_OR_NULL,
        "rolesIds.0": filters.no_roles and {"$exists": False},
        "email": filters.email_domain is not None and _in_domain(filters.email_domain),
    }
    given = {field: condition for field, condition in conditions.items() if condition}
    return joined(given, *(() if filters.search is None else _having_words(filters.search)))


def _having_words(text: str) -> Iterator[Document]:
    """Yield a filter for each word of a text. The filter matches users who have this word in a searched field."""
    literal_pattern("--search", text.strip())  # this call refuses a text that is empty or too long
    for word in text.split():
        yield {"$or": [{field: contains_text("--search", word)} for field in SEARCHED_FIELDS]}


def _roles(filters: Filters, giving: dict[ObjectId, str] | None) -> Document:
    sets = [] if filters.role is None else [[lookup.find_one("Role", filters.role, ())["_id"]]]
    sets += [] if giving is None else [list(giving)]
    first, *others = [{"rolesIds": _has_role(roles)} for roles in sets] or [{}]
    return first | ({"$and": others} if others else {})


def _has_role(roles: list[ObjectId]) -> Document:
    """Return the condition that a list contains one of `roles`, in the form that the server answers fastest.

    DocumentDB cannot read an index of lists in the order of ids. So for one page, it reads all members of a role. If a
    role has many members, `$elemMatch` is faster: the server then reads users in the order of ids, without an index.
    """
    users = connection.database()["User"]
    single: list[Document] = [{"$eq": role, **PRESENT} for role in roles]
    if any(users.count_documents({"rolesIds": one}, limit=MANY_MEMBERS) == MANY_MEMBERS for one in single):
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
    return matches_pattern(f"@{literal_pattern('--email-domain', domain.removeprefix('@'))}$")


def rows(
    users: Sequence[Document], columns: Collection[str], giving: Mapping[ObjectId, str] | None = None
) -> Iterator[Row]:
    """Make rows of users. Other collections are read only if one of `columns` needs them.

    `giving` maps the ids of the roles that grant a permission to their names. In each row, `through` lists those of
    these roles that the user has.
    """
    ids = [user["_id"] for user in users]
    wanted = {item for user in users for item in ids_in(user, "rolesIds")} if ROLE_COLUMNS & set(columns) else ()
    known = access.read_roles(wanted) if wanted else {}
    others = {column: read(ids) for column, (read, _) in OTHER_COLUMNS.items() if column in columns}
    for user in users:
        held = access.permissions_of(user, known)
        roles = ids_in(user, "rolesIds")
        yield {
            "id": user["_id"],
            **{field: readable(user.get(field)) for field in FIELDS},
            "rolesIds": _role_ids(user.get("rolesIds")),
            "roles": sorted({known[item].name for item in roles if item in known}),
            "permissions": list(held),
            "access": [{"permission": permission, "roles": names} for permission, names in held.items()],
            "through": sorted({giving[item] for item in roles if item in giving} if giving else ()),
            **{column: found.get(referred(user["_id"]), OTHER_COLUMNS[column][1]) for column, found in others.items()},
        }


def _role_ids(listed: Any) -> Any:
    """Return the list of role ids. As in the application, a missing list or null counts as empty."""
    if listed is None or (isinstance(listed, list) and are_ids(listed)):
        return listed or []
    return showable("User", "rolesIds", listed)


def _profiles(ids: Ids) -> dict[Any, Row]:
    found = _collection(PROFILE_USER.collection).find(_owned(PROFILE_USER, ids), [PROFILE_USER.field, *PROFILE])
    # Without the unique index, a user may have two profiles. As in the application, the first profile is used.
    ordered = sorted(found, key=lambda profile: str(profile["_id"]), reverse=True)
    return {
        referred(profile.get(PROFILE_USER.field)): {field: readable(profile.get(field)) for field in PROFILE}
        for profile in ordered
    }


def _accounts(ids: Ids) -> dict[Any, list[Row]]:
    shown = dict.fromkeys((ACCOUNT_USER.field, *ACCOUNT), 1)
    there = {name: {"$ne": [{"$ifNull": [f"${token}", None]}, None]} for token, name in TOKENS.items()}
    pipeline = [{"$match": _owned(ACCOUNT_USER, ids)}, {"$project": {**shown, **there}}, {"$sort": {"_id": 1}}]
    accounts: dict[Any, list[Row]] = {}
    for account in _collection(ACCOUNT_USER.collection).aggregate(pipeline):
        row = {field: showable(ACCOUNT_USER.collection, field, account.get(field)) for field in ACCOUNT}
        row |= {name: account.get(name) for name in TOKENS.values()}
        accounts.setdefault(referred(account.get(ACCOUNT_USER.field)), []).append(row)
    return accounts


def _with_password(ids: Ids) -> dict[Any, bool]:
    having = _collection("User").find({"_id": {"$in": ids}, "hashedPassword": {"$ne": None}}, ["_id"])
    return {referred(user["_id"]): True for user in having}


def _owned(owned: Owned, ids: Ids) -> Document:
    # In broken data, the field may be a list that contains the id. Such a document must not match.
    no_list = {"$nor": [{owned.field: {"$type": "array"}}]}
    return joined(no_list, queries.refers_to(owned.collection, owned.field, *ids))


def _collection(collection: str) -> Any:
    return connection.database()[collection]


ROLE_COLUMNS: Final = frozenset({"roles", "permissions", "access"})
OTHER_COLUMNS: Final[dict[str, tuple[Callable[[Ids], dict[Any, Any]], Any]]] = {
    "profile": (_profiles, None),
    "accounts": (_accounts, []),
    "hasPassword": (_with_password, False),
    "conversations": (reference_counter("Conversation", "userIds"), 0),
    "messages": (reference_counter("Message", "senderId"), 0),
}
"""The columns of a row that come from another collection.

The value is a pair: the function that reads the column, and the default for a user without such documents.
"""

RESOLVED: Final = ROLE_COLUMNS | set(OTHER_COLUMNS)
"""The columns of a row that are not fields of the user's document."""


def _events(user: object) -> list[Row]:
    """Return the last audit events about a user. If the id of the user is not an ObjectId, return an empty list."""
    from actions import audit

    return list(audit.find(target=str(user)).rows("-id", limit=EVENTS)) if isinstance(user, ObjectId) else []
