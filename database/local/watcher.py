"""The watcher: a process that starts the embedded server, and stops it when no command has used it for a while.

Run the watcher as `python -m database.local.watcher FOLDER LOCK PROGRAM SECONDS`. LOCK is the number of an open file,
which holds the lock of the watcher. SECONDS is the time without use after which the server is stopped. The watcher and
the server can be killed at any moment. The server syncs every commit to the disk, so no confirmed write is lost. The
next command starts the missing process again.
"""

import fcntl
import functools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from database.errors import ChatctlError
from database.local import files
from database.local.files import Credentials, Server

if TYPE_CHECKING:
    from pymongo import MongoClient

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_LISTEN = 20.0
_SECONDS_TO_FINISH = 10.0
_PORTS_TO_TRY = 3
_LOG_BYTES = 1_000_000


class Watcher:
    """The watcher of one server in one folder, from the start of the server to its end."""

    def __init__(self, folder: Path, program: str, idle: float) -> None:
        self.folder = folder
        self.program = program
        self.idle = idle
        self.use = files.open_lock(folder / files.USE)
        self.touched = 0
        self.last_used = time.monotonic()
        self.child: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start the server, or use the server that a killed watcher has left. Return when this server has ended."""
        server = files.running(self.folder) or self.start()
        while self.lives():
            if self.is_over():
                self.end()
            elif files.running(self.folder) != server:  # the announcement or the pid in the lock file is damaged
                self.announce(server)
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def lives(self) -> bool:
        if self.child:
            self.child.poll()  # without this call, the dead server would stay in the list of processes as a zombie
        return files.holder(self.folder / files.SERVER) is not None

    def is_over(self) -> bool:
        """Tell whether the server must stop now: after `db stop`, or after too long without use.

        If the server must stop, the announcement is removed, so that new commands do not connect to this server.
        """
        if (self.folder / files.STOP).exists():
            self.withdraw()
            return True
        alone = files.take(self.use)
        touched = os.fstat(self.use).st_mtime_ns
        if not alone or touched != self.touched:
            self.touched, self.last_used = touched, time.monotonic()
        over = time.monotonic() - self.last_used > self.idle
        if over:  # no new command may connect to this server
            self.withdraw()
        fcntl.flock(self.use, fcntl.LOCK_UN)
        return over

    def end(self) -> None:
        """Ask the server to stop, and wait for its end.

        If the server takes too long to stop, or if a new command is already waiting, kill the server.
        """
        self.signal(signal.SIGTERM)
        deadline = time.monotonic() + _SECONDS_TO_FINISH
        while self.lives():
            if not files.take(self.use) or time.monotonic() > deadline:
                self.signal(signal.SIGKILL)
            fcntl.flock(self.use, fcntl.LOCK_UN)
            time.sleep(_SECONDS_BETWEEN_LOOKS / 10)

    def signal(self, number: int) -> None:
        """Send a signal to the server.

        The server holds its lock while it runs, so the pid in the lock file cannot belong to another process.
        """
        if pid := files.holder(self.folder / files.SERVER):
            os.kill(pid, number)

    def kill(self) -> None:
        while self.lives():
            self.signal(signal.SIGKILL)
            time.sleep(_SECONDS_BETWEEN_LOOKS / 10)

    def withdraw(self) -> None:
        (self.folder / files.STATE).unlink(missing_ok=True)

    def start(self) -> Server:
        """Start the server and announce it. Before the first start, create the user of the database."""
        self.withdraw()
        self.kill()  # a killed `set_up` may have left a server running
        (self.folder / files.STOP).unlink(missing_ok=True)
        (self.folder / files.CONFIG).write_bytes(b"")
        port = self.serve("--auth") if files.is_set_up(self.folder) else self.set_up()
        (self.folder / files.UNFINISHED).unlink(missing_ok=True)
        server = Server(files.holder(self.folder / files.SERVER) or 0, port, datetime.now(UTC))
        self.announce(server)
        return server

    def announce(self, server: Server) -> None:
        with files.opened(self.folder / files.SERVER) as lock:
            _write_pid(lock, server.pid)
        files.write(self.folder / files.STATE, server._asdict() | {"since": server.since.isoformat()})

    def set_up(self) -> int:
        """Create the database and its one user, and return the port of a server that requires the password.

        To create the user, this function starts a first server without passwords. Until it ends, other programs of this
        machine can connect to it. If the database then contains another user or data, the database is not used, and the
        next start deletes it. This function first deletes the data of an earlier set-up that was interrupted. Commands
        have not written to this data, because they had no password.
        """
        data, unfinished = self.folder / files.DATA, self.folder / files.UNFINISHED
        unfinished.touch()
        if data.exists():
            shutil.rmtree(data)
        user = Credentials(f"chatctl-{secrets.token_hex(8)}", secrets.token_urlsafe(32))
        _create(user, self.serve())
        self.kill()
        port = self.serve("--auth")
        _check_alone(user, port)
        files.write(self.folder / files.CREDENTIALS, user._asdict())
        return port

    def serve(self, *options: str) -> int:
        """Start a server on a free port. When the server listens, return the port.

        If another program has taken the port in the meantime, try another port.
        """
        for _ in range(_PORTS_TO_TRY):
            port = _free_port()
            self.child = self.launch("--port", str(port), *options)
            deadline = time.monotonic() + _SECONDS_TO_LISTEN
            while self.child.poll() is None and time.monotonic() < deadline:
                if _listens(port):
                    return port
                time.sleep(_SECONDS_BETWEEN_LOOKS / 10)
            self.kill()
            if not _listens(port):  # The port is free, so another program is not the reason for the failure.
                break
        sys.exit("the server does not start")

    def launch(self, *options: str) -> "subprocess.Popen[bytes]":
        """Start the server process. It inherits `server.lock`, and holds this lock until it ends."""
        command = [self.program, "--host", "127.0.0.1", "--sync-on-commit", "--log-level", "WARNING"]
        command += [
            "--config",
            str(self.folder / files.CONFIG),
            "--storage-path",
            str(self.folder / files.DATA),
            *options,
        ]
        with files.opened(self.folder / files.SERVER) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # The pid is written before the server runs. There are no other threads, so code between fork and exec is
            # safe.
            sign = functools.partial(_write_own_pid, lock)
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(lock,), preexec_fn=sign)  # noqa: PLW1509, S603


def _write_own_pid(lock: int) -> None:
    _write_pid(lock, os.getpid())


def _write_pid(lock: int, pid: int) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, b"%d\n" % pid, 0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _create(user: Credentials, port: int) -> None:
    with _client(port) as client:
        client.admin.command("createUser", user.user, pwd=user.password, roles=["root"])


def _check_alone(user: Credentials, port: int) -> None:
    with _client(port, username=user.user, password=user.password) as client:
        users = [found["user"] for found in client.admin["system.users"].find()]
        databases = set(client.list_database_names()) - {"admin", "config", "local"}
    if users != [user.user] or databases:
        sys.exit("another user used the server before it had a password")


def _client(port: int, **options: Any) -> "MongoClient[dict[str, Any]]":
    """Connect to a server that listens. The time limit is short, because the server may be killed at any moment."""
    from pymongo import MongoClient

    return MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=3000, **options)


def main() -> None:
    """Detach from the command that started this process, and watch the server.

    When the watcher ends, it stops the server. If the watcher is killed, the server continues to run.
    """
    if os.fork():
        os._exit(0)
    folder = Path(sys.argv[1])
    if (folder / files.LOG).stat().st_size > _LOG_BYTES:
        os.truncate(folder / files.LOG, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    watcher = Watcher(folder, program=sys.argv[3], idle=float(sys.argv[4]))
    try:
        watcher.run()
    except ChatctlError as error:
        sys.exit(f"{error.message}; {error.hint}")
    finally:
        if watcher.child:
            watcher.child.kill()  # This works even if the folder no longer exists.
        watcher.withdraw()
        watcher.kill()


if __name__ == "__main__":
    main()
