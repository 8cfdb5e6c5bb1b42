"""A group, or two people writing to each other."""

from collections.abc import Mapping
from typing import Any, Final

from mongoengine import BooleanField, DateTimeField, ListField, ObjectIdField, StringField

from models.document import ApplicationDocument

PAIR: Final = 2
"""The number of people in a one-to-one conversation."""


class Conversation(ApplicationDocument):
    """One-to-one where `isGroup` is absent; `messagesIds` is a copy of what `Message.conversationId` says."""

    created_at = DateTimeField(required=True)
    lastMessageAt = DateTimeField(required=True)
    name = StringField()
    isGroup = BooleanField()
    messagesIds = ListField(ObjectIdField())
    userIds = ListField(ObjectIdField())

    meta = {"collection": "Conversation"}


def is_group(conversation: Mapping[str, Any]) -> bool:
    """Tell whether a conversation is a group; without `isGroup` the application treats it as one-to-one."""
    return conversation.get("isGroup") is True
