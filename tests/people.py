"""Insert users, conversations and messages as the application stores them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.database import Database

Documents = Database[dict[str, Any]]

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = "7 kettles on the quiet pier"
SEVEN = ("User", "Account", "Profile", "Role", "Permission", "Conversation", "Message")


def minute_after(number: int) -> datetime:
    """Return the time this number of minutes after `BEGAN`."""
    return BEGAN + timedelta(minutes=number)


def person(database: Documents, username: str, *, roles: tuple[str, ...] = (), **fields: Any) -> ObjectId:
    """Insert a user. The named roles must exist already."""
    user: dict[str, Any] = {
        "_id": ObjectId(),
        "email": f"{username}@example.org",
        "username": username,
        "rolesIds": [],
        "status": "ACTIVE",
        "createdAt": BEGAN,
        "updatedAt": BEGAN,
        "conversationIds": [],
        "seenMessageIds": [],
        **fields,
    }
    for role in database["Role"].find({"name": {"$in": list(roles)}}, {"_id": 1}):
        user["rolesIds"].append(role["_id"])
        database["Role"].update_one({"_id": role["_id"]}, {"$push": {"userIds": user["_id"]}})
    database["User"].insert_one(user)
    return user["_id"]


def user(database: Documents, username: str = "ada") -> dict[str, Any]:
    return database["User"].find_one({"username": username}) or {}


def conversation(database: Documents, *users: ObjectId, name: str | None = None) -> ObjectId:
    """Insert a conversation. With a name, it is a group."""
    identifier = ObjectId()
    group = {"name": name, "isGroup": True} if name else {}
    times = {"created_at": BEGAN, "lastMessageAt": BEGAN}
    database["Conversation"].insert_one({"_id": identifier, **group, **times, "messagesIds": [], "userIds": [*users]})
    database["User"].update_many({"_id": {"$in": list(users)}}, {"$push": {"conversationIds": identifier}})
    return identifier


def messages(
    database: Documents,
    place: ObjectId,
    sender: ObjectId,
    *bodies: str,
    seen: tuple[ObjectId, ...] = (),
    after: int = 0,
) -> list[ObjectId]:
    """Insert messages: the first message `after` minutes after `BEGAN`, and each later message one minute later.

    The sender and the users in `seen` have seen the messages.
    """
    readers = [sender, *seen]
    documents = [
        {
            "_id": ObjectId(),
            "body": body,
            "createAt": BEGAN + timedelta(minutes=after + number),
            "seenIds": readers,
            "conversationId": place,
            "senderId": sender,
        }
        for number, body in enumerate(bodies, 1)
    ]
    ids: list[ObjectId] = [document["_id"] for document in documents]  # type: ignore[misc]
    database["Message"].insert_many(documents)
    database["User"].update_many({"_id": {"$in": readers}}, {"$push": {"seenMessageIds": {"$each": ids}}})
    last = documents[-1]["createAt"]
    database["Conversation"].update_one(
        {"_id": place}, {"$push": {"messagesIds": {"$each": ids}}, "$max": {"lastMessageAt": last}}
    )
    return ids


def stored(database: Documents) -> dict[str, list[dict[str, Any]]]:
    """Return the documents of the application's collections, with sorted lists of ids and without `updatedAt`."""
    return {
        name: [
            {
                field: sorted(value, key=str) if isinstance(value, list) else value
                for field, value in document.items()
                if field != "updatedAt"
            }
            for document in database[name].find().sort("_id")
        ]
        for name in SEVEN
    }


def links(database: Documents) -> dict[str, set[tuple[Any, Any]]]:
    """Return the pairs of ids of each two-sided link. Check that both sides have the same pairs."""
    from models.links import LINKS

    found = {}
    for link in LINKS:
        left = {(one["_id"], i) for one in database[link.collection].find() for i in one.get(link.field) or ()}
        right = {(i, one["_id"]) for one in database[link.other].find() for i in one.get(link.other_field) or ()}
        assert left == right, link
        found[link.field] = left
    return found
