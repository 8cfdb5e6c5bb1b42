"""Compare writing a transcript with a plain loop, and reading the end of a long and of a short conversation.

Usage: transcripts.py [MANY] [FEW] [EXPORTED], in messages. The defaults for MANY and FEW, a million and a thousand,
need a server with real index scans: set its URL in CHATCTL_BENCH_URL.
"""

import json
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
from measuring import CHATCTL, ROUNDS, compare, database, memory, run

from actions.conversations import transcript
from database import connection, indexes

MANY, FEW, EXPORTED = 1_000_000, 1_000, 100_000
BATCH = 10_000
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)
PEOPLE = [ObjectId() for _ in range(4)]
WORDS = "the lake is cold in march, but we could go and see whether the boats are out; who has the keys of the hut?"
COMMAND = ("conversations", "transcript")

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


def bare(there: Any, place: ObjectId, path: Path) -> None:
    with path.open("w") as file:
        for document in there["Message"].find({"conversationId": place}).sort("createAt"):
            file.write(json.dumps(document, default=str) + "\n")


def milliseconds(url: str, place: ObjectId) -> float:
    """Return the median time to read the last 50 messages of a conversation, in milliseconds."""
    connection.choose(url)
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        list(transcript(str(place), last=50).rows())
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[1:])


def main() -> None:
    sizes = [int(text) for text in sys.argv[1:]]
    many, few, exported = [*sizes, *(MANY, FEW, EXPORTED)[len(sizes) :]]
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
        places = {size: fill(there, size) for size in {many, few, exported, exported // 10}}
        long, short = (milliseconds(url, places[size]) for size in (many, few))
        print(
            f"the last 50 of {many:,}: {long:.1f} ms against {short:.1f} ms of {few:,}, "
            f"ratio {long / short:.2f} (at most: 1.5)",
            flush=True,
        )
        connection.close()
        for form, bound in (("ndjson", 1), ("html", 2)):
            to = Path(folder, f"out.{form}")

            def ours(place: ObjectId = places[exported], to: Path = to) -> None:
                run(CHATCTL, *COMMAND, place, "--to", to, "--overwrite", MONGODB_DATABASE_URL=url)

            compare(
                f"{form} of {exported:,} messages against a plain loop with json.dumps",
                bound,
                ours,
                lambda: bare(there, places[exported], Path(folder, "bare.ndjson")),
                rounds=3,
            )
            used = [memory(url, *COMMAND, places[n], "--to", to, "--overwrite") for n in (exported // 10, exported)]
            print(f"{form}: {used[0]} MiB for {exported // 10:,} messages, {used[1]} MiB for {exported:,}", flush=True)


if __name__ == "__main__":
    main()
