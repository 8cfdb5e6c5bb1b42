"""Compare chatctl with a script that does the same work.

The ratio of the two processor times depends little on the machine.

With `--quick`, the sizes are small and each comparison has one round. Then the start of Python takes most of the time
of an export, so only a run without `--quick` shows whether chatctl reaches its goals. The environment variable
CHATCTL_BENCH_SCALE, a number like 0.1 or 10, multiplies the sizes. CHATCTL_BENCH_URL is the URL of another server.
"""

import atexit
import os
import resource
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
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import pymongo
from pymongo import monitoring

QUICK: Final = "--quick" in sys.argv
ROUNDS: Final = 1 if QUICK else 9
SCALE: Final = float(os.environ.get("CHATCTL_BENCH_SCALE", "0.02" if QUICK else "1"))
SMALLEST: Final = 1_000
URL: Final = os.environ.get("CHATCTL_BENCH_URL")
WRITE_BOUND: Final = 4
"""The goal for writes: with audit trail and undo, a write takes at most this many times as long as plain commands."""
CHATCTL = Path(sys.executable).with_name("chatctl")


class Times(NamedTuple):
    """The seconds that some work took: processor time of this process and its children, and time by the clock.

    For writes, `processor` includes the time of the server. If only times by the clock are compared, it is None.
    """

    processor: float | None
    wall: float


class Result(NamedTuple):
    """One comparison: a row in the table of all benchmarks."""

    what: str
    bare: Times
    ours: Times
    ratio: float
    goal: float


results: Final[list[Result]] = []


def scaled(usual: int) -> int:
    """Return the size of the data for this run: the usual size, multiplied by CHATCTL_BENCH_SCALE."""
    return max(min(usual, SMALLEST), int(usual * SCALE))


@contextmanager
def database() -> Iterator[str]:
    """Yield the URL of a new database, on the server in CHATCTL_BENCH_URL or on a server started for this run."""
    name = f"bench_{secrets.token_hex(4)}"
    address, _, options = (URL or _server()[0]).partition("?")
    host = address.partition("://")[2].partition("/")[0]
    url = f"{address.partition('://')[0]}://{host}/{name}" + (f"?{options}" if options else "")
    with pymongo.MongoClient[dict[str, object]](url) as client:
        try:
            yield url
        finally:
            client.drop_database(name)


@cache
def _server() -> tuple[str, int]:
    """Start a server for this run, which stops at the end of the run. Return its URL and the id of its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.TemporaryDirectory()
    config = Path(folder.name, "server.toml")
    config.touch()
    program = Path(sys.executable).with_name("secantusd-py")
    command = [program, "--port", str(port), "--config", config, "--storage-path", Path(folder.name, "data")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder.name)  # noqa: S603
    atexit.register(folder.cleanup)
    atexit.register(process.wait)
    atexit.register(process.terminate)
    return f"mongodb://127.0.0.1:{port}", process.pid


def described_server() -> str:
    """Return the name and version of the server. CHATCTL_BENCH_SERVER names the server in CHATCTL_BENCH_URL."""
    if URL is None:
        return f"SecantusDB {version('secantusdb')}"
    with pymongo.MongoClient[dict[str, object]](URL) as client:
        name = os.environ.get("CHATCTL_BENCH_SERVER", "MongoDB")
        return f"{name} {client.admin.command('buildInfo').get('version')}"


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
    goal: float,
    ours: Callable[[], object],
    bare: Callable[[], object],
    rounds: int = ROUNDS,
    *,
    prepare: Callable[[], object] = lambda: None,
    with_server: bool = False,
) -> None:
    """Run `ours` and `bare` in turn, and report the ratio of their processor times.

    With `with_server`, for work that is mostly the server's, the server's processor time is added. If that is not
    known, because the server is not started by this run, the ratio is that of the times by the clock. The first round
    and the calls of `prepare` are not measured.
    """
    sides = (ours, bare)
    pairs = [
        tuple(_measured(side, prepare, with_server=with_server) for side in sides)
        for _ in range(min(rounds, ROUNDS) + 1)
    ][1:]
    one, other = (
        Times(*(statistics.median(values) for values in zip(*side, strict=True))) for side in zip(*pairs, strict=True)
    )
    field = "wall" if with_server and URL else "processor"
    ratio = statistics.median(getattr(one, field) / getattr(other, field) for one, other in pairs)
    report(Result(what, other, one, ratio, goal))


def compare_server(what: str, goal: float, ours: float, bare: float) -> None:
    """Report the ratio of two times by the clock, in seconds. Use this if the server does most of the work."""
    report(Result(what, Times(None, bare), Times(None, ours), ours / bare, goal))


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
        with_server=True,
    )
    for number in sizes:
        fill(number)
        print(f"{number:,} messages: {memory(url, *command)} MiB")


def report(result: Result) -> None:
    """Print a comparison, and keep it for the table."""
    results.append(result)
    print(f"{result.what}: {' | '.join(_cells(result))}", flush=True)


def table() -> str:
    """Return all comparisons of this run as a Markdown table."""
    headings = ("what", "bare", "ours", "ratio", "goal", "bare by the clock", "ours by the clock", "server")
    server = described_server()
    lines = [
        headings,
        ["---", *["--:"] * (len(headings) - 1)],
        *([result.what, *_cells(result), server] for result in results),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(result: Result) -> list[str]:
    sides = (result.bare, result.ours)
    processor = ["" if side.processor is None else _seconds(side.processor) for side in sides]
    return [*processor, f"{result.ratio:.2f}", str(result.goal), *(_seconds(side.wall) for side in sides)]


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _measured(work: Callable[[], object], prepare: Callable[[], object], *, with_server: bool) -> Times:
    prepare()
    began, start = _processor(with_server=with_server), time.perf_counter()
    work()
    return Times(_processor(with_server=with_server) - began, time.perf_counter() - start)


def _processor(*, with_server: bool) -> float:
    """Return the processor time of this process, its ended children and, if wanted, the server, in seconds."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    client = sum(one.ru_utime + one.ru_stime for one in used)
    return client + (_server_seconds() if with_server and not URL else 0)


def _server_seconds() -> float:
    """Return the processor time of the server that this run has started."""
    user, system = Path(f"/proc/{_server()[1]}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
