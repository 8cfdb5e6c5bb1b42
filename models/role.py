"""A named set of permissions that users hold."""

from mongoengine import ListField, ObjectIdField, StringField

from models.document import ApplicationDocument, unique


class Role(ApplicationDocument):
    name = StringField(required=True)
    userIds = ListField(ObjectIdField())
    permissionsIds = ListField(ObjectIdField())

    meta = {"collection": "Role", "indexes": [unique("Role_name_key", "name")]}
