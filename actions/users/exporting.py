"""Users as an import reads them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from bson import ObjectId

from actions import finding
from actions.users import listing
from actions.users.documents import PROFILE
from actions.users.filters import Filters
from actions.users.importing import FIELDS, Roles
from models import connection
from models.changes import Document, ids_in
from models.links import PROFILE_USER
from models.listing import Listing, Row

OWN: Final = ("email", "username", "name", "status", "emailVerified")


def export(filters: Filters, *, with_password_hashes: bool = False) -> tuple[Listing, tuple[str, ...]]:
    """List users with the columns of an import, which are returned too; there is no password among them."""
    hidden = {"password"} if with_password_hashes else {"password", "hashedPassword"}
    columns = tuple(field for field in FIELDS if field not in hidden)
    own = (*OWN, *({"hashedPassword"} - hidden))
    resolve = partial(_rows, own=own, roles=Roles.read().by_id, everybody=filters == Filters())
    return replace(listing.find(filters), resolve=resolve, fields=(*own, "rolesIds"), order="id"), columns


def _rows(
    users: Sequence[Document],
    _: Collection[str],
    *,
    own: Sequence[str],
    roles: Mapping[ObjectId, str],
    everybody: bool,
) -> Iterator[Row]:
    profiles = _profiles([user["_id"] for user in users], everybody=everybody)
    for user in users:
        profile = profiles.get(user["_id"], {})
        row = {field: user.get(field) for field in own}
        row["roles"] = sorted({roles[item] for item in ids_in(user, "rolesIds") if item in roles})
        yield row | {field: profile.get(field) for field in PROFILE}


def _profiles(ids: Sequence[Any], *, everybody: bool) -> dict[Any, Document]:
    """Read the profiles of users; where those are neighbours, as all that lie between the first and the last."""
    fields = (PROFILE_USER.field, *PROFILE)
    if everybody and all(isinstance(identifier, ObjectId) for identifier in ids):
        between = {PROFILE_USER.field: {"$gte": min(ids), "$lte": max(ids)}}
        found: Any = connection.database()[PROFILE_USER.collection].find(between, fields)
    else:
        found = finding.with_values(PROFILE_USER.collection, PROFILE_USER.field, ids, fields)
    profiles: dict[Any, Document] = {}
    for profile in found:  # without the unique index somebody may have two: the application finds the first
        profiles.setdefault(profile[PROFILE_USER.field], profile)
    return profiles
