"""Two documents that have what only one of them may have."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import chain
from typing import Any

from actions import queries
from actions.database.checking.known import Known
from actions.database.checking.rule import Finding, Rule, by_collection, by_field, sound
from changes import Document

Values = tuple[Hashable, ...]


class Twice(Rule):
    """The first document that is read with some values is the one that may have them; the others are at fault."""

    apart = True

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._first: dict[int, Any] = {}

    def values(self, collection: str, document: Document) -> Iterator[tuple[str, Values]]:
        """Give what nobody else may have: one or more fields, and the values there, the last of them in the last."""
        raise NotImplementedError(collection, document)

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        for document in documents:
            for field, values in self.values(collection, document):
                first = self._first.setdefault(hash((collection, field, values)), document["_id"])
                if first != document["_id"] or self.known.sampled:
                    yield Finding(collection, document["_id"], field, values)

    def confirm(self, suspects: Sequence[Finding]) -> Iterator[Finding]:
        for collection, some in by_collection(suspects).items():
            faults = list(chain.from_iterable(some.values()))
            holders: dict[tuple[str, Values], set[Any]] = {}
            for document in sound(self._others(collection, faults)):
                for held in self.values(collection, document):
                    holders.setdefault(held, set()).add(document["_id"])
            for found in faults:
                ids = holders.get((str(found.field), found.value), set())
                if found.id in ids and len(ids) > 1 and not (self.known.sampled and found.id == min(ids)):
                    yield found

    def _others(self, collection: str, suspects: Sequence[Finding]) -> Iterator[Document]:
        """Read what is suspected and the first with the same values; in a sample that may have been any."""
        reads = self.reads[collection]
        if not self.known.sampled:
            firsts = (self._first[hash((collection, found.field, found.value))] for found in suspects)
            ids = {*(found.id for found in suspects), *firsts}
            yield from queries.find_by_values(collection, "_id", ids, reads)
            return
        for (_, field), some in by_field(suspects).items():
            yield from queries.find_by_values(
                collection, field.split(", ")[-1], {found.value[-1] for found in some}, reads
            )
