"""The folder of the embedded database: private to its user, with the locks that say who lives.

A lock is a file held by `flock`: the kernel lets go of it when its holder ends, however it ends. Four of them:

- `use.lock`, shared by every command at work;
- `watcher.lock`, taken by the command that starts a watcher, and handed to it;
- `server.lock`, taken by the watcher and handed to the server, which writes its pid into it;
- `turn.lock`, held by the one at work of those that take turns.
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import platformdirs

from models import private
from models.errors import NotAllowedError

USE, WATCHER, SERVER, TURN = "use.lock", "watcher.lock", "server.lock", "turn.lock"
STATE, CREDENTIALS, LOG = "server.json", "credentials.json", "server.log"
STOP, UNFINISHED, DATA, CONFIG = "stop", "unfinished", "data", "server.toml"


class Server(NamedTuple):
    """A server that lives, as its watcher announced it."""

    pid: int
    port: int
    since: datetime


class Credentials(NamedTuple):
    user: str
    password: str


def chosen() -> Path:
    """Name the folder: CHATCTL_LOCAL_DIR, else where the platform keeps the data of a user's programs."""
    try:
        named = os.environ.get("CHATCTL_LOCAL_DIR") or platformdirs.user_data_path("chatctl", appauthor=False)
        return Path(named).absolute()
    except RuntimeError:
        raise NotAllowedError("this user has no folder for the embedded database", _ELSEWHERE) from None
    except FileNotFoundError:
        raise NotAllowedError("the working directory, which CHATCTL_LOCAL_DIR starts from, is gone", "cd ~") from None


def make_private(folder: Path) -> None:
    """Create the folder where there is none; refuse one that anybody else could look or write into."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        reason = (error.strerror or "no such name can be").lower()
        raise NotAllowedError(
            f"the folder of the embedded database cannot be made: {folder}: {reason}", _ELSEWHERE
        ) from None
    if not stat.S_ISDIR(found.st_mode):
        raise NotAllowedError(f"the folder of the embedded database is a link: {folder}", _ELSEWHERE)
    if found.st_uid != os.geteuid():
        raise NotAllowedError(f"the folder of the embedded database belongs to another user: {folder}", _ELSEWHERE)
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotAllowedError(
            f"others may look into the folder of the embedded database: {folder}", f"chmod 700 {folder}"
        )


_ELSEWHERE = "name another folder with CHATCTL_LOCAL_DIR"


def open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, private.MODE)
    except OSError as error:
        reason = str(error.strerror).lower()
        raise NotAllowedError(f"the embedded database cannot write {path}: {reason}", _ELSEWHERE) from None


def open_log(folder: Path) -> BinaryIO:
    return os.fdopen(os.open(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, private.MODE), "ab")


def take(lock: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Take an open lock, if nobody stands in the way."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a lock for a moment; what was taken meanwhile is let go, unless it was handed on."""
    lock = open_lock(path)
    try:
        yield lock
    finally:
        os.close(lock)


def holder(path: Path) -> int | None:
    """Give the pid of the server that holds a lock, 0 where it has not said yet, None where nobody holds it.

    Those who ask share the lock, so that two of them do not take each other for the server.
    """
    with opened(path) as lock:
        return None if take(lock, fcntl.LOCK_SH) else int(os.pread(lock, 20, 0) or b"0")


def running(folder: Path) -> Server | None:
    """Give the server that lives and takes commands.

    Both files must name it: an announcement that a killed watcher left behind is no news of the server after it.
    """
    pid = holder(folder / SERVER)
    said = read(folder / STATE)
    if pid is None or said is None or said["pid"] != pid:
        return None
    return Server(pid, said["port"], datetime.fromisoformat(said["since"]))


def credentials(folder: Path) -> Credentials | None:
    said = read(folder / CREDENTIALS)
    return Credentials(**said) if said else None


def read(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def write(path: Path, said: dict[str, Any]) -> None:
    private.write(path, json.dumps(said).encode())
