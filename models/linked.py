"""A list of the documents that others belong to, read off an index of those others."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from time import monotonic
from typing import Any

from bson import ObjectId

from models import connection
from models.links import Owned
from models.listing import BATCH, PATIENCE, Document, Listing, behind


@dataclass(frozen=True, kw_only=True)
class Linked(Listing):
    """Of the documents of a listing those alone that something belongs to: `owned` says how, `having` what.

    In the order of ids they are read off an index over the field of `having` and the one that refers to them, so that
    none is read that does not count. In any other order those are kept, of each batch, that something belongs to.
    """

    owned: Owned
    having: dict[str, Any]

    def count(self) -> int:
        return sum(1 for _ in self.ids("id"))

    def count_up_to(self, bound: int) -> tuple[int, bool]:
        number, end = 0, monotonic() + PATIENCE / 1000
        for number, _ in enumerate(self.ids("id", limit=bound + 1), 1):
            if monotonic() > end:
                return number, False
        return min(number, bound), number <= bound

    def _found(
        self, sort: str | None, after: str | None, limit: int | None, fields: tuple[str, ...] | None
    ) -> Iterator[Document]:
        if self._sorted_by(sort)[0] == "id":
            return islice(self._walked(sort, after, min(limit or BATCH, BATCH), fields), limit)
        return islice(self._kept(super()._found(sort, after, None, fields)), limit)

    def _walked(
        self, sort: str | None, after: str | None, size: int, fields: tuple[str, ...] | None
    ) -> Iterator[Document]:
        field, direction = self.owned.field, self._sorted_by(sort)[1]
        where = self.having | (behind(field, ObjectId(after), direction) if after else {})
        ids = (owner for owner, _ in groupby(self._owners(where, [(field, direction)])))
        while part := list(islice(ids, size)):
            query = {"$and": [self.where, {"_id": {"$in": part}}]} if self.where else {"_id": {"$in": part}}
            found = {document["_id"]: document for document in self._documents().find(query, fields)}
            yield from (found[owner] for owner in part if owner in found)

    def _kept(self, documents: Iterable[Document]) -> Iterator[Document]:
        left = iter(documents)
        while batch := list(islice(left, BATCH)):
            among = {self.owned.field: {"$in": [document["_id"] for document in batch]}}
            owners = set(self._owners(self.having | among))
            yield from (document for document in batch if document["_id"] in owners)

    def _owners(self, where: dict[str, Any], order: list[tuple[str, int]] | None = None) -> Iterator[ObjectId]:
        found = connection.database()[self.owned.collection].find(where, {self.owned.field: 1, "_id": 0}, sort=order)
        ids = (document.get(self.owned.field) for document in found)
        return (owner for owner in ids if isinstance(owner, ObjectId))
