"""A process that has loaded chatctl. Each command on a terminal runs in a fork, ten times as fast as a new process.

A request is a packet on standard input, which is a socket: `[arguments, environment, folder]` as JSON, with the
descriptor of the terminal. The answer is the exit code.
"""

import fcntl
import gc
import importlib
import json
import os
import pkgutil
import socket
import sys
import termios
import time

PACKAGES = ("cli", "imports", "seeds", "actions", "changes", "database", "models")
LARGEST = 1 << 18
"""The largest request, in bytes."""


def load() -> None:
    """Import all modules of chatctl, and exclude them from garbage collection."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


def is_fork(requests: socket.socket) -> bool:
    """Fork for each request. Return True in each new process. After the last request, return False in this process."""
    while True:
        packet, terminals, _, _ = socket.recv_fds(requests, LARGEST, 1)
        if not packet:
            return False
        child = os.fork()
        if not child:
            requests.close()
            become(terminals[0], *json.loads(packet))
            return True
        os.close(terminals[0])
        requests.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def become(terminal: int, arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Give this process the terminal, environment, folder and arguments of a new command on a terminal."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(terminal, number)
    os.close(terminal)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv[:] = arguments


if __name__ == "__main__":
    load()
    if is_fork(socket.socket(fileno=os.dup(0))):
        from cli.__main__ import main

        main()
