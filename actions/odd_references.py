"""Report references that are not ObjectIds: their effect on the application, and the command that mends them."""

from collections.abc import Iterator
from typing import Any, Final

from bson import ObjectId

from models import connection
from models.links import OTHER_SIDES, OWNED
from models.references import ODD, forms, referred

NOT_COUNTED: Final = frozenset({("Message", "seenIds"), ("User", "seenMessageIds")})
"""Lists that no command counts and that have no index."""
OWN: Final = {collection: [field for side, field in OTHER_SIDES if side == collection] for collection, _ in OTHER_SIDES}
"""Collection → its own lists of ids."""
REFERRING: Final = {
    parent: [(side, field) for (side, field), (other, _) in OTHER_SIDES.items() if other == parent]
    + [(owned.collection, owned.field) for owned in OWNED if owned.parent == parent]
    for parent in OWN
}
"""Collection → the collections and fields that refer to its documents."""


def notes(collection: str, identifier: Any) -> Iterator[str]:
    """Yield notes if references to or from a document are stored as text, so that the application finds only some."""
    if not isinstance(identifier, ObjectId) and isinstance(referred(identifier), ObjectId):
        yield "The id is stored as text. To repair it: chatctl db repair --rule wrong-type"
    if places := sorted(_places(collection, identifier)):
        yield (
            f"Ids are stored as text in {', '.join(places)}. The application follows them, but its filters do not "
            "find them. To repair them: chatctl db repair --rule string-id"
        )


def _places(collection: str, identifier: Any) -> Iterator[str]:
    database = connection.database()
    for field in OWN[collection]:
        odd = [{field: {"$type": kind}} for kind in ODD]
        if (collection, field) not in NOT_COUNTED and database[collection].find_one(
            {"_id": identifier, "$or": odd}, []
        ):
            yield f"{collection}.{field}"
    texts = [form for form in forms(identifier) if not isinstance(form, ObjectId)]
    for other, field in REFERRING[collection]:
        if (other, field) not in NOT_COUNTED and database[other].find_one({field: {"$in": texts}}, []):
            yield f"{other}.{field}"
