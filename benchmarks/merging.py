"""Compare the merge of two users with plain updates. Measure its memory, and the time to find duplicates."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pymongo
from bson import ObjectId
from measuring import CHATCTL, compare, compare_write, database, run, scaled

MESSAGES = scaled(100_000)
USERS = scaled(100_000)
FEW = 2_000
ROUNDS = 3
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

COMMAND = ("users", "merge", "ada2", "--into", "ada", "--yes")

Documents = dict[str, Any]


def fill(client: pymongo.MongoClient[Documents], number: int) -> None:
    """Insert two users who share `number` messages in a group, like the application.

    Another user has seen all messages.
    """
    there = client.get_default_database()
    for collection in ("User", "Conversation", "Message", "chatctl_audit", "chatctl_images"):
        there[collection].delete_many({})
    place, people = ObjectId(), [ObjectId() for _ in range(3)]
    ada, ada2, bob = people
    messages: list[Documents] = []
    for count in range(number):
        sender = (ada, ada2)[count % 2]
        time = BEGAN + timedelta(seconds=count)
        message = {"_id": ObjectId(), "body": f"What number {count} has to say", "createAt": time}
        messages.append(message | {"seenIds": [sender, bob], "conversationId": place, "senderId": sender})
    for start in range(0, number, 10_000):
        there["Message"].insert_many(messages[start : start + 10_000])
    group = {"_id": place, "name": "Lunch", "isGroup": True, "userIds": people, "created_at": BEGAN}
    ids = [message["_id"] for message in messages]
    there["Conversation"].insert_one(group | {"lastMessageAt": messages[-1]["createAt"], "messagesIds": ids})
    dates = {"createdAt": BEGAN, "updatedAt": BEGAN}
    lists: Documents = {"rolesIds": [], "conversationIds": [place]}
    for name, person in zip(("ada", "ada2", "bob"), people, strict=True):
        seen = [one["_id"] for one in messages if person in one["seenIds"]]
        user = {"_id": person, "email": f"{name}@example.org", "username": name, "status": "ACTIVE", **dates, **lists}
        there["User"].insert_one(user | {"seenMessageIds": seen})


def fill_users(client: pymongo.MongoClient[Documents], number: int) -> None:
    """Insert users. One in a thousand is a duplicate of another user."""
    there = client.get_default_database()["User"]
    there.delete_many({})
    dates: Documents = {"createdAt": BEGAN, "updatedAt": BEGAN, "rolesIds": []}
    users = [
        {"email": f"user{count - (count % 1000 == 1)}+{count}@example.org", "username": f"user{count}", **dates}
        for count in range(number)
    ]
    for start in range(0, number, 10_000):
        there.insert_many(users[start : start + 10_000])


def indexed(client: pymongo.MongoClient[Documents]) -> None:
    there = client.get_default_database()["Message"]
    for field in ("conversationId", "senderId"):
        keys = [(field, -1), ("createAt", -1), ("_id", -1)]
        name = f"chatctl_{field.removesuffix('Id')}"
        there.create_index(keys, name=name, partialFilterExpression={field: {"$exists": True}})


def bare(client: pymongo.MongoClient[Documents]) -> None:
    there = client.get_default_database()
    ada, ada2 = (there["User"].find_one({"username": name}) or {} for name in ("ada", "ada2"))
    old, new = ada2["_id"], ada["_id"]
    there["Message"].update_many({"senderId": old}, {"$set": {"senderId": new}})
    there["Message"].update_many({"seenIds": old}, {"$addToSet": {"seenIds": new}})
    there["Message"].update_many({"seenIds": old}, {"$pull": {"seenIds": old}})
    held = {*ada["seenMessageIds"]}
    seen = [one for one in ada2["seenMessageIds"] if one not in held]
    there["User"].update_one({"_id": new}, {"$push": {"seenMessageIds": {"$each": seen}}})
    there["Conversation"].update_many({"userIds": old}, {"$addToSet": {"userIds": new}})
    there["Conversation"].update_many({"userIds": old}, {"$pull": {"userIds": old}})
    there["User"].delete_one({"_id": old})


def read_users(client: pymongo.MongoClient[Documents]) -> None:
    for _ in client.get_default_database()["User"].find({}, ["email"]):
        pass


def main() -> None:
    with database() as url, pymongo.MongoClient[Documents](url) as client:
        indexed(client)
        what = f"two users with {MESSAGES:,} messages merged, with audit and undo, against plain updates"
        fills = partial(fill, client)
        plain = partial(bare, client)
        compare_write(what, url, COMMAND, bare=plain, fill=fills, sizes=(FEW, MESSAGES), rounds=ROUNDS)
        fill_users(client, USERS)
        list_all = lambda: run(CHATCTL, "users", "duplicates", "-o", "json", MONGODB_DATABASE_URL=url)  # noqa: E731
        compare(
            f"duplicates among {USERS:,} users, against reading them", 2, list_all, lambda: read_users(client), ROUNDS
        )


if __name__ == "__main__":
    main()
