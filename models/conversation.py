"""A group, or two people writing to each other."""

from mongoengine import BooleanField, DateTimeField, ListField, ObjectIdField, StringField

from models.document import ApplicationDocument


class Conversation(ApplicationDocument):
    """One-to-one where `isGroup` is absent; `messagesIds` is a copy of what `Message.conversationId` says."""

    created_at = DateTimeField(required=True)
    lastMessageAt = DateTimeField(required=True)
    name = StringField()
    isGroup = BooleanField()
    messagesIds = ListField(ObjectIdField())
    userIds = ListField(ObjectIdField())

    meta = {"collection": "Conversation"}
