"""Find and end the processes of an embedded database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo.database import Database

from database import connection
from database.local import files

INSERT = """
import sys
from database import connection, local
connection.choose(local=True)
connection.database()["Role"].insert_one({"name": sys.argv[1]})
print(local.status()["pid"])
connection.close()
"""


def use() -> Database[dict[str, Any]]:
    """Open a new connection to the embedded database, like a new command."""
    connection.close()
    return connection.database()


def names() -> list[str]:
    return sorted(document["name"] for document in use()["Role"].find())


def command(name: str, script: str = INSERT, **options: Any) -> "subprocess.Popen[str]":
    """Start a process that inserts a role and prints the pid of the server."""
    return subprocess.Popen([sys.executable, "-c", script, name], stdout=subprocess.PIPE, text=True, **options)  # noqa: S603


def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_free(lock: Path) -> bool:
    with files.opened(lock) as opened:
        return files.take(opened)


def server_pid(folder: Path) -> int:
    return files.holder(folder / files.SERVER) or 0


def is_serving(pid: int) -> bool:
    """Tell whether a process is a running server. A zombie process is not a running server."""
    try:
        return b"secantusd-py" in Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return False


def watcher_pid(folder: Path) -> int:
    """Return the pid of the watcher of a folder. Return 0 if no watcher is running."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"database.local.watcher" in said and os.fsencode(folder) in said:
            return int(process.name)
    return 0


def kill(folder: Path) -> None:
    """Kill the watcher first and then the server, so that nothing starts the server again."""
    while pid := watcher_pid(folder):
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: watcher_pid(folder) != pid)
    while (pid := files.holder(folder / files.SERVER)) is not None:
        if pid:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
