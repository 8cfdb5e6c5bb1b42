"""A list of documents that can be counted, sorted and read page by page, along an index and never by offset."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from bson import ObjectId
from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection

from models import connection
from models.errors import NotFoundError

Document = Mapping[str, Any]
Row = dict[str, Any]
Query = tuple[dict[str, Any], list[tuple[str, int]]]

BATCH: Final = 1000
MOST: Final = 2**31 - 1
"""The most that a server takes."""


@dataclass(frozen=True)
class Listing:
    """The documents of a collection that a command lists.

    `resolve` makes rows of up to a thousand raw documents at a time: schema field names and resolved ones, "id" first.
    `sortable` names the scalar fields that can be sorted by, besides "id".
    """

    collection: str
    where: dict[str, Any]
    resolve: Callable[[list[Any]], Iterable[Row]]
    sortable: tuple[str, ...] = ()
    newest_first: bool = False
    fields: tuple[str, ...] | None = None

    def count(self) -> int:
        """Count exactly."""
        return self._documents().count_documents(self.where)

    def count_up_to(self, bound: int) -> tuple[int, bool]:
        """Count at most to `bound`, and say whether that is all; a whole collection knows its size."""
        if not self.where:
            return self._documents().estimated_document_count(), True
        found = self._documents().count_documents(self.where, limit=bound + 1)
        return min(found, bound), found <= bound

    def rows(self, sort: str | None = None, after: str | None = None, limit: int | None = None) -> Iterator[Row]:
        """Read rows, sorted by a field ("-field": descending), those behind the document `after` only.

        Documents without the field come last, in the order of their ids. Raises `NotFoundError` for an unknown `after`.
        """
        documents = self._found(sort, after, limit, self.fields)
        while batch := list(islice(documents, BATCH)):
            yield from self.resolve(batch)

    def ids(self, sort: str | None = None, after: str | None = None, limit: int | None = None) -> Iterator[Row]:
        """Read what `rows` does, but of each document its id alone."""
        return ({"id": document["_id"]} for document in self._found(sort, after, limit, ("_id",)))

    def _found(
        self, sort: str | None, after: str | None, limit: int | None, fields: tuple[str, ...] | None
    ) -> Iterator[Document]:
        found = 0
        for where, order in self._queries(sort, after):
            query = {"$and": [self.where, where]} if self.where and where else where or self.where
            left = 0 if limit is None else min(limit - found, MOST)
            for document in self._documents().find(query, fields, sort=order, limit=left):
                yield document
                found += 1
            if found == limit:
                return

    def _queries(self, sort: str | None, after: str | None) -> Iterator[Query]:
        chosen = sort or ("-id" if self.newest_first else "id")
        field, direction = chosen.removeprefix("-"), DESCENDING if chosen.startswith("-") else ASCENDING
        if field == "id":
            yield _beyond("_id", ObjectId(after), direction) if after else {}, [("_id", direction)]
            return
        order = [(field, direction), ("_id", direction)]
        last = self._last(after, field) if after else {}
        if not after:
            yield {field: {"$ne": None}}, order
        elif last.get(field) is not None:
            yield {field: last[field]} | _beyond("_id", last["_id"], direction), [("_id", direction)]
            yield _beyond(field, last[field], direction), order
        behind = _beyond("_id", last["_id"], ASCENDING) if after and last.get(field) is None else {}
        yield {field: None} | behind, [("_id", ASCENDING)]

    def _last(self, after: str, field: str) -> Document:
        document: Document | None = self._documents().find_one({"_id": ObjectId(after)}, [field])
        if document is None:
            raise NotFoundError(f"no {self.collection.lower()} {after} to go on after", "begin again without --after")
        return document

    def _documents(self) -> Collection[dict[str, Any]]:
        return connection.database()[self.collection]


def _beyond(field: str, value: Any, direction: int) -> dict[str, Any]:
    return {field: {"$gt" if direction == ASCENDING else "$lt": value}}
