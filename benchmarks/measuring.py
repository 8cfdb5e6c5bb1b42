"""Compare the times of two ways to do the same work. The ratio of two times depends little on the machine."""

import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pymongo
from pymongo import monitoring

ROUNDS = 9
WRITE_BOUND = 4
"""The largest ratio of a write with audit and undo to plain commands."""
CHATCTL = Path(sys.executable).with_name("chatctl")


@contextmanager
def database() -> Iterator[str]:
    """Yield the URL of a new database, on the server in CHATCTL_BENCH_URL or on a server started for this run."""
    name = f"bench_{secrets.token_hex(4)}"
    if given := os.environ.get("CHATCTL_BENCH_URL"):
        address, _, options = given.partition("?")
        host = address.partition("://")[2].partition("/")[0]
        yield from _dropped(f"{address.partition('://')[0]}://{host}/{name}" + (f"?{options}" if options else ""), name)
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sys.executable).with_name("secantusd-py")
        config = Path(folder, "server.toml")
        config.touch()
        command = [program, "--port", str(port), "--config", config, "--storage-path", Path(folder, "data")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)  # noqa: S603
        try:
            yield from _dropped(f"mongodb://127.0.0.1:{port}/{name}", name)
        finally:
            process.terminate()
            process.wait()


def _dropped(url: str, name: str) -> Iterator[str]:
    with pymongo.MongoClient[dict[str, object]](url) as client:
        build = client.admin.command("buildInfo")
        print(f"server: {client.address}, {build.get('version')}; python {sys.version.split()[0]}")
        try:
            yield url
        finally:
            client.drop_database(name)


class Commands(monitoring.CommandListener):
    """Counts the commands that pymongo sends to the server, by name."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.sent[event.command_name] += 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Do nothing: only started commands are counted."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing: only started commands are counted."""


def run(*command: object, **variables: str) -> None:
    """Run a command and hide its output. If the command fails, end the benchmark with its error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MONGODB_", "CHATCTL_"))}
    done = subprocess.run(  # noqa: S603
        [str(word) for word in command], env=environment | variables, capture_output=True, check=False, text=True
    )
    if done.returncode:
        sys.exit(f"{command} ended with {done.returncode}: {done.stderr}")


def memory(url: str, *words: object) -> int:
    """Run a chatctl command, and return its peak memory in MiB."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)"
    )
    command = [sys.executable, "-c", script, str(CHATCTL), *map(str, words)]
    done = subprocess.run(command, env=os.environ | {"MONGODB_DATABASE_URL": url}, capture_output=True, check=True)  # noqa: S603
    return int(done.stdout)


def compare(
    what: str,
    bound: float,
    ours: Callable[[], object],
    bare: Callable[[], object],
    rounds: int = ROUNDS,
    *,
    prepare: Callable[[], object] = lambda: None,
) -> None:
    """Run `ours` and `bare` in turn. Print their median times and their ratio, which should be at most `bound`.

    The first round and the calls of `prepare` are not measured.
    """
    pairs = [(_seconds(ours, prepare), _seconds(bare, prepare)) for _ in range(rounds + 1)][1:]
    ratio = statistics.median(one / other for one, other in pairs)
    one, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(
        f"{what}: {one * 1000:,.0f} ms against {other * 1000:,.0f} ms, ratio {ratio:.2f} (at most: {bound})", flush=True
    )


def compare_write(
    what: str,
    url: str,
    command: Sequence[object],
    *,
    bare: Callable[[], object],
    fill: Callable[[int], object],
    sizes: Sequence[int],
    rounds: int,
) -> None:
    """Compare a write of chatctl with `bare`, in a database that `fill` fills, and print its memory for each size."""
    compare(
        what,
        WRITE_BOUND,
        lambda: run(CHATCTL, *command, MONGODB_DATABASE_URL=url),
        bare,
        rounds,
        prepare=lambda: fill(sizes[-1]),
    )
    for number in sizes:
        fill(number)
        print(f"{number:,} messages: {memory(url, *command)} MiB")


def _seconds(work: Callable[[], object], prepare: Callable[[], object]) -> float:
    prepare()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
