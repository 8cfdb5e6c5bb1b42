"""How a user can be reached and looks; one a user."""

from mongoengine import ObjectIdField, StringField

from models.document import ApplicationDocument, unique


class Profile(ApplicationDocument):
    userId = ObjectIdField(required=True)
    phoneNumber = StringField()
    address = StringField()
    imageUrl = StringField()

    meta = {"collection": "Profile", "indexes": [unique("Profile_userId_key", "userId")]}
