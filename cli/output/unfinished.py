"""Create files under temporary names until they are complete, and remove those that killed runs left behind.

The run that writes a file holds a lock on it. The kernel releases the lock when the run ends, however it ends.
"""

import fcntl
import os
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

PREFIX: Final = ".chatctl-"
_NAME: Final = re.compile(rf"{re.escape(PREFIX)}[a-z0-9_]{{8}}")


def create(folder: Path) -> tuple[int, Path]:
    """Create a file that only its owner can read; return its open descriptor, locked by this run, and its path."""
    _remove_leftovers(folder)
    while True:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=PREFIX)  # 0600 from the first byte
        with suppress(OSError):  # this file system has no locks; leftovers are not removed there either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)  # another run saw it before it was locked, and removed it


def _remove_leftovers(folder: Path) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    _remove(Path(entry.path))


def _remove(path: Path) -> None:
    """Remove a file of this user that no run has locked, unless another file has replaced it. Raises `OSError`."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(found, path.lstat()):
                path.unlink()
    finally:
        os.close(descriptor)
