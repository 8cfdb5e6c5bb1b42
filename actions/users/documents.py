"""What a new user looks like on disk: as the application would have written it."""

from typing import Any, Final

from bson import ObjectId

from changes import Document
from changes.events import now
from models.user import UserStatus

PROFILE: Final = ("phoneNumber", "address", "imageUrl")
"""The fields of a profile that a person fills."""

ACCOUNT: Final = ("provider", "type", "providerAccountId", "expires_at", "token_type", "scope")
"""The fields of a linked account that anybody may see."""

TOKENS: Final = {"access_token": "hasAccessToken", "refresh_token": "hasRefreshToken", "id_token": "hasIdToken"}
"""Its secrets, and what is said in their place."""


def new_user(email: str, username: str, **fields: Any) -> Document:
    """Return the document of a new user; of `fields` those that are None stay absent."""
    created = now()
    document = {
        "_id": ObjectId(),
        "email": email.lower(),
        "username": username,
        "rolesIds": [],
        "status": UserStatus.ACTIVE.value,
        "createdAt": created,
        "updatedAt": created,
        "conversationIds": [],
        "seenMessageIds": [],
    }
    return document | {name: value for name, value in fields.items() if value is not None}
