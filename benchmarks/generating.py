"""Compare `db generate` with a plain insert_many of the same documents, and measure the memory of `db generate`."""

import sys
from pathlib import Path
from typing import Any

import pymongo
from measuring import compare, database, memory, run, scaled

CHATCTL = Path(sys.executable).with_name("chatctl")
MESSAGES = scaled(100_000)
COLLECTIONS = ("User", "Profile", "Account", "Conversation", "Message")
UNIQUE = {
    "User_email_key": ("email",),
    "User_username_key": ("username",),
    "Profile_userId_key": ("userId",),
    "Account_provider_providerAccountId_key": ("provider", "providerAccountId"),
}


def words(messages: int) -> list[str]:
    """Return a `db generate` command. For each 50 messages, it generates 5 users and one conversation."""
    numbers = {"--users": messages // 10, "--conversations": messages // 50, "--messages": messages}
    return ["db", "generate", "--yes", *(str(word) for pair in numbers.items() for word in pair)]


def empty(client: pymongo.MongoClient[dict[str, Any]]) -> None:
    """Drop all collections, and create the application's indexes."""
    there = client.get_default_database()
    client.drop_database(there.name)
    for name, fields in UNIQUE.items():
        there[name.partition("_")[0]].create_index([(field, 1) for field in fields], unique=True, name=name)


def main() -> None:
    with database() as url, pymongo.MongoClient[dict[str, Any]](url, tz_aware=True) as client:
        there = client.get_default_database()
        made: dict[str, list[dict[str, Any]]] = {}

        def ours() -> None:
            empty(client)
            run(CHATCTL, *words(MESSAGES), MONGODB_DATABASE_URL=url)

        def theirs() -> None:
            for name in COLLECTIONS if not made else ():
                made[name] = list(there[name].find())
            empty(client)
            for name, documents in made.items():
                there[name].insert_many(documents)

        compare(
            f"{MESSAGES:,} messages and what belongs to them, against a plain insert_many",
            2,
            ours,
            theirs,
            rounds=3,
            with_server=True,
        )
        for messages in (MESSAGES // 10, MESSAGES):
            empty(client)
            print(f"{messages:,} messages: {memory(url, *words(messages))} MiB")


if __name__ == "__main__":
    main()
