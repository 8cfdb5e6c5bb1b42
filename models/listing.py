"""A list of documents that can be counted, sorted and read page by page, along an index and never by offset."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from bson import Binary, DatetimeMS, Decimal128, Int64, ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo import collection as driver
from pymongo.errors import ExecutionTimeout

from models import connection
from models.errors import NotFoundError

Document = Mapping[str, Any]
Row = dict[str, Any]
Query = tuple[dict[str, Any], list[tuple[str, int]]]

BATCH: Final = 1000
MOST: Final = 2**31 - 1
"""The most that a server takes."""
PATIENCE: Final = 300
"""Milliseconds that a person waits for a number nobody asked for."""
TYPES: Final[dict[str, tuple[type, ...]]] = {
    "number": (int, Int64, float, Decimal128),
    "string": (str,),
    "object": (dict,),
    "binData": (bytes, Binary, UUID),
    "objectId": (ObjectId,),
    "bool": (bool,),
    "date": (datetime, DatetimeMS),
}
"""The types of values, in the order in which a server sorts them."""
PRESENT: Final = {"$exists": True}
"""Said of a field wherever it follows from the rest, so that every server sees that a partial index will do."""
NO_LIST: Final = {"$not": {"$type": "array"}}
"""Said beside the type of a field, because a list has the types of what is in it too."""


@dataclass(frozen=True)
class Listing:
    """The documents of a collection that a command lists.

    `resolve` makes rows of up to a thousand raw documents at a time, by a number of queries that does not depend on
    theirs: schema field names and resolved ones, "id" first. It is told which columns are wanted and can leave out
    the others. `sortable` names the scalar fields that can be sorted by, besides "id"; `order` is one of them ("-"
    before it: descending), unless another is asked for. A server gives up a query after `milliseconds`, if it has them.
    """

    collection: str
    where: dict[str, Any]
    resolve: Callable[[list[Any], Collection[str]], Iterable[Row]]
    sortable: tuple[str, ...] = ()
    order: str = "id"
    fields: tuple[str, ...] | None = None
    milliseconds: int | None = None

    def count(self) -> int:
        """Count exactly."""
        bound: dict[str, Any] = {} if self.milliseconds is None else {"maxTimeMS": self.milliseconds}
        return self._documents().count_documents(self.where, **bound)

    def count_up_to(self, bound: int) -> tuple[int, bool]:
        """Count at most to `bound` and not for long, and say whether that is all; a whole collection knows its size."""
        if not self.where:
            return self._documents().estimated_document_count(), True
        try:
            found = self._documents().count_documents(self.where, limit=bound + 1, maxTimeMS=PATIENCE)
        except ExecutionTimeout:
            return 0, False
        return min(found, bound), found <= bound

    def rows(
        self,
        sort: str | None = None,
        after: Any = None,
        limit: int | None = None,
        *,
        columns: Collection[str] = (),
    ) -> Iterator[Row]:
        """Read rows, sorted by a field ("-field": descending), those behind the document with the id `after` only.

        Documents without the field come last, in the order of their ids. Raises `NotFoundError` for an unknown `after`.
        """
        documents = self._found(sort, after, limit, self.fields)
        while batch := list(islice(documents, BATCH)):
            yield from self.resolve(batch, columns)

    def ids(self, sort: str | None = None, after: Any = None, limit: int | None = None) -> Iterator[Row]:
        """Read what `rows` does, but of each document its id alone."""
        return ({"id": document["_id"]} for document in self._found(sort, after, limit, ("_id",)))

    def _found(
        self, sort: str | None, after: Any, limit: int | None, fields: tuple[str, ...] | None
    ) -> Iterator[Document]:
        found = 0
        for where, order in self._queries(sort, after):
            query = {"$and": [self.where, where]} if self.where and where else where or self.where
            left = 0 if limit is None else min(limit - found, MOST)
            options = {"sort": order, "limit": left, "batch_size": BATCH, "max_time_ms": self.milliseconds}
            for document in self._documents().find(query, fields, **options):
                yield document
                found += 1
            if found == limit:
                return

    def _queries(self, sort: str | None, after: Any) -> Iterator[Query]:
        field, direction = self._sorted_by(sort)
        if field == "id":
            yield behind("_id", ObjectId(after), direction) if after else {}, [("_id", direction)]
            return
        order = [(field, direction), ("_id", direction)]
        last = self._last(after, field) if after else {}
        value = last.get(field)
        if not after:
            yield {field: {"$ne": None, **PRESENT}}, order
        elif value is not None:
            yield {field: {"$eq": value, **PRESENT}, **behind("_id", last["_id"], direction)}, [("_id", direction)]
            yield {field: {"$gt" if direction == ASCENDING else "$lt": value, **PRESENT}}, order
        if not self._wants(field):
            if others := _types_behind(value, direction):
                yield {field: PRESENT, "$or": [{field: {"$type": name}} for name in others]}, order
            rest = behind("_id", last["_id"], ASCENDING) if after and value is None else {}
            yield {field: None, **rest}, [("_id", ASCENDING)]

    def _sorted_by(self, sort: str | None) -> tuple[str, int]:
        chosen = sort or self.order
        return chosen.removeprefix("-"), DESCENDING if chosen.startswith("-") else ASCENDING

    def _wants(self, field: str) -> bool:
        """Tell whether documents without a field are filtered out, so that there is no need to look for them."""
        wanted = self.where.get(field)
        return isinstance(wanted, dict) and wanted.get("$exists") is True

    def _last(self, after: Any, field: str) -> Document:
        wanted = {"$in": [ObjectId(after), after]} if ObjectId.is_valid(after) else after
        document: Document | None = self._documents().find_one({"_id": wanted}, [field])
        if document is None:
            raise NotFoundError(f"no {self.collection.lower()} {after} to go on after", "begin again without --after")
        return document

    def _documents(self) -> driver.Collection[dict[str, Any]]:
        return connection.database()[self.collection]


def behind(field: str, value: ObjectId, direction: int) -> dict[str, Any]:
    """Match what comes behind an id in an order of ids.

    It is said twice, as a comparison and as the contrary of another: for the comparison alone DocumentDB intersects
    the index of a filter with that of the ids and sorts what it finds, for the contrary alone others read every id.
    """
    beyond, before = ("$gt", "$lte") if direction == ASCENDING else ("$lt", "$gte")
    return {field: {beyond: value, "$not": {before: value}}}


def _types_behind(value: Any, direction: int) -> list[str]:
    """Return the types that are sorted behind a value's: a comparison finds values of one type alone."""
    names = list(TYPES)[::direction]
    known = [name for name in names if type(value) in TYPES[name]]
    return names[names.index(known[0]) + 1 :] if known else []
