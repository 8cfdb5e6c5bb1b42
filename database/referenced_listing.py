"""List documents by their children: for example, the users who have, or do not have, an account at a provider."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING

from database import connection
from database.listing import BATCH, NO_LIST, PATIENCE, Document, Listing, behind
from database.references import has_other_forms, joined, reference_filter, referred
from models.links import Owned

PART: Final = 200
"""The largest number of ids in one filter. Some servers compare each document with each id, so many ids are slow."""


@dataclass(frozen=True, kw_only=True)
class ReferencedListing(Listing):
    """A list of documents that have a child matching `having`, and no child matching `lacking`.

    `owned` says which documents are the children. If the list is sorted by id and has only `having`, it is read from an
    index of the child collection. Any other list is read in batches, and each batch is filtered. In broken data, a
    child can store the id of its parent as text or in another form. Such a child always counts for `lacking`. For
    `having`, it counts only if `any_form` is true.
    """

    owned: Owned
    having: dict[str, Any] | None = None
    lacking: dict[str, Any] | None = None
    any_form: bool = False

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
        if field == "id" and self.having is not None and self.lacking is None and not self.any_form:
            return islice(self._walked(self.having, direction, after, min(limit or BATCH, BATCH), fields), limit)
        return islice(self._kept(super()._found(sort, after, None, fields)), limit)

    def _walked(
        self, having: dict[str, Any], direction: int, after: str | None, size: int, fields: tuple[str, ...] | None
    ) -> Iterator[Document]:
        field = self.owned.field
        # Without a limit on each query, DocumentDB reads the whole index before it returns the first document.
        last = ObjectId(after or ("0" if direction == ASCENDING else "f") * 24)
        while owners := self._owners(having | behind(field, last, direction), [(field, direction)], size):
            ids = list(dict.fromkeys(owners))
            among = {"_id": {"$in": ids}}
            where = {"$and": [self.where, among]} if self.where else among
            found = {document["_id"]: document for document in self._documents().find(where, fields)}
            yield from (found[owner] for owner in ids if owner in found)
            last = ids[-1]

    def _kept(self, documents: Iterable[Document]) -> Iterator[Document]:
        left = iter(documents)
        conditions = [(one, one is self.having) for one in (self.having, self.lacking) if one is not None]
        odd = (self.any_form or self.lacking is not None) and self._has_other_forms()
        while batch := list(islice(left, BATCH)):
            for condition, wanted in conditions:
                owners = self._owning([document["_id"] for document in batch], condition, odd=odd)
                batch = [document for document in batch if (str(document["_id"]) in owners) is wanted]
            yield from batch

    def _owning(self, ids: list[Any], condition: dict[str, Any], *, odd: bool) -> set[str]:
        """Return those of `ids` whose document has a child that matches a condition. The ids are returned as text."""
        field, documents = self.owned.field, connection.database()[self.owned.collection]
        found: set[str] = set()
        for start in range(0, len(ids), PART):
            where = joined(condition, reference_filter(field, ids[start : start + PART], odd=odd))
            where[field] = {**where.get(field, {}), **NO_LIST}
            found.update(str(referred(owner)) for owner in documents.distinct(field, where))
        return found

    def _has_other_forms(self) -> bool:
        return has_other_forms(connection.database(), self.owned.collection, self.owned.field)

    def _owners(self, where: dict[str, Any], order: list[tuple[str, int]], limit: int) -> list[ObjectId]:
        documents = connection.database()[self.owned.collection]
        found = documents.find(where, {self.owned.field: 1, "_id": 0}, sort=order, limit=limit)
        ids = (document.get(self.owned.field) for document in found)
        return [owner for owner in ids if isinstance(owner, ObjectId)]
