"""Lists of the documents that others belong to, read off an index of those others, and of those nothing belongs to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING

from models import connection
from models.links import Owned
from models.listing import BATCH, PATIENCE, PRESENT, Document, Listing, behind

PART: Final = 200
"""Ids in one filter: some servers compare each document with each of them."""


@dataclass(frozen=True, kw_only=True)
class Linked(Listing):
    """Of the documents of a listing those alone that something belongs to: `owned` says how, `having` what.

    In the order of ids they are read off an index over the field of `having` and the one that refers to them, so that
    none is read that does not count. In any other order those are kept, of each batch, that something belongs to.
    With `none` it is those that nothing belongs to, not even by the digits of their id as text.
    """

    owned: Owned
    having: dict[str, Any]
    none: bool = False

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
        field, direction = self._sorted_by(sort)
        if field == "id" and not self.none:
            return islice(self._walked(direction, after, min(limit or BATCH, BATCH), fields), limit)
        return islice(self._kept(super()._found(sort, after, None, fields)), limit)

    def _walked(
        self, direction: int, after: str | None, size: int, fields: tuple[str, ...] | None
    ) -> Iterator[Document]:
        field = self.owned.field
        # Of an order without a limit some servers (DocumentDB) read all before they give the first.
        last = ObjectId(after or ("0" if direction == ASCENDING else "f") * 24)
        while owners := self._owners(self.having | behind(field, last, direction), [(field, direction)], size):
            ids = list(dict.fromkeys(owners))
            among = {"_id": {"$in": ids}}
            where = {"$and": [self.where, among]} if self.where else among
            found = {document["_id"]: document for document in self._documents().find(where, fields)}
            yield from (found[owner] for owner in ids if owner in found)
            last = ids[-1]

    def _kept(self, documents: Iterable[Document]) -> Iterator[Document]:
        left = iter(documents)
        while batch := list(islice(left, BATCH)):
            ids = [document["_id"] for document in batch]
            owners = self._owning([*ids, *map(str, ids)] if self.none else ids)
            yield from (document for document in batch if (str(document["_id"]) in owners) is not self.none)

    def _owning(self, ids: list[Any]) -> set[str]:
        """Tell to which of some documents something belongs; however much that is, each is said once."""
        field = self.owned.field
        parts = (ids[start : start + PART] for start in range(0, len(ids), PART))
        among = ({field: {"$in": part, "$not": {"$type": "array"}, **PRESENT}} for part in parts)
        documents = connection.database()[self.owned.collection]
        return {str(owner) for where in among for owner in documents.distinct(field, {**self.having, **where})}

    def _owners(self, where: dict[str, Any], order: list[tuple[str, int]], limit: int) -> list[ObjectId]:
        documents = connection.database()[self.owned.collection]
        found = documents.find(where, {self.owned.field: 1, "_id": 0}, sort=order, limit=limit)
        ids = (document.get(self.owned.field) for document in found)
        return [owner for owner in ids if isinstance(owner, ObjectId)]
