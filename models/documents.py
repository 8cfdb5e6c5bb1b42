"""The seven documents of the application, as MongoDB stores them. Only the package `changes` writes them."""

from typing import Any, ClassVar

from mongoengine import (
    BooleanField,
    DateTimeField,
    Document,
    EnumField,
    ListField,
    LongField,
    ObjectIdField,
    StringField,
)

from models.values import UserStatus


class ApplicationDocument(Document):
    """A document of the application. Unknown fields are kept, and MongoEngine creates no index by itself."""

    meta: ClassVar[dict[str, Any]] = {"abstract": True, "strict": False, "auto_create_index": False}


def unique(name: str, *fields: str) -> dict[str, object]:
    """Describe a unique index for MongoEngine.

    MongoDB's error about a duplicate value contains the index name, and the application searches the error for it. So
    `name` must be exactly the name that the application expects.
    """
    return {"fields": list(fields), "name": name, "unique": True, "cls": False}


class Account(ApplicationDocument):
    """A sign-in of a user at a provider like Google. chatctl never shows the tokens.

    `expires_at` is the time when the access token expires, in seconds since 1970.
    """

    userId = ObjectIdField(required=True)
    type = StringField(required=True)
    provider = StringField(required=True)
    providerAccountId = StringField(required=True)
    refresh_token = StringField()
    access_token = StringField()
    expires_at = LongField()
    token_type = StringField()
    scope = StringField()
    id_token = StringField()
    session_state = StringField()

    meta = {
        "collection": "Account",
        "indexes": [unique("Account_provider_providerAccountId_key", "provider", "providerAccountId")],
    }


class Conversation(ApplicationDocument):
    """A conversation. If `isGroup` is absent or false, the conversation is one-to-one.

    `messagesIds` lists the ids of the messages. `Message.conversationId` stores the same links a second time.
    """

    created_at = DateTimeField(required=True)
    lastMessageAt = DateTimeField(required=True)
    name = StringField()
    isGroup = BooleanField()
    messagesIds = ListField(ObjectIdField())
    userIds = ListField(ObjectIdField())

    meta = {"collection": "Conversation"}


class Message(ApplicationDocument):
    """A message. `body` is absent if the message is only an image.

    The application spells `createAt` without a `d`.
    """

    body = StringField()
    image = StringField()
    createAt = DateTimeField(required=True)
    seenIds = ListField(ObjectIdField())
    conversationId = ObjectIdField(required=True)
    senderId = ObjectIdField(required=True)

    meta = {"collection": "Message"}


class Permission(ApplicationDocument):
    name = StringField(required=True)
    rolesIds = ListField(ObjectIdField())

    meta = {"collection": "Permission", "indexes": [unique("Permission_name_key", "name")]}


class Profile(ApplicationDocument):
    userId = ObjectIdField(required=True)
    phoneNumber = StringField()
    address = StringField()
    imageUrl = StringField()

    meta = {"collection": "Profile", "indexes": [unique("Profile_userId_key", "userId")]}


class Role(ApplicationDocument):
    name = StringField(required=True)
    userIds = ListField(ObjectIdField())
    permissionsIds = ListField(ObjectIdField())

    meta = {"collection": "Role", "indexes": [unique("Role_name_key", "name")]}


class User(ApplicationDocument):
    """A user. `profileId` is the id of the profile; `Profile.userId` stores the same link a second time.

    `hashedPassword` is absent if the user has no password.
    """

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
