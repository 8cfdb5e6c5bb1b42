"""Notes about ids that are not ObjectIds: what the application does with such ids, and how to repair them."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from bson import ObjectId

from database import connection
from database.ids import any_of, equal
from database.references import ODD, forms, referred
from models.links import COLLECTIONS, OTHER_SIDES, OWNED

NOT_COUNTED: Final = frozenset({("Message", "seenIds"), ("User", "seenMessageIds")})
"""Lists of ids that are not searched, because they have no index and no command counts them."""
_LINK_FIELDS: Final = [(side, other) for side, (other, _) in OTHER_SIDES.items() if side not in NOT_COUNTED]
ID_LISTS: Final = {
    collection: [field for (side, field), _ in _LINK_FIELDS if side == collection] for collection in COLLECTIONS
}
"""Collection → the fields of its documents that are lists of ids."""
REFERRING: Final = {
    parent: [side for side, other in _LINK_FIELDS if other == parent]
    + [(owned.collection, owned.field) for owned in OWNED if owned.parent == parent]
    for parent in COLLECTIONS
}
"""Collection → the fields that refer to documents of this collection, as pairs (collection, field)."""


def notes(collection: str, identifier: Any, collections: Collection[str] = COLLECTIONS) -> Iterator[str]:
    """Yield notes about ids that are stored as text: the id of a document, ids in its references, and references to it.

    The filters of the application do not find references that are stored as text. Only the given `collections` are
    searched.
    """
    if not isinstance(identifier, ObjectId) and isinstance(referred(identifier), ObjectId):
        yield "The id is stored as text. To repair it: chatctl db repair --rule wrong-type"
    if fields := sorted(_fields_with_text_ids(collection, identifier, collections)):
        yield (
            f"Ids are stored as text in {', '.join(fields)}. The application follows them, but its filters do not "
            "find them. To repair them: chatctl db repair --rule string-id"
        )


def _fields_with_text_ids(collection: str, identifier: Any, collections: Collection[str]) -> Iterator[str]:
    database = connection.database()
    for field in ID_LISTS[collection]:
        odd = {"_id": equal(identifier), "$or": [{field: {"$type": kind}} for kind in ODD]}
        if database[collection].find_one(odd, []):
            yield f"{collection}.{field}"
    texts = any_of(form for form in forms(identifier) if not isinstance(form, ObjectId))
    for other, field in REFERRING[collection]:
        if other in collections and database[other].find_one({field: texts}, []):
            yield f"{other}.{field}"
