"""Compare the deletion of a conversation with plain `delete_many` and `$pull`. Measure the memory of chatctl."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pymongo
from bson import ObjectId
from measuring import compare_write, database, scaled

MESSAGES = scaled(100_000)
FEW = 2_000
ROUNDS = 3
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

COMMAND = ("conversations", "delete", "Lunch", "--yes")

Documents = dict[str, Any]


def fill(client: pymongo.MongoClient[Documents], number: int) -> None:
    """Insert a group of three users with `number` messages, like the application. Two users have seen each message."""
    there = client.get_default_database()
    for collection in ("User", "Conversation", "Message", "chatctl_audit", "chatctl_images"):
        there[collection].delete_many({})
    place, people = ObjectId(), [ObjectId() for _ in range(3)]
    seen: dict[ObjectId, list[ObjectId]] = {person: [] for person in people}
    messages: list[Documents] = []
    for count in range(number):
        sender, reader = people[count % 3], people[(count + 1) % 3]
        time = BEGAN + timedelta(seconds=count)
        message = {"_id": ObjectId(), "body": f"What number {count} has to say", "createAt": time}
        messages.append(message | {"seenIds": [sender, reader], "conversationId": place, "senderId": sender})
        seen[sender].append(messages[-1]["_id"])
        seen[reader].append(messages[-1]["_id"])
    for start in range(0, number, 10_000):
        there["Message"].insert_many(messages[start : start + 10_000])
    group = {"_id": place, "name": "Lunch", "isGroup": True, "userIds": people, "created_at": BEGAN}
    ids = [message["_id"] for message in messages]
    there["Conversation"].insert_one(group | {"lastMessageAt": messages[-1]["createAt"], "messagesIds": ids})
    dates = {"createdAt": BEGAN, "updatedAt": BEGAN}
    lists: Documents = {"rolesIds": [], "conversationIds": [place]}
    for name, (person, listed) in zip(("ada", "bob", "eve"), seen.items(), strict=True):
        user = {"_id": person, "email": f"{name}@example.org", "username": name, "status": "ACTIVE", **dates, **lists}
        there["User"].insert_one(user | {"seenMessageIds": listed})


def indexed(client: pymongo.MongoClient[Documents]) -> None:
    keys = [("conversationId", -1), ("createAt", -1), ("_id", -1)]
    there = client.get_default_database()["Message"]
    there.create_index(keys, name="chatctl_conversation", partialFilterExpression={"conversationId": {"$exists": True}})


def bare(client: pymongo.MongoClient[Documents]) -> None:
    there = client.get_default_database()
    place = (there["Conversation"].find_one({"name": "Lunch"}, ["_id"]) or {})["_id"]
    ids = [message["_id"] for message in there["Message"].find({"conversationId": place}, ["_id"])]
    users = {"conversationIds": place}
    there["Message"].delete_many({"conversationId": place})
    there["User"].update_many(users, {"$pull": {"seenMessageIds": {"$in": ids}, "conversationIds": place}})
    there["Conversation"].delete_one({"_id": place})


def main() -> None:
    with database() as url, pymongo.MongoClient[Documents](url) as client:
        indexed(client)
        what = f"a conversation of {MESSAGES:,} messages deleted, with audit and undo, against plain deletion"
        fills = partial(fill, client)
        plain = partial(bare, client)
        compare_write(what, url, COMMAND, bare=plain, fill=fills, sizes=(FEW, MESSAGES), rounds=ROUNDS)


if __name__ == "__main__":
    main()
