"""Compare writing a transcript with a plain loop, and reading the end of a long and of a short conversation.

A million messages need a server with real index scans: set its URL in CHATCTL_BENCH_URL.
"""

import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pymongo
from bson import ObjectId
from measuring import CHATCTL, ROUNDS, SMALLEST, URL, compare, compare_server, database, memory, run, scaled

from actions.conversations import transcript
from database import connection, indexes

MANY, FEW, EXPORTED = scaled(1_000_000 if URL else 20_000), SMALLEST, scaled(100_000)
BATCH = 10_000
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
PEOPLE = [ObjectId() for _ in range(4)]
WORDS = "the lake is cold in march, but we could go and see whether the boats are out; who has the keys of the hut?"
COMMAND = ("conversations", "transcript")
BARE = """
import json, sys, bson, pymongo
there = pymongo.MongoClient(sys.argv[1], tz_aware=True).get_default_database()["Message"]
with open(sys.argv[3], "w") as file:
    for document in there.find({"conversationId": bson.ObjectId(sys.argv[2])}).sort("createAt"):
        file.write(json.dumps(document, default=str) + "\\n")
"""

Documents = dict[str, Any]


def message(place: ObjectId, number: int) -> Documents:
    """Return a message of a conversation in which four people answer each other."""
    sender = PEOPLE[number // 3 % 4]
    seen = list(dict.fromkeys([sender, *PEOPLE[: number % 4]]))
    content = {"image": f"https://img.example.org/{number}.jpg"} if number % 20 == 0 else {"body": body(number)}
    links = {"seenIds": seen, "conversationId": place, "senderId": sender}
    return {"createAt": BEGAN + timedelta(minutes=2 * number), **content, **links}


def body(number: int) -> str:
    return f"{number}: {WORDS[: 10 + number * 7 % 90]}"


def fill(there: Any, size: int) -> ObjectId:
    """Insert a conversation with its messages."""
    place = ObjectId()
    group = {"name": f"of {size}", "isGroup": True, "created_at": BEGAN, "lastMessageAt": BEGAN}
    there["Conversation"].insert_one({"_id": place, **group, "userIds": PEOPLE})
    messages = (message(place, number) for number in range(size))
    while batch := list(islice(messages, BATCH)):
        there["Message"].insert_many(batch, ordered=False)
    return place


def seconds(url: str, place: ObjectId) -> float:
    """Return the median time to read the last 50 messages of a conversation, in seconds."""
    connection.choose(url)
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        list(transcript(str(place), last=50).rows())
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    with (
        database() as url,
        tempfile.TemporaryDirectory() as folder,
        pymongo.MongoClient[Documents](url, tz_aware=True) as client,
    ):
        there = client.get_default_database()
        users = [{"_id": person, "username": f"user{number}"} for number, person in enumerate(PEOPLE)]
        there["User"].insert_many(users)
        for index in indexes.QUERIES:
            indexes.create(there, index)
        places = {size: fill(there, size) for size in {MANY, FEW, EXPORTED, EXPORTED // 10}}
        long, short = (seconds(url, places[size]) for size in (MANY, FEW))
        compare_server(f"the last 50 of {MANY:,} messages against {FEW:,}", 1.5, long, short)
        connection.close()
        for form, bound in (("ndjson", 0.7), ("json", 0.7), ("csv", 0.7), ("html", 2)):
            to = Path(folder, f"out.{form}")

            def ours(place: ObjectId = places[EXPORTED], to: Path = to) -> None:
                run(CHATCTL, *COMMAND, place, "--to", to, "--overwrite", MONGODB_DATABASE_URL=url)

            compare(
                f"transcript as {form} of {EXPORTED:,} messages against a plain script with json.dumps",
                bound,
                ours,
                lambda: run(sys.executable, "-c", BARE, url, places[EXPORTED], Path(folder, "bare.ndjson")),
                rounds=3,
            )
            used = [memory(url, *COMMAND, places[n], "--to", to, "--overwrite") for n in (EXPORTED // 10, EXPORTED)]
            print(f"{form}: {used[0]} MiB for {EXPORTED // 10:,} messages, {used[1]} MiB for {EXPORTED:,}", flush=True)


if __name__ == "__main__":
    main()
