"""What a repair writes on, and the documents as they will be by then."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

from actions import finding
from changes import Batch, Document, Draft

GENERATIONS: Final = 4
"""Of batches, for which documents are kept: that being made, that which waits, that being written, and one to spare."""


class Mending:
    """A draft with a view of the documents that is ahead of the database.

    Batches are made before those in front of them are written, and one document may be mended in several ways: whoever
    changes one takes it from here, whole, and finds in it what was changed before.
    """

    def __init__(self, names: dict[Any, str]) -> None:
        self.draft = Draft()
        self.draft.names = names
        self._kept: deque[dict[tuple[str, Any], Document]] = deque([{}], GENERATIONS)
        self._deleted: set[tuple[str, Any]] = set()

    def documents(self, collection: str, ids: Iterable[Any]) -> dict[Any, Document]:
        """Return documents by their ids; those that are gone are left out."""
        wanted = [one for one in dict.fromkeys(ids) if (collection, one) not in self._deleted]
        held = {
            one: kept[collection, one] for kept in reversed(self._kept) for one in wanted if (collection, one) in kept
        }
        missing = [one for one in wanted if one not in held]
        held |= {document["_id"]: document for document in finding.having(collection, "_id", missing)}
        self._kept[0].update(((collection, one), document) for one, document in held.items())
        return held

    def each(self, collection: str, ids: Iterable[Any]) -> Iterator[tuple[Any, Document]]:
        """Give ids and documents, a part of them read at a time."""
        for part in finding.parts(ids):
            yield from self.documents(collection, part).items()

    def remove(self, collection: str, document: Document) -> None:
        """Delete a document, which nobody finds here any more."""
        self._deleted.add((collection, document["_id"]))
        self.draft.delete(collection, document)

    def finished_batches(self) -> Iterator[Batch]:
        """Hand out the batches that are full."""
        if full := self.draft.finished_batches():
            yield from full
            self._kept.appendleft({})
