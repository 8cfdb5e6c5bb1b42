"""Count, sort and read the documents of a list, page by page.

Each page begins after the last id of the previous page. Each query finds this id with an index, so it does not need
`skip`.
"""

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
"""The largest `limit` that a MongoDB server accepts."""
PATIENCE: Final = 300
"""The time limit for counting documents, in milliseconds, if the user has not asked for the number."""
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
"""BSON type → Python types, in the order in which a server sorts the BSON types.

A value can have the Python types of two entries: a boolean is also an `int`. In this case, the later entry is right.
"""
PRESENT: Final = {"$exists": True}
"""A condition to combine with the other conditions on a field.

Some servers use a partial index only if the filter has this condition. The condition does not change the result of the
filter.
"""
NO_LIST: Final = {"$not": {"$type": "array"}}
"""A condition to combine with `$type`. Without it, `$type` also finds lists that contain an item of this type."""


@dataclass(frozen=True)
class Listing:
    """The documents of a collection that a command lists.

    `resolve` converts up to a thousand raw documents into rows. A row has "id" first, then fields of the schema and
    computed fields. `resolve` gets the names of the requested columns, and must not make a query for each document.
    `sortable` names the fields by which the list can be sorted, besides "id". None of these fields is a list. `order`
    is the default order ("-" before the field means descending). `fields` names the fields to read; None means all
    fields. The server stops a query after `milliseconds`.
    """

    collection: str
    where: dict[str, Any]
    resolve: Callable[[list[Any], Collection[str]], Iterable[Row]]
    sortable: tuple[str, ...] = ()
    order: str = "id"
    fields: tuple[str, ...] | None = None
    milliseconds: int | None = None

    def count(self) -> int:
        """Return the exact number of documents in this list."""
        bound: dict[str, Any] = {} if self.milliseconds is None else {"maxTimeMS": self.milliseconds}
        return self._documents().count_documents(self.where, **bound)

    def count_up_to(self, bound: int) -> tuple[int, bool]:
        """Count the documents in this list, but only up to `bound`.

        Returns the number, and whether all documents were counted. If counting takes too long, returns 0 and False.
        """
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
        """Yield rows, sorted by a field ("-field" means descending). With `after`, start after the row with this id.

        Documents without the field `sort` come last, sorted by id. Raises `NotFoundError` if no document has the id
        `after`.
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
        """Return the stored id for `after`. If `after` is a text, it is an id as lists print it."""
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
        """Tell whether the filter of the list already excludes documents that do not have this field."""
        wanted = self.where.get(field)
        return isinstance(wanted, dict) and wanted.get("$exists") is True

    def _last(self, after: Any, field: str) -> Document:
        document: Document | None = self._documents().find_one({"_id": equal(self._id(after))}, [field])
        if document is None:
            raise NotFoundError(
                f"--after: {self.collection.lower()} {after} does not exist", "start again without --after"
            )
        return document

    def _documents(self) -> driver.Collection[dict[str, Any]]:
        return connection.database()[self.collection]


def behind(field: str, value: Any, direction: int) -> dict[str, Any]:
    """Return a condition that matches the values of a field that sort after the given value.

    The condition is written twice: as a comparison (`$gt`), and as the opposite comparison with `$not`. With only the
    first, DocumentDB combines two indexes and sorts the result. With only the second, other servers read every id.
    """
    beyond, before = ("$gt", "$lte") if direction == ASCENDING else ("$lt", "$gte")
    return {field: {beyond: value, "$not": {before: value}}}


def _all_behind(identifier: Any, direction: int) -> Iterator[dict[str, Any]]:
    """Yield conditions for ids that sort after the given id.

    The first condition finds ids of the same type, the second finds ids of other types (in broken data).
    """
    yield behind("_id", identifier, direction)
    if names := _types_behind(identifier, direction):
        yield {"$or": [{"_id": {"$type": name}} for name in names]}


def _beyond(field: str, value: Any, direction: int) -> dict[str, Any]:
    """Return a condition for values of a field that sort after the given value and have the same type."""
    operator = "$gt" if direction == ASCENDING else "$lt"
    if isinstance(value, Regex) or value != value:  # noqa: PLR0124 - only NaN is not equal to itself
        # `$gt` with a regex is an error, and `$gt` with NaN finds nothing. So `$expr` compares these two values.
        return {"$expr": {operator: [f"${field}", {"$literal": value}]}, field: {"$type": _type(value)}}
    return {field: {operator: value, **PRESENT}}


def _type(value: Any) -> str:
    return [name for name, kinds in TYPES.items() if isinstance(value, kinds)][-1]


def _types_behind(value: Any, direction: int) -> list[str]:
    """Return the types that sort after the type of a value.

    These types need their own conditions, because an operator like `$gt` finds only values of the same type.
    """
    names = list(TYPES)[::direction]
    return names[names.index(_type(value)) + 1 :]
