"""Compare a purge in a database with three legal holds with the same purge without holds."""

from functools import partial

import pymongo
from bson import ObjectId
from measuring import CHATCTL, compare, database, run, scaled
from removing import BEGAN, Documents, fill, indexed

MESSAGES = scaled(20_000)
ROUNDS = 5
HELD = [ObjectId(f"{number:024x}") for number in (1, 2, 3)]
"""The ids of the held users. A held user, the user's only conversation and its only message have the same id."""


def fill_with_held(client: pymongo.MongoClient[Documents]) -> None:
    """Insert a group with its messages, and three users. Only one of the two databases has holds on these users."""
    fill(client, MESSAGES)
    there = client.get_default_database()
    for number, held in enumerate(HELD):
        name, dates = f"held{number}", {"createdAt": BEGAN, "updatedAt": BEGAN}
        lists = {"rolesIds": [], "conversationIds": [held], "seenMessageIds": [held]}
        user = {"_id": held, "email": f"{name}@example.org", "username": name, "status": "ACTIVE", **dates, **lists}
        place = {"_id": held, "name": name, "isGroup": True, "userIds": [held], "created_at": BEGAN}
        message = {"_id": held, "body": "held", "createAt": BEGAN, "conversationId": held, "senderId": held}
        there["User"].insert_one(user)
        there["Conversation"].insert_one(place | {"lastMessageAt": BEGAN, "messagesIds": [held]})
        there["Message"].insert_one(message | {"seenIds": [held]})


def purge(url: str) -> None:
    run(CHATCTL, "messages", "purge", "--before", "2026-06-01", "--yes", MONGODB_DATABASE_URL=url)


def main() -> None:
    with database() as held, pymongo.MongoClient[Documents](held) as client:
        plain = held.replace("/bench_", "/bench_plain_")
        with pymongo.MongoClient[Documents](plain) as other:
            for each in (client, other):
                indexed(each)
                fill_with_held(each)
            for number, identifier in enumerate(HELD):
                words = ("holds", "add", f"hold{number}", "--user", str(identifier), "--reason", "a letter", "--yes")
                run(CHATCTL, *words, MONGODB_DATABASE_URL=held)
            compare(
                f"a purge of {MESSAGES:,} messages in a database with three holds, against one without",
                1.1,
                partial(purge, held),
                partial(purge, plain),
                ROUNDS,
                prepare=lambda: [fill_with_held(each) for each in (client, other)],
                with_server=True,
            )
            other.drop_database(other.get_default_database().name)


if __name__ == "__main__":
    main()
