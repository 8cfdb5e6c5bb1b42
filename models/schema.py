"""The collections, fields and unique indexes of the application, derived from the classes in `documents`."""

from datetime import datetime
from typing import Any, Final

from bson import ObjectId
from mongoengine import BooleanField, DateTimeField, EnumField, ListField, LongField, ObjectIdField

from models.documents import (
    Account,
    ApplicationDocument,
    Conversation,
    Message,
    Permission,
    Profile,
    Role,
    User,
)
from models.values import UserStatus

DOCUMENTS: tuple[type[ApplicationDocument], ...] = (User, Account, Profile, Role, Permission, Conversation, Message)

Index = tuple[str, tuple[str, ...]]


def _meta(document: type[ApplicationDocument]) -> dict[str, Any]:
    return dict(document._meta)  # noqa: SLF001 - mongoengine has no public name for it


FIELDS: dict[str, frozenset[str]] = {
    _meta(document)["collection"]: frozenset(document._fields) - {"id"} for document in DOCUMENTS
}

TYPES: Final[dict[type, type]] = {
    BooleanField: bool,
    DateTimeField: datetime,
    EnumField: UserStatus,
    ListField: list,
    LongField: int,
    ObjectIdField: ObjectId,
}
"""Class of a MongoEngine field → the Python type of its values. All other fields contain text."""

SCHEMA: dict[str, dict[str, tuple[type, bool]]] = {
    _meta(document)["collection"]: {
        "_id" if name == "id" else name: (TYPES.get(type(field), str), field.required or name == "id")
        for name, field in document._fields.items()
    }
    for document in DOCUMENTS
}
"""Collection → field → (type of its values, whether the field is required)."""

UNIQUE_INDEXES: dict[str, tuple[Index, ...]] = {
    _meta(document)["collection"]: tuple(
        (index["name"], tuple(index["fields"])) for index in _meta(document).get("indexes", ())
    )
    for document in DOCUMENTS
}
"""Collection → its unique indexes as `(name, fields)`. Prisma has chosen the names."""
