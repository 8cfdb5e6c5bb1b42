"""A person who can sign in."""

from enum import StrEnum

from mongoengine import DateTimeField, EnumField, ListField, ObjectIdField, StringField

from models.document import ApplicationDocument, unique


class UserStatus(StrEnum):
    """The three statuses; the application fails on any other."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    EMAIL_VERIFIED = "EMAIL_VERIFIED"


class User(ApplicationDocument):
    """`profileId` copies what `Profile.userId` says; `hashedPassword` is absent for those who sign in elsewhere."""

    email = StringField(required=True)
    username = StringField(required=True)
    name = StringField()
    rolesIds = ListField(ObjectIdField())
    profileId = ObjectIdField()
    status = EnumField(UserStatus, required=True, default=UserStatus.ACTIVE)
    createdAt = DateTimeField(required=True)
    updatedAt = DateTimeField(required=True)
    lastLogin = DateTimeField()
    emailVerified = DateTimeField()
    hashedPassword = StringField()
    conversationIds = ListField(ObjectIdField())
    seenMessageIds = ListField(ObjectIdField())

    meta = {
        "collection": "User",
        "indexes": [unique("User_email_key", "email"), unique("User_username_key", "username")],
    }
