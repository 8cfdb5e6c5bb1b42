"""Decide which values may be shown and kept in the audit trail: the values of listed fields that have the right type.

Any other value, for example of an unknown field, may be a secret. It is replaced by the name of its type.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from database.ids import id_text
from database.own_collections import HOLDS, PROPOSALS, STATE
from database.references import referred
from models.values import UserStatus

SHOWN: Final[Mapping[str, frozenset[str]]] = {
    collection: frozenset(fields.split())
    for collection, fields in {
        "User": (
            "email username name rolesIds profileId status createdAt updatedAt lastLogin emailVerified"
            " conversationIds seenMessageIds"
        ),
        "Account": "userId type provider providerAccountId expires_at token_type scope",
        "Profile": "userId phoneNumber address imageUrl",
        "Role": "name userIds permissionsIds",
        "Permission": "name rolesIds",
        "Conversation": "created_at lastMessageAt name isGroup messagesIds userIds",
        "Message": "body image createAt seenIds conversationId senderId",
        STATE: "name maskBodies auditReads twoPeople ids roles permissions users batches renewed turns",
        PROPOSALS: "state",
        HOLDS: "kind name users conversations placed released hold collection ids",
    }.items()
}
"""Collection → the fields whose values are shown and kept. All other fields of the schema are secrets."""

NAMED: Final = frozenset(collection for collection, fields in SHOWN.items() if fields & {"username", "name"})
"""The collections whose documents have a name that users know."""

_OURS: Final[Mapping[str, type]] = {
    **dict.fromkeys(("maskBodies", "auditReads", "twoPeople"), bool),
    **dict.fromkeys(("ids", "roles", "permissions", "users"), list),
    **dict.fromkeys(("batches", "turns"), int),
    "name": str,
    "renewed": datetime,
}
_HOLD: Final[Mapping[str, type]] = {
    **dict.fromkeys(("kind", "name", "collection"), str),
    **dict.fromkeys(("users", "conversations", "ids"), list),
    **dict.fromkeys(("placed", "released"), datetime),
    "hold": ObjectId,
}

_ALIKE: Final[Mapping[type, tuple[type, ...]]] = {
    int: (int, Int64, float),
    datetime: (datetime, DatetimeMS),
    UserStatus: (str,),
}
"""Type of a field → the types of the values that are shown.

If a type of field is not listed here, only values of exactly this type are shown.
"""

_SIMPLE: Final = frozenset({type(None), bool, int, float, str, datetime, ObjectId})
"""The types of most values. `readable` checks these types first, to be fast in long lists."""

NEVER_SHOWN: Final = "(secret)"

_WORDS: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (type(None), "null"),
    (bool, "true or false"),
    (Code, "code"),
    (str, "text"),
    (Decimal128, "decimal"),
    ((int, float), "number"),
    ((datetime, DatetimeMS), "date"),
    (ObjectId, "id"),
    (DBRef, "reference"),
    ((bytes, Binary, UUID), "binary"),
    ((Regex, re.Pattern), "regex"),
    (Timestamp, "timestamp"),
    (MinKey, "min key"),
    (MaxKey, "max key"),
    (Mapping, "document"),
)
"""Types of values, and the words for these types in messages.

The first match counts. The order matters, because in Python a boolean is also a number.
"""

_WITHHELD: Final = re.compile(
    rf"\((?:secret|erased|list of [\d,]+|[\d,]+ bytes|{'|'.join(re.escape(word) for _, word in _WORDS)})\)"
)
"""Matches the texts that are shown instead of hidden values, in events of this or an older version."""

LONGEST_FIELD: Final = 100
"""The length limit for the name of a field that is shown, in characters."""


def type_in_words(value: object) -> str:
    """Return the type of a value in plain words: `text`, `number`, `list of 3`, `document`."""
    if isinstance(value, list | tuple):
        return f"list of {len(value):,}"
    return next((word for kinds, word in _WORDS if isinstance(value, kinds)), "value")


@cache
def _types(collection: str) -> Mapping[str, type]:
    """Return the fields of a collection with the types of their values."""
    from models.schema import SCHEMA  # Imported here, because it loads MongoEngine, which most lists do not need.

    own: dict[str, Mapping[str, type]] = {STATE: _OURS, PROPOSALS: {"state": str}, HOLDS: _HOLD}
    return own.get(collection) or {field: kind for field, (kind, _) in SCHEMA.get(collection, {}).items()}


def showable(collection: str, field: str, value: Any) -> Any:
    """Return the value of a field if it may be shown and kept. Otherwise return its type in parentheses, like `(text)`.

    Each item of a list is treated in the same way. Invariant: secrets stay out of the trail. Only values of fields in
    `SHOWN` are recorded, so a new field is hidden at first. A text that already replaces a hidden value is returned
    unchanged.
    """
    if field == "_id" or is_withheld(value):
        return value
    if field not in SHOWN.get(collection, ()):
        return NEVER_SHOWN if field in _types(collection) else withheld(value)
    wanted = _types(collection)[field]
    if wanted is list and isinstance(value, list):
        return [item if _refers(item) or is_withheld(item) else withheld(item) for item in value]
    if value is None or (wanted is ObjectId and _refers(value)) or type(value) in _ALIKE.get(wanted, (wanted,)):
        return value
    return withheld(value)


def withheld(value: object) -> str:
    """Return the text that is shown instead of a hidden value: its type in parentheses."""
    return f"({type_in_words(value)})"


def is_withheld(value: object) -> bool:
    """Tell whether a value is a text like `(date)` or `(secret)`, which is shown instead of a hidden value."""
    return isinstance(value, str) and bool(_WITHHELD.fullmatch(value))


def readable(value: Any) -> Any:
    """Return the value of a field in `SHOWN` in a form that may be shown.

    A document inside the value can have any fields, so it is replaced by its type.
    """
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, list):
        return [readable(item) for item in value]
    return withheld(value) if isinstance(value, Mapping | DBRef) and not _refers(value) else value


def readable_text(value: Any) -> str:
    """Return the value of a field in `SHOWN` as text. Each document inside the value is replaced by its type."""
    return id_text(readable(value))


def name_of(collection: str, document: Mapping[str, Any]) -> str | None:
    """Return the name of a document. Return None if the document has no name in a field that may be shown."""
    names = (document.get(field) for field in ("username", "name") if field in SHOWN.get(collection, ()))
    return next((name for name in names if name and type(name) is str), None)


def field_name(name: str) -> str:
    """Return the name of a field. A very long name is shortened."""
    return name if len(name) <= LONGEST_FIELD else f"{name[:LONGEST_FIELD]}… ({len(name):,} characters)"


def _refers(item: object) -> bool:
    return isinstance(referred(item), ObjectId)
