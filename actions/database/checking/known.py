"""What is known of the whole database while it is checked, in memory that grows with its users and conversations."""

from collections import defaultdict
from typing import Any, Final, TypeVar

from bson import ObjectId

from changes import Document
from database.references import referred

T = TypeVar("T")

PARENTS: Final = frozenset({"User", "Role", "Permission", "Conversation"})
"""Collections whose ids are kept; messages are too many, and nothing needs one to be there."""


class Known:
    """The ids there are, and what rules that look at the same things have in common.

    Of a sample nothing is known: all that refers to something else is suspected, and looked up.
    """

    def __init__(self, sample: int | None = None) -> None:
        self.sample = sample
        self.sampled = sample is not None
        self._ids: dict[str, set[Any]] = defaultdict(set)
        self._shared: dict[type, Any] = {}

    def learn(self, collection: str, documents: list[Document]) -> None:
        """Keep the ids of the documents that are read; an id as text counts as the ObjectId."""
        if collection in PARENTS and not self.sampled:
            found = (referred(document["_id"]) for document in documents)
            self._ids[collection].update(identifier for identifier in found if type(identifier) is ObjectId)

    def ids(self, collection: str) -> set[Any]:
        """Return the ids of the documents that are known to be there."""
        return self._ids[collection]

    def shared(self, kind: type[T]) -> T:
        """Give the one object of a kind that rules share."""
        if kind not in self._shared:
            self._shared[kind] = kind()
        found: T = self._shared[kind]
        return found
