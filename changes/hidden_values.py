"""Digests of the old values that a plan must not contain, like texts of messages and password hashes.

With a digest, an approval notices that such a value was changed. A short text could be guessed from a digest without a
key. Therefore the digests of a plan have a random key, which is kept in the audit trail. Some people can read proposals
or plan files, but not the audit trail. These people learn nothing from the digests.
"""

import hmac
import os
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import bson

from changes.change import ABSENT, UNGUARDED, Change, Insert, Overwrite, Raise, Set, Update
from changes.operations import ALWAYS_OVERWRITTEN
from changes.visible_values import is_withheld
from database.decoding import AS_STORED

KEY_BYTES: Final = 32
DIGEST_BYTES: Final = 16


class Place(NamedTuple):
    """The place of a value: a field of a document."""

    collection: str
    id: Any
    field: str


def new_key() -> bytes:
    """Make a random key for the digests of one plan."""
    return os.urandom(KEY_BYTES)


def digest(key: bytes, place: Place, value: Any) -> bytes:
    """Compute the digest of a value with a key.

    The digest also depends on the place, so the same value has different digests in two places.
    """
    stored = bson.encode({"place": [*place], "value": [] if value is ABSENT else [value]}, codec_options=AS_STORED)
    return hmac.digest(key, stored, "sha256")[:DIGEST_BYTES]


def digests(key: bytes, changes: Iterable[Change], kept: Iterable[Change]) -> dict[Place, bytes]:
    """Return the digest of each old value in `changes` that a plan does not contain.

    `kept` has the same changes, with only the values that the plan contains.
    """
    hidden = {*places(kept := list(kept))}
    return {place: digest(key, place, value) for place, value in _old_values(changes) if place in hidden}


def places(kept: Iterable[Change]) -> Iterator[Place]:
    """Yield the fields whose old value a plan does not contain.

    Instead of such a value, the plan has its type, for example `(text)`.
    """
    for place, value in _old_values(kept):
        if any(map(is_withheld, value if isinstance(value, list) else [value])):
            yield place


def _old_values(changes: Iterable[Change]) -> Iterator[tuple[Place, Any]]:
    """Yield the old values that the changes expect in the database.

    If an earlier change of the plan sets a value, this value is left out.
    """
    known: set[tuple[str, Any] | Place] = set()
    for change in changes:
        for identifier in change.ids:
            document = change.collection, identifier
            if document not in known and not isinstance(change, Insert):
                for name, value in _expected(change).items():
                    place = Place(*document, name)
                    if place not in known:
                        yield place, value
            if isinstance(change, Update):
                known.update(Place(*document, name) for name in change.fields)
            else:
                known.add(document)


def _expected(change: Change) -> dict[str, Any]:
    """Return the old values that the write of a change compares with the stored values: field → value."""
    if not isinstance(change, Update):
        return {name: value for name, value in change.document.items() if name not in UNGUARDED | {"_id"}}
    compared = {
        name: field.before
        for name, field in change.fields.items()
        if isinstance(field, Set) and not isinstance(field, Raise | Overwrite) and name not in ALWAYS_OVERWRITTEN
    }
    return compared | {name: value for name, value in change.expected.items() if name not in UNGUARDED}
