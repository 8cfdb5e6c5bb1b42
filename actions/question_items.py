"""Describe the items of a confirmation question, so that users see which items the command changes."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from actions import audit, queries
from actions.messages.listing import MESSAGE_FIELDS, MessageRows
from changes import Changeset, Insert, Stream
from changes.changeset import UNTOUCHED
from changes.visible_values import readable
from database.listing import Row
from database.own_collections import AUDIT
from database.references import Document, referred
from database.wording import NAMED

_PERSON: Final = ("username", "name", "email")
_FIELDS: Final[dict[str | None, tuple[str, ...] | None]] = {"User": _PERSON, "Message": MESSAGE_FIELDS, AUDIT: None}


def describe(changeset: Changeset) -> list[Row]:
    """Describe the first items that a changeset changes: rows with `ref`, and with more fields for some collections.

    The row of a user also has `username`, `name` and `email`. The row of a message has the fields of `MessageRows`, and
    the row of an event has those of `audit.find`. If an item is not in the database, its row has only `ref`.
    """
    collection = changeset.asked.of
    results = list(islice((result for result in changeset.results if result.outcome not in UNTOUCHED), NAMED))
    if collection is None or collection not in _FIELDS:
        return [{"ref": result.ref} for result in results]
    ids = [result.id for result in results if result.id is not None]
    documents = list(queries.find_by_ids(collection, ids, _FIELDS[collection])) or _created(changeset, collection)
    rows = {
        referred(document["_id"]): row for document, row in zip(documents, _rows(collection, documents), strict=True)
    }
    return [{"ref": result.ref, **rows.get(referred(result.id), {})} for result in results]


def _created(changeset: Changeset, collection: str) -> list[Document]:
    """Return the documents that a changeset inserts.

    If its batches are a `Stream`, the documents are not made yet, and the result is empty.
    """
    if isinstance(changeset.batches, Stream):
        return []
    return [one.document for one in changeset.changes if isinstance(one, Insert) and one.collection == collection]


def _rows(collection: str, documents: list[Document]) -> Iterator[Row]:
    if collection == AUDIT:
        yield from audit.rows(documents)
    elif collection == "Message":
        yield from MessageRows()(documents)
    else:
        yield from ({name: readable(document.get(name)) for name in _PERSON} for document in documents)
