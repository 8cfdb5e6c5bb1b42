"""Lists of documents that can be counted, sorted and read page by page, by an index and never by an offset."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from bson import Code, DatetimeMS, DBRef, Decimal128, MaxKey, MinKey, ObjectId, Regex, Timestamp
from pymongo import ASCENDING, DESCENDING
from pymongo import collection as driver
from pymongo.errors import ExecutionTimeout

from database import connection
from database.errors import NotFoundError, UsageError
from database.ids import OBJECT_ID, any_of, by_text, equal, readings

Document = Mapping[str, Any]
Row = dict[str, Any]
Query = tuple[dict[str, Any], list[tuple[str, int]]]

BATCH: Final = 1000
MOST: Final = 2**31 - 1
"""The largest limit that a server accepts."""
PATIENCE: Final = 300
"""The most milliseconds for counting documents when the user did not ask for the number."""
TYPES: Final[dict[str, tuple[type, ...]]] = {
    "minKey": (MinKey,),
    "null": (type(None),),
    "number": (int, float, Decimal128),
    "string": (str,),
    "object": (dict, DBRef),
    "binData": (bytes,),
    "objectId": (ObjectId,),
    "bool": (bool,),
    "date": (datetime, DatetimeMS),
    "timestamp": (Timestamp,),
    "regex": (Regex,),
    "javascript": (Code,),
    "javascriptWithScope": (Code,),
    "maxKey": (MaxKey,),
}
"""The types of values, in the order in which a server sorts them; if several match, the last one counts."""
PRESENT: Final = {"$exists": True}
"""A condition that adds nothing to the others, but shows every server that it can use a partial index."""
NO_LIST: Final = {"$not": {"$type": "array"}}
"""A condition beside `$type`, which also matches a list that contains a value of the type."""


@dataclass(frozen=True)
class Listing:
    """The documents of a collection that a command lists.

    `resolve` turns up to a thousand raw documents at a time into rows: fields of the schema and resolved ones, "id"
    first. Its number of queries does not depend on the number of documents. It gets the wanted columns, and can leave
    out the others. `sortable` are the scalar fields that the list can be sorted by, besides "id". `order` is the
    default order ("-" before the field: descending). A server stops a query after `milliseconds`.
    """

    collection: str
    where: dict[str, Any]
    resolve: Callable[[list[Any], Collection[str]], Iterable[Row]]
    sortable: tuple[str, ...] = ()
    order: str = "id"
    fields: tuple[str, ...] | None = None
    milliseconds: int | None = None

    def count(self) -> int:
        """Return the exact number of documents."""
        bound: dict[str, Any] = {} if self.milliseconds is None else {"maxTimeMS": self.milliseconds}
        return self._documents().count_documents(self.where, **bound)

    def count_up_to(self, bound: int) -> tuple[int, bool]:
        """Count up to `bound` for a short time; return the number, and whether it is the number of all documents."""
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
        """Yield rows, sorted by a field ("-field": descending); with `after`, only those after this id.

        Documents without the field come last, in the order of their ids. Raises `NotFoundError` for an unknown `after`.
        """
        documents = self._found(sort, after, limit, self.fields)
        while batch := list(islice(documents, BATCH)):
            yield from self.resolve(batch, columns)

    def ids(self, sort: str | None = None, after: Any = None, limit: int | None = None) -> Iterator[Row]:
        """Yield the same documents as `rows`, but only their ids."""
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
            yield from self._behind_id(after, direction)
            return
        order = [(field, direction), ("_id", direction)]
        last = self._last(after, field) if after else {}
        value = last.get(field)
        if not after:
            yield {field: {"$ne": None, **PRESENT}}, order
        elif value is not None:
            for where in _all_behind(last["_id"], direction):
                yield {field: {"$eq": value, **PRESENT}, **where}, [("_id", direction)]
            yield _beyond(field, value, direction), order
        if not self._wants(field):
            others = [] if value is None else _types_behind(value, direction)
            if others := [name for name in others if name != "null"]:
                yield {field: PRESENT, "$or": [{field: {"$type": name}} for name in others]}, order
            for rest in _all_behind(last["_id"], ASCENDING) if after and value is None else [{}]:
                yield {field: None, **rest}, [("_id", ASCENDING)]

    def _behind_id(self, after: Any, direction: int) -> Iterator[Query]:
        order = [("_id", direction)]
        if after is None or after == "":
            yield {}, order
            return
        yield from ((where, order) for where in _all_behind(self._id(after), direction))

    def _id(self, after: Any) -> Any:
        """Return the id to start after; a text is an id as a list prints it."""
        if not isinstance(after, str):
            return after
        documents = self._documents().find({"_id": any_of(readings(after))}, ["_id"])
        if found := by_text(documents, [after]):
            return found[after]["_id"]
        if not OBJECT_ID.fullmatch(after):
            raise UsageError(f'"{after}" is not an id of this list', "start again without --after")
        return ObjectId(after)

    def _sorted_by(self, sort: str | None) -> tuple[str, int]:
        chosen = sort or self.order
        return chosen.removeprefix("-"), DESCENDING if chosen.startswith("-") else ASCENDING

    def _wants(self, field: str) -> bool:
        """Tell whether the filter already excludes documents without a field, so that no query needs to find them."""
        wanted = self.where.get(field)
        return isinstance(wanted, dict) and wanted.get("$exists") is True

    def _last(self, after: Any, field: str) -> Document:
        document: Document | None = self._documents().find_one({"_id": equal(self._id(after))}, [field])
        if document is None:
            raise NotFoundError(f"no {self.collection.lower()} {after} to start after", "start again without --after")
        return document

    def _documents(self) -> driver.Collection[dict[str, Any]]:
        return connection.database()[self.collection]


def behind(field: str, value: Any, direction: int) -> dict[str, Any]:
    """Match the ids after a value, in ascending or descending order.

    The condition is written twice, as a comparison and as the negation of the opposite one. With only the first,
    DocumentDB intersects two indexes and sorts the result; with only the second, other servers read every id.
    """
    beyond, before = ("$gt", "$lte") if direction == ASCENDING else ("$lt", "$gte")
    return {field: {beyond: value, "$not": {before: value}}}


def _all_behind(identifier: Any, direction: int) -> Iterator[dict[str, Any]]:
    """Match documents after an id: first ids of its type, then, in broken data, ids of other types."""
    yield behind("_id", identifier, direction)
    if names := _types_behind(identifier, direction):
        yield {"$or": [{"_id": {"$type": name}} for name in names]}


def _beyond(field: str, value: Any, direction: int) -> dict[str, Any]:
    """Match values of the same type that come after a value."""
    operator = "$gt" if direction == ASCENDING else "$lt"
    if isinstance(value, Regex) or value != value:  # noqa: PLR0124 - only NaN is not equal to itself
        # A plain comparison refuses a regex, and finds nothing after NaN.
        return {"$expr": {operator: [f"${field}", {"$literal": value}]}, field: {"$type": _type(value)}}
    return {field: {operator: value, **PRESENT}}


def _type(value: Any) -> str:
    return [name for name, kinds in TYPES.items() if isinstance(value, kinds)][-1]


def _types_behind(value: Any, direction: int) -> list[str]:
    """Return the types that sort after the type of a value: a comparison finds only values of one type."""
    names = list(TYPES)[::direction]
    return names[names.index(_type(value)) + 1 :]
