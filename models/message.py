"""What one participant wrote into a conversation."""

from mongoengine import DateTimeField, ListField, ObjectIdField, StringField

from models.document import ApplicationDocument


class Message(ApplicationDocument):
    """A message with an image alone has no `body`; its time is `createAt`, spelt so on disk."""

    body = StringField()
    image = StringField()
    createAt = DateTimeField(required=True)
    seenIds = ListField(ObjectIdField())
    conversationId = ObjectIdField(required=True)
    senderId = ObjectIdField(required=True)

    meta = {"collection": "Message"}
