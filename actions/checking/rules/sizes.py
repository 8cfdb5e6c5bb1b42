"""Documents that come near to the largest there can be."""

from collections.abc import Iterator, Sequence
from typing import Final

from actions.checking.rule import Finding, Rule
from actions.checking.rules.shapes import READ, SCHEMA
from models.changes import Document

BYTES: Final = 8 * 1024 * 1024
IDS: Final = 250_000


class Oversized(Rule):
    """A document has more than 8 MiB, or a list more than 250,000 ids."""

    name = "oversized"
    severity = "W"
    effect = "at 16 MiB the server refuses every change that makes it longer"
    fix = "share the links between several documents, or purge messages (chatctl messages purge)"
    reads = READ

    def look(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        lists = [field for field, (kind, _) in SCHEMA[collection].items() if kind is list]
        texts = [field for field, (kind, _) in SCHEMA[collection].items() if kind is str]
        for document in documents:
            for field in lists:
                if isinstance(value := document.get(field), list) and len(value) > IDS:
                    yield Finding(collection, document["_id"], field, f"{len(value):,} ids")
            for field in texts:
                if isinstance(value := document.get(field), str) and len(value) > BYTES:
                    yield Finding(collection, document["_id"], field, f"{len(value):,} characters")
