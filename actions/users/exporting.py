"""Users as an import reads them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING

from actions import finding
from actions.users import listing
from actions.users.documents import PROFILE
from actions.users.filters import Filters
from actions.users.importing import FIELDS, Roles
from models import connection
from models.changes import Document, ids_in
from models.links import PROFILE_USER
from models.listing import BATCH, Listing, Row
from models.showable import readable

OWN: Final = ("email", "username", "name", "status", "emailVerified")
FROM_PROFILE: Final = (PROFILE_USER.field, *PROFILE)

Read = Callable[[Sequence[Any]], dict[Any, Document]]


def export(filters: Filters, *, with_password_hashes: bool = False) -> tuple[Listing, tuple[str, ...]]:
    """List users with the columns of an import, which are returned too; there is no password among them."""
    hidden = {"password"} if with_password_hashes else {"password", "hashedPassword"}
    columns = tuple(field for field in FIELDS if field not in hidden)
    own = (*OWN, *({"hashedPassword"} - hidden))
    read = _InOrder().of if filters == Filters() else _profiles
    resolve = partial(_rows, own=own, roles=Roles.read().by_id, read=read)
    return replace(listing.find(filters), resolve=resolve, fields=(*own, "rolesIds"), order="id"), columns


def _rows(
    users: Sequence[Document], _: Collection[str], *, own: Sequence[str], roles: Mapping[ObjectId, str], read: Read
) -> Iterator[Row]:
    profiles = read([user["_id"] for user in users])
    for user in users:
        profile = profiles.get(user["_id"], {})
        row = {field: readable(user.get(field)) for field in own}
        row["roles"] = sorted({roles[item] for item in ids_in(user, "rolesIds") if item in roles})
        yield row | {field: readable(profile.get(field)) for field in PROFILE}


def _profiles(ids: Sequence[Any]) -> dict[Any, Document]:
    return _first(finding.having(PROFILE_USER.collection, PROFILE_USER.field, ids, FROM_PROFILE))


def _first(found: Iterable[Document]) -> dict[Any, Document]:
    """Return profiles by user; without the unique index somebody may have two: the application finds the first."""
    profiles: dict[Any, Document] = {}
    for profile in found:
        if not isinstance(user := profile[PROFILE_USER.field], list):  # one that holds an id matches too
            profiles.setdefault(user, profile)
    return profiles


class _InOrder:
    """The profiles of all users, who come in the order of their ids: both are read once, side by side."""

    def __init__(self) -> None:
        self._found: Iterator[Document] | None = None
        self._held: Document | None = None

    def of(self, ids: Sequence[Any]) -> dict[Any, Document]:
        odd = [identifier for identifier in ids if not isinstance(identifier, ObjectId)]
        last = max((identifier for identifier in ids if isinstance(identifier, ObjectId)), default=None)
        return _profiles(odd) | (_first(self._up_to(last)) if last else {})

    def _up_to(self, last: ObjectId) -> Iterator[Document]:
        found = self._read()
        while profile := self._held or next(found, None):
            self._held = None
            if isinstance(user := profile.get(PROFILE_USER.field), ObjectId):
                if user > last:
                    self._held = profile
                    return
                yield profile

    def _read(self) -> Iterator[Document]:
        if self._found is None:
            found = connection.database()[PROFILE_USER.collection].find({}, FROM_PROFILE, batch_size=BATCH)
            self._found = iter(found.sort(PROFILE_USER.field, ASCENDING))
        return self._found
