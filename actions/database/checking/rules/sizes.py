"""The rule about documents that are almost too large."""

from collections.abc import Iterator, Sequence
from typing import Final

from actions.database.checking.rule import Finding, Rule
from actions.database.checking.rules.field_types import ALL_FIELDS
from changes import Document
from models.schema import SCHEMA

BYTES: Final = 8 * 1024 * 1024
IDS: Final = 250_000
OF_AN_ID: Final = 19
"""Bytes of an id in a long list, with its number in it."""
OF_A_CHARACTER: Final = 4
"""Bytes of a character, at most."""


class Oversized(Rule):
    """A document has more than 8 MiB, or a list more than 250,000 ids."""

    name = "oversized"
    severity = "W"
    effect = "at 16 MiB the server refuses every change that makes it longer"
    fix = "purge old messages (chatctl messages purge --before TIME), or share the links between several documents"
    fixes = {"Message.None": "chatctl messages redact {id}, or chatctl messages delete {id}"}
    reads = ALL_FIELDS
    one_collection = True

    def suspects(self, collection: str, documents: Sequence[Document]) -> Iterator[Finding]:
        lists = [field for field, (kind, _) in SCHEMA[collection].items() if kind is list]
        texts = [field for field, (kind, _) in SCHEMA[collection].items() if kind is str]
        for document in documents:
            size = 0
            for field in texts:
                if type(text := document.get(field)) is str:
                    size += _bytes(text)
            for field in lists:
                if type(items := document.get(field)) is list:
                    size += len(items) * OF_AN_ID
                    if len(items) > IDS:
                        yield Finding(collection, document["_id"], field, f"{len(items):,} ids")
            if size > BYTES:
                yield Finding(collection, document["_id"], None, f"{size / 1024 / 1024:.1f} MiB")


def _bytes(text: str) -> int:
    """Count the bytes of a text that may be long."""
    return len(text) if len(text) < BYTES // OF_A_CHARACTER else len(text.encode("utf-8", "surrogatepass"))
