"""Four example users who write to each other, for tests of how conversations and messages are shown."""

from typing import Any

from bson import ObjectId
from people import BEGAN, Documents, minute_after, person

IDS = {name: ObjectId(f"65000000000000000000000{number}") for number, name in enumerate(("ada", "bob", "cyd", "dan"))}
ADA, BOB, CYD, DAN = IDS.values()
GHOST = ObjectId("65000000000000000000000f")
"""The id of a user who no longer exists."""

DIRECT, SHIFT, CLUB, SILENT = (ObjectId(f"68000000000000000000000{number}") for number in range(4))
PLACES = {
    DIRECT: (None, [ADA, BOB], 3),
    SHIFT: ("Night shift", [ADA, BOB, CYD], 12),
    CLUB: ("Book club (2026)", [CYD, GHOST], 20),
    SILENT: (None, [CYD, DAN], 0),
}
"""Conversations: id → (name, participants, minute of the last message)."""

IMAGE = "data:image/png;base64," + "iVBOR" * 100
WRITTEN: tuple[tuple[int, ObjectId, ObjectId, dict[str, Any], list[ObjectId]], ...] = (
    (1, DIRECT, ADA, {"body": "hello bob"}, [BOB]),
    (2, DIRECT, ADA, {"body": "see you at the pier\n+ bring the kettle, the one that whistles"}, [BOB]),
    (3, DIRECT, BOB, {"body": "fine"}, []),
    (10, SHIFT, ADA, {"body": "who has the Kettle?"}, [BOB, CYD]),
    (11, SHIFT, CYD, {"image": IMAGE}, [BOB]),
    (12, SHIFT, BOB, {"body": "not me", "image": "https://images.example/a.png"}, []),
    (20, CLUB, GHOST, {"body": "=1+1"}, [CYD]),
)
"""Messages: (minute, conversation, sender, text or image, other users who have seen the message)."""
MESSAGES = [ObjectId(f"69000000000000000000000{number}") for number in range(len(WRITTEN))]


def settle(database: Documents) -> None:
    for name, identifier in IDS.items():
        person(database, name, _id=identifier)
    for identifier, (name, people, last) in PLACES.items():
        group = {"name": name, "isGroup": True} if name else {}
        times = {"created_at": BEGAN, "lastMessageAt": minute_after(last)}
        database["Conversation"].insert_one({"_id": identifier, **group, **times, "messagesIds": [], "userIds": people})
        database["User"].update_many({"_id": {"$in": people}}, {"$push": {"conversationIds": identifier}})
    for identifier, (number, place, sender, said, seen) in zip(MESSAGES, WRITTEN, strict=True):
        links = {"conversationId": place, "senderId": sender, "seenIds": [sender, *seen]}
        database["Message"].insert_one({"_id": identifier, "createAt": minute_after(number), **said, **links})
