"""A group conversation of three users. Tests insert messages into this group."""

from datetime import timedelta
from typing import Any

from bson import ObjectId
from people import BEGAN, Documents, conversation, person


class Lobby:
    """A group of three users. `say` inserts a message."""

    def __init__(self, database: Documents) -> None:
        self.database = database
        self.ada, self.bob, self.cyd = (person(database, name) for name in ("ada", "bob", "cyd"))
        self.id = conversation(database, self.ada, self.bob, self.cyd, name="Lobby")

    def say(self, sender: Any, minute: float | None, body: Any = None, **fields: Any) -> ObjectId:
        message = {"_id": ObjectId(), "conversationId": self.id, "senderId": sender, "seenIds": [sender]}
        message |= {} if minute is None else {"createAt": BEGAN + timedelta(minutes=minute)}
        message |= {} if body is None else {"body": body}
        self.database["Message"].insert_one(message | fields)
        return message["_id"]
