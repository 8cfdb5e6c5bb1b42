"""Users as they are shown: their own fields, and what other collections have of them. No secret is ever read."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from bson import ObjectId

from actions import finding
from actions.reference_counts import counting
from actions.users import access
from actions.users.documents import ACCOUNT, PROFILE, TOKENS
from changes import Document, ids_in
from changes.visible_values import readable, showable
from database import connection
from database.listing import Row
from database.references import joined, referred
from models.links import ACCOUNT_USER, PROFILE_USER, Owned

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
"""What is read of a user. Never the ids of messages and conversations: there may be hundreds of thousands."""

Ids = Sequence[Any]


def rows(
    users: Sequence[Document], columns: Collection[str], giving: Mapping[ObjectId, str] | None = None
) -> Iterator[Row]:
    """Make rows of users; of what is not in their own documents only the `columns` that are wanted.

    `giving` are roles by id; `through` are those of them that a user has.
    """
    ids = [user["_id"] for user in users]
    wanted = {item for user in users for item in ids_in(user, "rolesIds")} if FROM_ROLES & set(columns) else ()
    known = access.roles(wanted) if wanted else {}
    others = {column: read(ids) for column, (read, _) in ELSEWHERE.items() if column in columns}
    for user in users:
        held = access.held(user, known)
        roles = ids_in(user, "rolesIds")
        yield {
            "id": user["_id"],
            **{field: readable(user.get(field)) for field in FIELDS},
            "rolesIds": _roles(user.get("rolesIds")),
            "roles": sorted({known[item].name for item in roles if item in known}),
            "permissions": list(held),
            "access": [{"permission": permission, "roles": names} for permission, names in held.items()],
            "through": sorted({giving[item] for item in roles if item in giving} if giving else ()),
            **{column: found.get(referred(user["_id"]), ELSEWHERE[column][1]) for column, found in others.items()},
        }


def _roles(listed: Any) -> Any:
    """Return the list of roles; one that is absent or null is empty, as the application reads it."""
    return [] if listed is None else showable("User", "rolesIds", listed)


def _profiles(ids: Ids) -> dict[Any, Row]:
    found = _of(PROFILE_USER.collection).find(_owned(PROFILE_USER, ids), [PROFILE_USER.field, *PROFILE])
    # Without the unique index somebody may have two: the first is the one that the application finds.
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
    for account in _of(ACCOUNT_USER.collection).aggregate(pipeline):
        row = {field: showable(ACCOUNT_USER.collection, field, account.get(field)) for field in ACCOUNT}
        row |= {name: account.get(name) for name in TOKENS.values()}
        accounts.setdefault(referred(account.get(ACCOUNT_USER.field)), []).append(row)
    return accounts


def _passwords(ids: Ids) -> dict[Any, bool]:
    having = _of("User").find({"_id": {"$in": ids}, "hashedPassword": {"$ne": None}}, ["_id"])
    return {referred(user["_id"]): True for user in having}


def _owned(owned: Owned, ids: Ids) -> Document:
    # A list that holds the id would match too.
    no_list = {"$nor": [{owned.field: {"$type": "array"}}]}
    return joined(no_list, finding.referring(owned.collection, owned.field, *ids))


def _of(collection: str) -> Any:
    return connection.database()[collection]


FROM_ROLES: Final = frozenset({"roles", "permissions", "access"})
ELSEWHERE: Final[dict[str, tuple[Callable[[Ids], dict[Any, Any]], Any]]] = {
    "profile": (_profiles, None),
    "accounts": (_accounts, []),
    "hasPassword": (_passwords, False),
    "conversations": (counting("Conversation", "userIds"), 0),
    "messages": (counting("Message", "senderId"), 0),
}
"""What is read from elsewhere: how, and what those have of whom there is nothing."""

RESOLVED: Final = FROM_ROLES | set(ELSEWHERE)
"""All that a row can have beside the fields."""
