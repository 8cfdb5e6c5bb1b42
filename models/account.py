"""A linked sign-in of a user, at a provider."""

from mongoengine import LongField, ObjectIdField, StringField

from models.document import ApplicationDocument, unique


class Account(ApplicationDocument):
    """`expires_at` counts seconds since 1970; the three tokens are never shown."""

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
