"""The values of the fields `isGroup` and `status`. Importing this module does not load MongoEngine."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

PAIR: Final = 2
"""The number of people in a one-to-one conversation."""


def is_group(conversation: Mapping[str, Any]) -> bool:
    """Tell whether a conversation is a group. The application treats a conversation without `isGroup` as one-to-one."""
    return conversation.get("isGroup") is True


class UserStatus(StrEnum):
    """The status of a user. The application fails if a user has any other status."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    EMAIL_VERIFIED = "EMAIL_VERIFIED"
