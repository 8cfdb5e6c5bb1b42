"""A thread that writes to some users without a pause, like a busy application."""

# ruff: noqa: S311 - random numbers are not secrets here

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pymongo
from bson import ObjectId
from people import Documents
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

Step = Callable[[ClientSession], None]


class GoneError(Exception):
    """The error if a write needs a document that does not exist. The write is then rolled back."""


class Application:
    """Writes in transactions, like the application. After a conflict or a `GoneError`, it stops trying this write."""

    def __init__(self, database: Documents, users: list[ObjectId], others: list[ObjectId]) -> None:
        self._database = database
        self._users = users
        self._others = others
        self.done = 0

    def step(self, client: pymongo.MongoClient[dict[str, Any]]) -> None:
        steps: list[Step] = [self._send, self._send, self._see, self._open, self._sign_in, self._link]
        try:
            with client.start_session() as session, session.start_transaction():
                random.choice(steps)(session)
            self.done += 1
        except (GoneError, PyMongoError):
            pass

    def _change(self, session: ClientSession, name: str, identifier: Any, update: dict[str, Any]) -> None:
        if not self._database[name].update_one({"_id": identifier}, update, session=session).matched_count:
            raise GoneError

    def _sign_in(self, session: ClientSession) -> None:
        now = datetime.now(UTC)
        self._change(session, "User", random.choice(self._users), {"$set": {"lastLogin": now, "updatedAt": now}})

    def _send(self, session: ClientSession) -> None:
        sender = random.choice(self._users)
        place = self._any("Conversation", {"userIds": sender}, session)
        now = datetime.now(UTC)
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        message = {"_id": ObjectId(), "body": "on and on", "createAt": now, "seenIds": [sender]}
        self._database["Message"].insert_one(
            {**message, "conversationId": place["_id"], "senderId": sender}, session=session
        )
        self._change(session, "User", sender, {"$addToSet": {"seenMessageIds": message["_id"]}})
        self._change(session, "Conversation", place["_id"], {"$set": {"lastMessageAt": now}})

    def _see(self, session: ClientSession) -> None:
        reader = random.choice([*self._users, *self._others])
        place = self._any("Conversation", {"userIds": reader}, session)
        message = self._any("Message", {"conversationId": place["_id"], "seenIds": {"$ne": reader}}, session)
        self._change(session, "Message", message["_id"], {"$addToSet": {"seenIds": reader}})
        self._change(session, "User", reader, {"$addToSet": {"seenMessageIds": message["_id"]}})

    def _open(self, session: ClientSession) -> None:
        people = [random.choice(self._users), random.choice(self._others)]
        now = datetime.now(UTC)
        place = {"_id": ObjectId(), "created_at": now, "lastMessageAt": now, "messagesIds": [], "userIds": people}
        self._database["Conversation"].insert_one(place, session=session)
        for person in people:
            self._change(session, "User", person, {"$addToSet": {"conversationIds": place["_id"]}})

    def _link(self, session: ClientSession) -> None:
        user, role = (
            random.choice([*self._users, *self._others]),
            self._any("Role", {"name": {"$ne": "support"}}, session),
        )
        operator = random.choice(["$addToSet", "$pull"])
        self._change(session, "User", user, {operator: {"rolesIds": role["_id"]}})
        self._change(session, "Role", role["_id"], {operator: {"userIds": user}})

    def _any(self, name: str, where: dict[str, Any], session: ClientSession) -> dict[str, Any]:
        found = list(self._database[name].find(where, ["_id"], session=session).limit(20))
        if not found:
            raise GoneError
        return random.choice(found)


@contextmanager
def busy(database: Documents, users: list[ObjectId], others: list[ObjectId]) -> Iterator[Application]:
    """Let the application write without a pause, until the `with` block ends."""
    application, over = Application(database, users, others), threading.Event()

    def work() -> None:
        while not over.is_set():
            application.step(database.client)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield application
    finally:
        over.set()
        thread.join()
