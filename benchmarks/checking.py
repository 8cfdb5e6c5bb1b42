"""Compare `db check` with plain pymongo code that reads the database once: time and memory for three sizes."""

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pymongo
from bson import ObjectId
from measuring import compare, database, scaled

from actions.database.checking.rules import all_rules
from database import indexes

CHATCTL = Path(sys.executable).with_name("chatctl")
MESSAGES = scaled(1_000_000)
SIZES = (MESSAGES // 100, MESSAGES // 10, MESSAGES)
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
HASH = "$2b$12$" + "a" * 53
BATCH = 10_000

Documents = dict[str, Any]


class Data:
    """Test data: for 50 messages, there are 5 users and a conversation of 2 or 5 users. `size` counts the messages."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.users = [ObjectId() for _ in range(size // 10)]
        self.roles = [ObjectId() for _ in range(5)]
        self.people: dict[ObjectId, list[ObjectId]] = {}
        self.last: dict[ObjectId, datetime] = {}
        self.lists: dict[str, dict[ObjectId, list[ObjectId]]] = defaultdict(lambda: defaultdict(list))

    def write(self, there: Any) -> None:
        chosen = random.Random(1)  # noqa: S311 - each run has the same data
        for number in range(self.size // 50):
            place = ObjectId()
            self.people[place] = chosen.sample(self.users, 5 if number % 4 == 0 else 2)
            for user in self.people[place]:
                self.lists["conversationIds"][user].append(place)
        insert(there["Message"], self.messages(chosen))
        for user in self.users:
            self.lists["rolesIds"][user] = [chosen.choice(self.roles)]
        insert(there["User"], map(self.user, range(len(self.users))))
        insert(there["Profile"], ({"userId": user, "phoneNumber": "1"} for user in self.users))
        insert(there["Conversation"], map(self.conversation, self.people))
        insert(there["Role"], map(self.role, range(len(self.roles))))
        for index in indexes.APPLICATION:
            indexes.create(there, index)

    def messages(self, chosen: random.Random) -> Iterator[Documents]:
        places = list(self.people)
        for number in range(self.size):
            place = places[number % len(places)]
            sender, reader = chosen.choice(self.people[place]), chosen.choice(self.people[place])
            at = self.last[place] = BEGAN + timedelta(seconds=number)
            message = {"_id": ObjectId(), "body": f"hello {number}, how are you doing today?", "createAt": at}
            seen = list({sender, reader})
            for user in seen:
                self.lists["seenMessageIds"][user].append(message["_id"])
            yield message | {"seenIds": seen, "conversationId": place, "senderId": sender}

    def user(self, number: int) -> Documents:
        user = self.users[number]
        named = {"email": f"user{number}@example.org", "username": f"user{number}", "hashedPassword": HASH}
        lists = {field: self.lists[field][user] for field in ("rolesIds", "conversationIds", "seenMessageIds")}
        return {"_id": user, **named, "status": "ACTIVE", "createdAt": BEGAN, "updatedAt": BEGAN, **lists}

    def conversation(self, place: ObjectId) -> Documents:
        people = self.people[place]
        group = {"name": "group", "isGroup": True} if len(people) > 2 else {}  # noqa: PLR2004
        return {"_id": place, **group, "created_at": BEGAN, "lastMessageAt": self.last[place], "userIds": people}

    def role(self, number: int) -> Documents:
        members = [user for user in self.users if self.roles[number] in self.lists["rolesIds"][user]]
        return {"_id": self.roles[number], "name": f"role{number}", "userIds": members, "permissionsIds": []}


def insert(collection: Any, documents: Iterator[Documents]) -> None:
    while batch := list(islice(documents, BATCH)):
        collection.insert_many(batch, ordered=False)


def bare(url: str) -> None:
    """Read all fields that a check needs once, with plain pymongo, to compare the time."""
    needed: dict[str, set[str]] = defaultdict(set)
    for rule in all_rules():
        for collection, fields in rule.reads.items():
            needed[collection].update(fields)
    with pymongo.MongoClient[Documents](url) as client:
        for collection, fields in needed.items():
            for _ in client.get_default_database()[collection].find({}, sorted(fields), batch_size=1000):
                pass


def check(url: str) -> int:
    """Run `db check`, and return its peak memory in MiB. Exit code 1 is allowed, because the check finds faults."""
    script = (
        "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode;"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024); sys.exit(code > 1)"
    )
    command = [sys.executable, "-c", script, str(CHATCTL), "db", "check", "-o", "json"]
    done = subprocess.run(command, env=os.environ | {"MONGODB_DATABASE_URL": url}, capture_output=True, check=True)  # noqa: S603
    return int(done.stdout)


def seconds(url: str) -> str:
    start = time.perf_counter()
    memory = check(url)
    return f"{time.perf_counter() - start:.1f} s, {memory} MiB"


def main() -> None:
    with database() as url, pymongo.MongoClient[Documents](url) as client:
        there = client.get_default_database()
        for size in SIZES:
            client.drop_database(there.name)
            Data(size).write(there)
            print(f"{size:,} messages: {seconds(url)}", flush=True)
        compare("check against one plain read of the data", 2.5, lambda: check(url), lambda: bare(url), rounds=3)
        # The application also leaves the ids of deleted documents in lists.
        tenth = [message["_id"] for message in there["Message"].find({}, ["_id"]).limit(MESSAGES // 10)]
        for start in range(0, len(tenth), BATCH):
            there["Message"].delete_many({"_id": {"$in": tenth[start : start + BATCH]}})
        print(f"a tenth of the messages deleted: {seconds(url)}", flush=True)
        for field in ("rolesIds", "conversationIds", "seenMessageIds"):
            there["User"].update_many({"username": {"$regex": "7$"}}, {"$set": {field: []}})
        there["Conversation"].update_many({}, {"$set": {"lastMessageAt": BEGAN, "messagesIds": []}})
        print(f"links of a tenth of the users gone, each conversation wrong: {seconds(url)}", flush=True)


if __name__ == "__main__":
    main()
