"""The embedded database: a private MongoDB server of this user. The first command that needs the server starts it.

The watcher (`database.local.watcher`) is a separate process, which starts and stops the server. The watcher writes an
announcement of the running server: a file with its pid and port. A command starts the watcher if necessary, reads the
announcement, and connects. The lock files show which processes run.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from database.errors import (
    WITH_LOCAL,
    AuthFailedError,
    ChatctlError,
    NotConfiguredError,
    ServerFailedError,
    UnreachableError,
)
from database.local import files
from database.local.files import Server

IDLE_SECONDS = 60.0
_SECONDS_TO_START = 30.0
_ATTEMPTS = 2
_AGAIN = "run the command again to restart the server; if it fails again, run chatctl --local db stop first"
_STOP = "stop it with chatctl --local db stop, then run the command again"
_SECONDS_BETWEEN_LOOKS = 0.01
_BYTES_TO_WORK = 16 << 20
"""The free disk space that the server needs, in bytes. The server reserves 10 MiB for its journal."""
# The environment variables that the server gets. The server runs longer than the command, so it must not inherit a URL
# or a password.
_ENVIRONMENT = ("HOME", "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")


class Use(NamedTuple):
    """The embedded database while a command uses it. The server runs at least until `lock` is closed."""

    url: str
    lock: int
    server: Server


@contextmanager
def _at_work() -> Iterator[Path]:
    """Yield the folder of the embedded database. An `OSError` in the `with` block becomes a `NotAllowedError`."""
    folder = files.chosen()
    try:
        yield folder
    except OSError as error:
        raise files.unusable(Path(error.filename or folder), error) from None


def use(database: str) -> Use:
    """Start the embedded server if it does not run yet. Return its URL and the lock that keeps it running.

    All commands that run at the same time use the same server.
    """
    with _at_work() as folder, ExitStack() as unless_it_runs:
        files.make_private(folder)
        lock = files.open_lock(folder / files.USE)
        unless_it_runs.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_SH)
        os.utime(lock)
        server = _running(folder)
        url = _url(folder, server, database)
        unless_it_runs.pop_all()
    return Use(url, lock, server)


def is_gone(server: Server) -> bool:
    """Tell whether this server has stopped. In the meantime, another command may have started a new server."""
    with _at_work() as folder:
        return files.holder(folder / files.SERVER) not in {server.pid, 0}


def gone(hint: str | None = None) -> UnreachableError:
    return UnreachableError("the embedded server stopped while the command ran", hint or _AGAIN)


def peek(database: str) -> str | None:
    """Return the URL of the embedded database if its server runs, otherwise None.

    This function does not start the server, does not write files, and does not keep the server running.
    """
    with _at_work() as folder:
        if not (folder / files.STATE).is_file():
            return None
        files.make_private(folder)
        server = files.running(folder)
        return server and _url(folder, server, database)


@contextmanager
def turn(waits: Callable[[], None]) -> Iterator[None]:
    """Let only one command at a time run the `with` block. If this command must wait, call `waits` once."""
    folder = files.chosen()
    files.make_private(folder)
    with files.opened(folder / files.TURN) as lock:
        if not files.take(lock):
            waits()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def status() -> dict[str, object] | None:
    """Return `pid`, `since` (a time in UTC) and `folder` of the embedded server. Return None if it does not run."""
    with _at_work() as folder:
        if not folder.is_dir():
            return None
        files.make_private(folder)
        server = files.running(folder)
        return server and {"pid": server.pid, "since": server.since, "folder": str(folder)}


def stop() -> bool:
    """Stop the server, even if other commands use it, and wait until it has ended. Return False if it did not run."""
    with _at_work() as folder:
        if not folder.is_dir():
            return False
        files.make_private(folder)
        return _stop(folder)


def _stop(folder: Path) -> bool:
    deadline = time.monotonic() + _SECONDS_TO_START
    asked: Server | None = None
    found = False
    while not _is_gone(folder):
        if not found:
            (folder / files.STOP).touch(mode=0o600)
        found = True
        now = files.running(folder)
        if asked and now and now != asked:  # The server has stopped, and another command has started a new one.
            break
        asked = asked or now
        _pause(folder, deadline, "stop")
    return found


def explain(error: ChatctlError, server: Server | None) -> ChatctlError:
    """Return an error that names the likely cause of a failed connection to the embedded server.

    If no cause is known, return `error` itself.
    """
    folder = files.chosen()
    if isinstance(error, AuthFailedError):
        what = f"the password in {folder / files.CREDENTIALS} does not match the data of the embedded database"
        return AuthFailedError(what, files.restore(folder, f"{folder / files.CREDENTIALS} and {folder / files.DATA}"))
    if isinstance(error, ServerFailedError):
        return _failure(folder, "the embedded database failed")
    if isinstance(error, UnreachableError) and server:
        return gone() if is_gone(server) else UnreachableError("the embedded server does not answer", _STOP)
    return error


def _url(folder: Path, server: Server, database: str) -> str:
    user, password = files.credentials(folder)
    address = f"{user}:{password}@127.0.0.1:{server.port}"
    return f"mongodb://{address}/{database}?authSource=admin&directConnection=true"


def _is_gone(folder: Path) -> bool:
    """Tell whether the embedded server and its watcher have both ended.

    If only the watcher was killed, this function kills the server too.
    """
    with files.opened(folder / files.WATCHER) as lock:
        if not files.take(lock):
            return False
        pid = files.holder(folder / files.SERVER)
        if pid:
            os.kill(pid, signal.SIGKILL)
        return pid is None


def _running(folder: Path) -> Server:
    """Wait until the embedded server runs, and return it. If no watcher runs, start one.

    For example, no watcher runs if somebody has killed it.
    """
    deadline = time.monotonic() + _SECONDS_TO_START
    started = 0
    while True:
        started += _watch(folder)
        if server := files.running(folder):
            return server
        _pause(folder, deadline if started <= _ATTEMPTS else 0.0)


def _pause(folder: Path, deadline: float, what: str = "start") -> None:
    if time.monotonic() > deadline:
        raise _failure(folder, f"the embedded database does not {what}")
    time.sleep(_SECONDS_BETWEEN_LOOKS)


def _failure(folder: Path, what: str) -> ServerFailedError:
    """Return an error with the likely reason why the embedded server does not start or stop, and what to do."""
    free = shutil.disk_usage(folder).free
    if free < _BYTES_TO_WORK:
        return ServerFailedError(f"{what}: the disk of {folder} has {free >> 20} MiB left", files.MAKE_SPACE)
    return ServerFailedError(
        f"{what}: its data may be damaged; {folder / files.LOG} may have details",
        f"run the command again; if it fails again, {files.restore(folder, folder / files.DATA)}",
    )


def _watch(folder: Path) -> bool:
    """Start a watcher if none runs. Return True if a watcher was started.

    The watcher inherits the lock `watcher.lock`, so two watchers never run at the same time.
    """
    with files.opened(folder / files.WATCHER) as lock:
        if not files.take(lock):
            return False
        files.check(folder)
        command = [sys.executable, "-P", "-m", "database.local.watcher"]
        command += [str(folder), str(lock), str(_server_program()), str(IDLE_SECONDS)]
        with files.open_log(folder) as log:
            subprocess.run(  # noqa: S603 - the command has no input from users
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
    """Return the path of the embedded server's program. It is in the same folder as the running Python.

    The program has another licence than chatctl, so chatctl runs the program as a process and never imports it.
    """
    program = Path(sys.executable).with_name("secantusd-py")
    if not program.exists():
        raise NotConfiguredError("the embedded database is not installed", WITH_LOCAL)
    return program
