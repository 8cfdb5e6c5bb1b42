"""The base class of rules about values that only one document may have."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain
from typing import Any

from actions import queries
from actions.database.checking.rule import Finding, Rule, Scan, by_collection, by_field, with_object_ids
from changes import Document

Values = tuple[Hashable, ...]


class DuplicateRule(Rule):
    """The first document with some values may have them; the others are faults."""

    one_collection = True

    def __init__(self, scan: Scan) -> None:
        super().__init__(scan)
        self._first: dict[int, Any] = {}

    def values(self, collection: str, document: Document) -> Iterator[tuple[str, Values]]:
        """Yield unique values of a document: its fields, separated by ", ", and their values in the same order."""
        raise NotImplementedError(collection, document)

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for document in documents:
            for field, values in self.values(collection, document):
                first = self._first.setdefault(hash((collection, field, values)), document["_id"])
                if first != document["_id"] or self.scan.sampled:
                    yield Finding(collection, document["_id"], field, values)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for collection, some in by_collection(suspects).items():
            faults = list(chain.from_iterable(some.values()))
            holders: dict[tuple[str, Values], set[Any]] = {}
            for document in with_object_ids(self._others(collection, faults)):
                for held in self.values(collection, document):
                    holders.setdefault(held, set()).add(document["_id"])
            for found in faults:
                ids = holders.get((str(found.field), found.value), set())
                if found.id in ids and len(ids) > 1 and not (self.scan.sampled and found.id == min(ids)):
                    yield found

    def _others(self, collection: str, suspects: Sequence[Finding]) -> Iterator[Document]:
        """Read the suspects and the first documents with their values; in a sample, any document may be the first."""
        reads = self.reads[collection]
        if not self.scan.sampled:
            firsts = (self._first[hash((collection, found.field, found.value))] for found in suspects)
            ids = {*(found.id for found in suspects), *firsts}
            yield from queries.find_by_values(collection, "_id", ids, reads)
            return
        for (_, field), some in by_field(suspects).items():
            yield from queries.find_by_values(
                collection, field.split(", ")[-1], {found.value[-1] for found in some}, reads
            )
