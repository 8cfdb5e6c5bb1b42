"""The folder of the embedded database. Only its owner can read the folder. Its locks show which processes run.

A process holds a lock with `flock` on a file. When the process ends, the kernel releases the lock. There are four
locks:

- `use.lock`, shared by every command that uses the database;
- `watcher.lock`, taken by the command that starts a watcher, and inherited by the watcher;
- `server.lock`, taken by the watcher, and inherited by the server; it contains the pid of the server;
- `turn.lock`, held by the command that is in the block of `turn`.

The text in a lock file or in the announcement (`server.json`) may be damaged. In this case, commands ignore the text,
and the watcher writes it again.
"""

import errno
import fcntl
import json
import os
import re
import shlex
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import platformdirs

from database import private_files
from database.errors import NotAllowedError

USE, WATCHER, SERVER, TURN = "use.lock", "watcher.lock", "server.lock", "turn.lock"
STATE, CREDENTIALS, LOG = "server.json", "credentials.json", "server.log"
STOP, UNFINISHED, DATA, CONFIG = "stop", "unfinished", "data", "server.toml"
MOST_SAID = 10_000
"""The largest number of bytes that are read from a JSON file."""


class Server(NamedTuple):
    """A running server, as its watcher announces it: the pid, the port, and the time of its start."""

    pid: int
    port: int
    since: datetime


class Credentials(NamedTuple):
    user: str
    password: str


def chosen() -> Path:
    """Return the folder of the embedded database: CHATCTL_LOCAL_DIR, or else a folder in the user's data folder."""
    try:
        named = os.environ.get("CHATCTL_LOCAL_DIR") or platformdirs.user_data_path("chatctl", appauthor=False)
        return Path(named).absolute()
    except RuntimeError:
        raise NotAllowedError("your system user has no folder for the embedded database", _ELSEWHERE) from None
    except FileNotFoundError:
        raise NotAllowedError(
            "CHATCTL_LOCAL_DIR is relative to the working directory, which no longer exists", "cd ~"
        ) from None


def make_private(folder: Path) -> None:
    """Create the folder of the database if necessary.

    Raises `NotAllowedError` if other users can read it or write to it.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=stat.S_IRWXU, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        reason = (error.strerror or "the name is not valid").lower()
        raise NotAllowedError(
            f"the folder of the embedded database cannot be created: {folder}: {reason}", _ELSEWHERE
        ) from None
    if not stat.S_ISDIR(found.st_mode):
        raise NotAllowedError(f"the folder of the embedded database is a symbolic link: {folder}", _ELSEWHERE)
    if found.st_uid != os.geteuid():
        raise NotAllowedError(f"the folder of the embedded database belongs to another user: {folder}", _ELSEWHERE)
    if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NotAllowedError(
            f"other users can read the folder of the embedded database: {folder}", f"chmod 700 {folder}"
        )


_ELSEWHERE = "choose another folder with CHATCTL_LOCAL_DIR"
_IN_THE_WAY = {None, errno.EISDIR, errno.ELOOP, errno.ENXIO}
"""The error numbers if a path leads to a folder, a symbolic link or a device, and not to a regular file."""
MAKE_SPACE = "free some disk space, then run the command again"


def open_own(path: Path, flags: int) -> int:
    """Open a regular file of this user in the folder of the embedded database.

    Raises `NotAllowedError` if the file belongs to another user or is not a regular file, and `FileNotFoundError` if
    the file does not exist.
    """
    try:
        descriptor = os.open(
            path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, private_files.MODE
        )  # without `O_NONBLOCK`, opening a pipe would wait for its other end
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unusable(path, error) from None
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
        return descriptor
    os.close(descriptor)
    if stat.S_ISREG(found.st_mode):
        raise _unusable(path, "it belongs to another user", errno.EPERM)
    raise _unusable(path, "it is not a file")


def unusable(path: Path, error: OSError) -> NotAllowedError:
    """Return an error that says why a file of the folder cannot be used, and what to do."""
    reason = "it is a symbolic link" if error.errno == errno.ELOOP else str(error.strerror or "unknown reason").lower()
    return _unusable(path, reason, error.errno)


def _unusable(path: Path, reason: str, number: int | None = None) -> NotAllowedError:
    folder = path.parent
    if number in {errno.ENOSPC, errno.EDQUOT}:
        hint = MAKE_SPACE
    elif number == errno.EPERM:
        hint = f"sudo chown -R {os.geteuid()} {shlex.quote(str(folder))}"
    elif number not in _IN_THE_WAY:
        hint = _ELSEWHERE
    elif path.name == CREDENTIALS:
        hint = restore(folder, path)
    else:
        hint = f"rm -r {shlex.quote(str(path))}"
    return NotAllowedError(f"the embedded database cannot use {path}: {reason}", hint)


def restore(folder: Path, path: Path | str) -> str:
    """Return the hint for a damaged embedded database: restore the missing part, or begin with an empty database."""
    start = f"mv {shlex.quote(str(folder))} {shlex.quote(f'{folder}.old')}"
    return f"restore {path} from a backup, or start with an empty database: {start}"


def open_lock(path: Path) -> int:
    try:
        return open_own(path, os.O_RDWR | os.O_CREAT)
    except FileNotFoundError:
        raise _unusable(path, "the folder no longer exists") from None


def open_log(folder: Path) -> BinaryIO:
    return os.fdopen(open_own(folder / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")


def take(lock: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Try to lock an open file. Return False if another process holds the lock."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a lock file, and close it when the block ends.

    The close releases the lock, unless another process has inherited the lock.
    """
    lock = open_lock(path)
    try:
        yield lock
    finally:
        os.close(lock)


