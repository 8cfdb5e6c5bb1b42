"""The embedded database: a server of this user's own, started by the first command that needs it.

Commands only take locks, read what the watcher announced and connect; the watcher (`models.local.watcher`) alone
starts and ends the server.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from models.errors import WITH_LOCAL, NotConfiguredError, UnreachableError
from models.local import folder as at
from models.local.folder import Server

IDLE_SECONDS = 60.0
_SECONDS_TO_START = 30.0
_ATTEMPTS = 3
_SECONDS_BETWEEN_LOOKS = 0.01
# What a process needs to run at all; no URL and no password of chatctl's surroundings gets into a process that stays.
_ENVIRONMENT = ("HOME", "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")


class Use(NamedTuple):
    """The embedded database in use: it stays up until `lock` is closed, and for a while after."""

    url: str
    lock: int


def use(database: str) -> Use:
    """Give the embedded database, starting it where it does not run; several commands at once share one."""
    folder = at.chosen()
    at.make_private(folder)
    with ExitStack() as unless_it_runs:
        lock = at.open_lock(folder / at.USE)
        unless_it_runs.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_SH)
        os.utime(lock)
        server = _running(folder)
        url = _url(folder, server, database)
        unless_it_runs.pop_all()
    return Use(url, lock)


def glance(database: str) -> str | None:
    """Give the URL of the embedded database if it runs; it is neither started nor kept up, and nothing is written."""
    folder = at.chosen()
    if not (folder / at.STATE).is_file():
        return None
    at.make_private(folder)
    server = at.running(folder)
    return server and _url(folder, server, database)


@contextmanager
def turn(waits: Callable[[], None]) -> Iterator[None]:
    """Let nobody else have a turn meanwhile; `waits` is called where somebody has one."""
    folder = at.chosen()
    at.make_private(folder)
    with at.opened(folder / at.TURN) as lock:
        if not at.take(lock):
            waits()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def status() -> dict[str, object] | None:
    """Say that the server runs (its pid), since when (a time in UTC), and where its data lie; None when it does not."""
    folder = at.chosen()
    if not folder.is_dir():
        return None
    at.make_private(folder)
    server = at.running(folder)
    return server and {"pid": server.pid, "since": server.since, "folder": str(folder)}


def stop() -> bool:
    """End the server, whoever uses it, and return when it is gone; False when none ran."""
    folder = at.chosen()
    if not folder.is_dir():
        return False
    at.make_private(folder)
    deadline = time.monotonic() + _SECONDS_TO_START
    asked: Server | None = None
    found = False
    while not _is_gone(folder):
        if not found:
            (folder / at.STOP).touch(mode=0o600)
        found = True
        now = at.running(folder)
        if asked and now and now != asked:  # gone, and a command has started another
            break
        asked = asked or now
        _pause(folder, deadline)
    return found


def _url(folder: Path, server: Server, database: str) -> str:
    user, password = at.credentials(folder) or ("", "")
    address = f"{user}:{password}@127.0.0.1:{server.port}"
    return f"mongodb://{address}/{database}?authSource=admin&directConnection=true"


def _is_gone(folder: Path) -> bool:
    """Tell whether neither server nor watcher is there; a server whose watcher was killed is killed too."""
    with at.opened(folder / at.WATCHER) as lock:
        if not at.take(lock):
            return False
        pid = at.holder(folder / at.SERVER)
        if pid:
            os.kill(pid, signal.SIGKILL)
        return pid is None


def _running(folder: Path) -> Server:
    """Wait for the server, and see that somebody watches it: a watcher that was killed is replaced."""
    deadline = time.monotonic() + _SECONDS_TO_START
    started = 0
    while True:
        started += _watch(folder)
        if server := at.running(folder):
            return server
        _pause(folder, deadline if started <= _ATTEMPTS else 0.0)


def _pause(folder: Path, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise UnreachableError(
            "the embedded database does not start or stop as it should", f"{folder / at.LOG} may say why"
        )
    time.sleep(_SECONDS_BETWEEN_LOOKS)


def _watch(folder: Path) -> bool:
    """Start a watcher unless one lives; the lock that decides is handed to it, so that there is never a second."""
    with at.opened(folder / at.WATCHER) as lock:
        if not at.take(lock):
            return False
        command = [sys.executable, "-P", "-m", "models.local.watcher"]
        command += [str(folder), str(lock), str(_server_program()), str(IDLE_SECONDS)]
        with at.open_log(folder) as log:
            subprocess.run(  # noqa: S603 - made of nothing that came from elsewhere
                command,
                cwd=folder,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
                umask=0o077,
                check=False,
            )
        return True


def _server_program() -> Path:
    """Find the server beside the Python that runs; it is under another licence, so it is run and never imported."""
    program = Path(sys.executable).with_name("secantusd-py")
    if not program.exists():
        raise NotConfiguredError("the embedded database is not installed", WITH_LOCAL)
    return program
