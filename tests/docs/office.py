"""The example data of the documentation: users, groups and messages."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from bson import ObjectId
from people import Documents, person

from tests.conftest import Chatctl

EVENT: Final = ObjectId("66b0c0ffee66b0c0ffee66b0")
"""The id of the event that suspended mallory."""
MESSAGE: Final = ObjectId("66a1f0c2d4e5f60718293a4b")
"""The id of the message that a moderator should redact."""
MORNING: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE: Final[dict[str, tuple[tuple[str, ...], dict[str, Any]]]] = {
    "kay": (("admin",), {"name": "Kay Antonelli", "lastLogin": MORNING, "status": "EMAIL_VERIFIED"}),
    "ada": (("support",), {"name": "Ada Lovelace", "lastLogin": MORNING + timedelta(days=7)}),
    "grace": (("moderator",), {"name": "Grace Hopper", "lastLogin": MORNING + timedelta(days=5)}),
    "alan": (("viewer",), {"name": "Alan Turing", "status": "EMAIL_VERIFIED"}),
    "bob": ((), {"name": "Bob Noyce", "lastLogin": MORNING - timedelta(days=90)}),
    "mallory": ((), {"name": "Mallory", "email": "mallory@example.net", "lastLogin": MORNING}),
}
"""Username → names of the roles, and other fields of the user."""
TALK: Final[dict[tuple[str | None, tuple[str, ...]], tuple[tuple[str, str], ...]]] = {
    (None, ("ada", "bob")): (
        ("bob", "I cannot sign in any more."),
        ("ada", "Which address do you use?"),
        ("bob", "The old one, bob@example.com. See you on Monday?"),
    ),
    (None, ("bob", "mallory")): (
        ("mallory", "Hi, this is your bank."),
        ("mallory", "Wire the money today: 555 0100."),
        ("bob", "Who are you?"),
    ),
    ("Night shift", ("ada", "grace", "bob")): (
        ("grace", "The kettle is back."),
        ("ada", "Good. Who was it?"),
        ("bob", "Nobody knows."),
    ),
    ("lobby", ("kay", "ada", "grace", "alan", "bob")): (("kay", "Welcome, all of you."), ("alan", "Hello.")),
    ("Lunch", ("ada", "alan", "grace")): (("alan", "Soup?"),),
    ("engines", ("ada", "grace", "alan")): (),
}
"""Conversations: (name, usernames of the participants) → messages as (sender, text)."""


_stored: dict[str, list[dict[str, Any]]] = {}


def settle(chatctl: Chatctl, database: Documents) -> None:
    """Insert the example data and an event. Later calls insert exactly what the first call has inserted."""
    database.client.drop_database(database.name)
    if not _stored:
        _come_in(chatctl, database)
        found = {name: list(database[name].find()) for name in database.list_collection_names()}
        event = found["chatctl_audit"][0]["_id"]
        _stored.update({name: [_renamed(one, event) for one in documents] for name, documents in found.items()})
        database.client.drop_database(database.name)
    for name, documents in _stored.items():
        database[name].insert_many(documents)


def _renamed(value: Any, event: ObjectId) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, event) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, event) for item in value]
    return EVENT if value == event else value


def _come_in(chatctl: Chatctl, database: Documents) -> None:
    chatctl("seeds", "apply", "--yes")
    chatctl("roles", "create", "intern", "--permission", "user.read")
    ids = {}
    for number, (name, (roles, known)) in enumerate(PEOPLE.items()):
        verified = {"emailVerified": MORNING} if known.get("status") == "EMAIL_VERIFIED" else {}
        fields = {**known, **verified, "hashedPassword": "$2b$12$" + "x" * 53}
        ids[name] = person(database, name, _id=_id("65", number), roles=roles, **fields)
    accounts = [{"_id": _id("68", number), "userId": ids["ada"]} for number in range(2)]
    for account, provider in zip(accounts, ("google", "github"), strict=True):
        account |= {"type": "oauth", "provider": provider, "providerAccountId": f"1000{provider}"}
    database["Account"].insert_many(accounts)
    _talk(database, ids)
    database["chatctl_audit"].drop()
    database["chatctl_images"].drop()
    chatctl("users", "suspend", "mallory", "--reason", "writes as a bank", "--yes")


def _talk(database: Documents, ids: dict[str, ObjectId]) -> None:
    numbers = count(1)
    for place, ((name, people), said) in enumerate(TALK.items()):
        at = MORNING + timedelta(days=place)
        group = {"name": name, "isGroup": True} if name else {}
        chat: dict[str, Any] = {"_id": _id("67", place), **group, "created_at": at, "lastMessageAt": at}
        chat |= {"messagesIds": [], "userIds": [ids[one] for one in people]}
        for number, (sender, body) in zip(numbers, said, strict=False):
            message = MESSAGE if body.startswith("Wire") else _id("66", number)
            chat["lastMessageAt"] = at = at + timedelta(minutes=number)
            chat["messagesIds"].append(message)
            links = {"conversationId": chat["_id"], "senderId": ids[sender], "seenIds": [ids[sender]]}
            database["Message"].insert_one({"_id": message, "body": body, "createAt": at, **links})
            database["User"].update_one({"_id": ids[sender]}, {"$push": {"seenMessageIds": message}})
        database["Conversation"].insert_one(chat)
        database["User"].update_many({"_id": {"$in": chat["userIds"]}}, {"$push": {"conversationIds": chat["_id"]}})


def _id(kind: str, number: int) -> ObjectId:
    return ObjectId(f"{kind}0000000000000000000{number:03d}")
