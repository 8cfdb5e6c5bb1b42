"""Compare `db copy` with a bare read and insert_many of the same documents by processor time, and measure its memory.

The processor time of the server counts too. A machine with other work disturbs it less than the time on the clock.
"""

import os
import sys
from pathlib import Path
from typing import Any

import pymongo
from measuring import CHATCTL, compare, database, memory, run, scaled

MESSAGES = scaled(100_000)
COLLECTIONS = ("Role", "Permission", "User", "Profile", "Account", "Conversation", "Message")
AT_ONCE = 1_000
BARE = """
import sys, pymongo
with pymongo.MongoClient(sys.argv[1], tz_aware=True) as source, pymongo.MongoClient(sys.argv[2]) as target:
    one, other = source.get_default_database(), target.get_default_database()
    for name in sys.argv[3:]:
        documents = []
        for document in one[name].find(batch_size=1000):
            documents.append(document)
            if len(documents) == 1000:
                other[name].insert_many(documents, ordered=False)
                documents = []
        if documents:
            other[name].insert_many(documents, ordered=False)
"""
"""A program that copies collections without the unique indexes, to compare its time with `db copy`."""


def words(messages: int) -> list[str]:
    numbers = {"--users": messages // 10, "--conversations": messages // 50, "--messages": messages}
    return ["db", "generate", "--yes", *(str(word) for pair in numbers.items() for word in pair)]


def main() -> None:
    with database() as url, pymongo.MongoClient[dict[str, Any]](url) as client:
        source = client.get_default_database().name
        address, _, options = url.partition("?")
        target = f"{address}_copy" + (f"?{options}" if options else "")
        os.environ["XDG_CONFIG_HOME"] = str(Path(os.environ.get("TMPDIR", "/tmp"), f"chatctl-{source}"))  # noqa: S108
        os.environ["BENCH_COPY"] = target
        run(CHATCTL, "context", "add", "copy", "--url-env", "BENCH_COPY")
        command = ("db", "copy", "--to", "copy", "--yes")
        for messages in (MESSAGES // 10, MESSAGES):
            client.drop_database(source)
            client.drop_database(f"{source}_copy")
            run(CHATCTL, *words(messages), MONGODB_DATABASE_URL=url)
            print(f"{messages:,} messages: {memory(url, *command)} MiB", flush=True)

        compare(
            f"{MESSAGES:,} messages and what belongs to them copied, against a plain read and insert_many",
            2,
            lambda: run(CHATCTL, *command, MONGODB_DATABASE_URL=url),
            lambda: run(sys.executable, "-c", BARE, url, target, *COLLECTIONS),
            rounds=3,
            prepare=lambda: client.drop_database(f"{source}_copy"),
            with_server=True,
        )
        client.drop_database(f"{source}_copy")


if __name__ == "__main__":
    main()
