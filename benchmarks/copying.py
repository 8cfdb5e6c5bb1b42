"""Compare `db copy` with a bare read and insert_many of the same documents by processor time, and measure its memory.

The processor time of the server counts too. A machine with other work disturbs it less than the time on the clock.
"""

import os
import resource
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymongo
from measuring import CHATCTL, database, memory, run

MESSAGES = scaled(100_000)
ROUNDS = int(os.environ.get("CHATCTL_BENCH_ROUNDS", "3"))
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
"""A program that copies collections, without the unique indexes that a copy needs."""


def words(messages: int) -> list[str]:
    numbers = {"--users": messages // 10, "--conversations": messages // 50, "--messages": messages}
    return ["db", "generate", "--yes", *(str(word) for pair in numbers.items() for word in pair)]


def server_seconds(port: int) -> float:
    """Return the processor time of the server that listens on a port of this machine, or 0 if it is elsewhere."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"--port\0{port}\0".encode() in (folder / "cmdline").read_bytes():
                user, system = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
                return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    return 0.0


def seconds(work: Callable[[], object], port: int) -> tuple[float, float]:
    """Return the processor time that a program takes, and that of the server."""

    def now() -> tuple[float, float]:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime, server_seconds(port)

    before = now()
    work()
    client, server = (after - one for one, after in zip(before, now(), strict=True))
    return client, server


def main() -> None:
    with database() as url, pymongo.MongoClient[dict[str, Any]](url) as client:
        source = client.get_default_database().name
        address, _, options = url.partition("?")
        target = f"{address}_copy" + (f"?{options}" if options else "")
        port = (client.address or ("", 0))[1]
        os.environ["XDG_CONFIG_HOME"] = str(Path(os.environ.get("TMPDIR", "/tmp"), f"chatctl-{source}"))  # noqa: S108
        os.environ["BENCH_COPY"] = target
        run(CHATCTL, "context", "add", "copy", "--url-env", "BENCH_COPY")
        command = ("db", "copy", "--to", "copy", "--yes")
        for messages in (MESSAGES // 10, MESSAGES):
            client.drop_database(source)
            client.drop_database(f"{source}_copy")
            run(CHATCTL, *words(messages), MONGODB_DATABASE_URL=url)
            print(f"{messages:,} messages: {memory(url, *command)} MiB", flush=True)

        ratios: list[tuple[float, float]] = []
        for _ in range(ROUNDS):
            times = []
            for program in (
                lambda: run(sys.executable, "-c", BARE, url, target, *COLLECTIONS),
                lambda: run(CHATCTL, *command, MONGODB_DATABASE_URL=url),
            ):
                client.drop_database(f"{source}_copy")
                times.append(seconds(program, port))
            (bare, bare_server), (ours, our_server) = times
            print(f"bare {bare:.2f} s + server {bare_server:.2f} s; copy {ours:.2f} s + server {our_server:.2f} s")
            ratios.append(((bare + bare_server) / (ours + our_server), bare / ours))
        both, alone = (statistics.median(side) for side in zip(*ratios, strict=True))
        print(f"{MESSAGES:,} messages copied at {both:.2f} of the speed of bare read + insert_many (at least: 0.5)")
        print(f"without the server's own time: {alone:.2f}")
        client.drop_database(f"{source}_copy")


if __name__ == "__main__":
    main()
