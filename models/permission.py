"""One thing that a role allows."""

from mongoengine import ListField, ObjectIdField, StringField

from models.document import ApplicationDocument, unique


class Permission(ApplicationDocument):
    name = StringField(required=True)
    rolesIds = ListField(ObjectIdField())

    meta = {"collection": "Permission", "indexes": [unique("Permission_name_key", "name")]}