def holder(path: Path) -> int | None:
    """Return the pid of the server that holds a lock. Return 0 if the pid is not known yet, None if no server runs.

    The function tries to take a shared lock for a moment. An exclusive lock would be wrong: two commands that check at
    the same time would each think that the other command is the server.
    """
    with opened(path) as lock:
        if take(lock, fcntl.LOCK_SH):
            return None
        said = os.pread(lock, 20, 0)
        # a pid that is only partly written would be a wrong number
        return int(said) if re.fullmatch(rb"[0-9]+\n", said) else 0


def running(folder: Path) -> Server | None:
    """Return the embedded server if it runs and accepts connections, otherwise None.

    A killed watcher leaves an old announcement. So the announcement is used only if the lock file has the same pid.
    """
    pid = holder(folder / SERVER)
    said = read(folder / STATE)
    try:
        server = said and Server(int(said["pid"]), int(said["port"]), datetime.fromisoformat(said["since"]))
    except (KeyError, TypeError, ValueError):
        return None
    return server if server and server.pid == pid else None


def check(folder: Path) -> None:
    """Raise an error if a file of the folder would prevent the start of the server.

    Call this function only while no watcher runs.
    """
    for name in (CREDENTIALS, STATE, LOG, STOP, UNFINISHED, CONFIG, SERVER, USE):
        with suppress(FileNotFoundError):
            os.close(open_own(folder / name, os.O_RDONLY))
    is_set_up(folder)


def is_set_up(folder: Path) -> bool:
    """Tell whether the data of the database and its password exist.

    Call this function only while no watcher runs. Raises `NotAllowedError` if only the data or only the password
    exists, or if the password is damaged.
    """
    data = folder / DATA
    if (folder / CREDENTIALS).exists():
        credentials(folder)
        if not data.exists():
            raise NotAllowedError(f"the data of the embedded database is missing: {data}", restore(folder, data))
        return True
    if data.exists() and not (folder / UNFINISHED).exists():
        credentials(folder)
    return False


def credentials(folder: Path) -> Credentials:
    """Return the user and password of the database. Raises `NotAllowedError` if they are missing or damaged."""
    path = folder / CREDENTIALS
    said = read(path) or {}
    try:
        found = Credentials(**said)
        if all(re.fullmatch(r"[\w-]+", word, re.ASCII) for word in found):
            return found
    except TypeError:  # the file has unknown keys, or values that are not text
        pass
    raise NotAllowedError(f"the password of the embedded database is missing or damaged: {path}", restore(folder, path))


def read(path: Path) -> dict[str, Any] | None:
    """Read a JSON file of the folder. Return None if the file does not exist or is not valid."""
    try:
        with os.fdopen(open_own(path, os.O_RDONLY), "rb") as file:
            said = json.loads(file.read(MOST_SAID))
    except (FileNotFoundError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def write(path: Path, said: dict[str, Any]) -> None:
    private_files.write(path, json.dumps(said).encode())
