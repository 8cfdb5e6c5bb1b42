"""Export users in the format that `users import` reads."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING

from actions import queries
from actions.users import listing
from actions.users.access import AllRoles
from actions.users.importing import FIELDS, OAUTH
from actions.users.listing import PROFILE, Filters
from changes import Document
from changes.visible_values import readable, showable
from database import connection
from database.listing import BATCH, Listing, Row
from database.references import has_other_forms, ids_in, referred
from models.links import ACCOUNT_USER, PROFILE_USER, Owned

USER_FIELDS: Final = ("email", "username", "name", "status", "emailVerified", "createdAt", "lastLogin")
SIGN_IN_FIELDS: Final = ("type", "provider", "providerAccountId", "expires_at", "token_type", "scope")
"""The fields of a linked sign-in that are not secret, in the order in which the export writes them."""
CELL_FIELDS: Final = frozenset({"type", "provider", "providerAccountId"})

Read = Callable[[Sequence[Any]], Iterable[Document]]


def export(
    filters: Filters, *, with_password_hashes: bool = False, in_cells: bool = False
) -> tuple[Listing, tuple[str, ...]]:
    """Return the list of users with the columns that an import reads, and the names of these columns.

    Passwords are not exported. If `in_cells` is true, each linked sign-in becomes a short text for a cell of CSV. But
    if such a text cannot contain all fields of a sign-in, the sign-ins are not shortened.
    """
    hidden = {"password"} if with_password_hashes else {"password", "hashedPassword"}
    columns = tuple(field for field in FIELDS if field not in hidden)
    own = (*USER_FIELDS, *({"hashedPassword"} - hidden))
    resolve = partial(
        _rows,
        own=own,
        roles=AllRoles.read().by_id,
        profiles=_reader(filters, PROFILE_USER, PROFILE),
        accounts=_reader(filters, ACCOUNT_USER, SIGN_IN_FIELDS),
        in_cells=in_cells,
    )
    return replace(listing.find(filters), resolve=resolve, fields=(*own, "rolesIds"), order="id"), columns


def _rows(
    users: Sequence[Document],
    _: Collection[str],
    *,
    own: Sequence[str],
    roles: Mapping[ObjectId, str],
    profiles: Read,
    accounts: Read,
    in_cells: bool,
) -> Iterator[Row]:
    ids = [user["_id"] for user in users]
    first = _first_profiles(profiles(ids))
    linked = _sign_ins(accounts(ids))
    for user in users:
        identifier = referred(user["_id"])
        profile = first.get(identifier, {})
        row = {field: readable(user.get(field)) for field in own}
        held = ids_in(user, "rolesIds")
        row["roles"] = sorted({roles[item] for item in held if item in roles}) if held else []
        mine = linked.get(identifier, [])
        row["accounts"] = [*map(_cell, mine)] if in_cells and all(map(_fits_cell, mine)) else mine
        for field in PROFILE:
            row[field] = readable(profile.get(field))
        yield row


def _first_profiles(found: Iterable[Document]) -> dict[Any, Document]:
    """Return the profile of each user: id of the user → profile.

    Without the unique index, a user may have two profiles. The first profile is returned, as in the application.
    """
    profiles: dict[Any, Document] = {}
    for profile in found:
        # In broken data, the field may be a list that contains the id. The query finds it, but it does not count.
        if not isinstance(user := profile[PROFILE_USER.field], list):
            profiles.setdefault(referred(user), profile)
    return profiles


def _sign_ins(found: Iterable[Document]) -> dict[Any, list[Document]]:
    """Return id of a user → linked sign-ins, without the ids and the empty fields of the sign-ins."""
    accounts: dict[Any, list[Document]] = {}
    for account in sorted(found, key=lambda account: str(account["_id"])):
        held = {field: value for field in SIGN_IN_FIELDS if (value := account.get(field)) is not None}
        shown = {field: showable(ACCOUNT_USER.collection, field, value) for field, value in held.items()}
        accounts.setdefault(referred(account[ACCOUNT_USER.field]), []).append(shown)
    return accounts


def _fits_cell(account: Document) -> bool:
    """Tell whether the short text `provider:providerAccountId` contains all data of a linked sign-in."""
    provider, identifier = account.get("provider"), account.get("providerAccountId")
    texts = isinstance(provider, str) and isinstance(identifier, str) and bool(provider and identifier)
    return (
        texts
        and account.keys() == CELL_FIELDS
        and account["type"] == OAUTH
        and not re.match(r"\[|[^:]*:", str(provider))
    )


def _cell(account: Document) -> str:
    return f"{account['provider']}:{account['providerAccountId']}"


def _reader(filters: Filters, owned: Owned, fields: Sequence[str]) -> Read:
    """Return a function that takes the ids of users, and reads their profiles or linked sign-ins."""
    wanted = (owned.field, *fields)
    odd = has_other_forms(connection.database(), owned.collection, owned.field)
    return _InOrder(owned, wanted).read if filters == Filters() and not odd else partial(_owned_by, owned, wanted)


def _owned_by(owned: Owned, fields: Sequence[str], ids: Iterable[Any]) -> Iterator[Document]:
    filters = (queries.refers_to(owned.collection, owned.field, *part) for part in queries.chunks(ids))
    for document in chain.from_iterable(connection.database()[owned.collection].find(one, fields) for one in filters):
        if not isinstance(document[owned.field], list):
            yield document


class _InOrder:
    """Read the profiles or linked sign-ins of all users in one pass.

    The users must be given in the order of their ids.
    """

    def __init__(self, owned: Owned, fields: Sequence[str]) -> None:
        self._owned = owned
        self._fields = fields
        self._found: Iterator[Document] | None = None
        self._held: Document | None = None

    def read(self, ids: Sequence[Any]) -> Iterator[Document]:
        """Read the documents that belong to the next users."""
        odd = [identifier for identifier in ids if not isinstance(identifier, ObjectId)]
        last = max((identifier for identifier in ids if isinstance(identifier, ObjectId)), default=None)
        yield from _owned_by(self._owned, self._fields, odd)
        if last:
            yield from self._up_to(last)

    def _up_to(self, last: ObjectId) -> Iterator[Document]:
        found = self._documents()
        while document := self._held or next(found, None):
            self._held = None
            if isinstance(user := document.get(self._owned.field), ObjectId):
                if user > last:
                    self._held = document
                    return
                yield document

    def _documents(self) -> Iterator[Document]:
        if self._found is None:
            found = connection.database()[self._owned.collection].find({}, self._fields, batch_size=BATCH)
            self._found = iter(found.sort(self._owned.field, ASCENDING))
        return self._found
