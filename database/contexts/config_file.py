"""The file that holds the contexts: its user's alone to write, read and replaced as a whole."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import platformdirs

from database import private_files
from database.errors import NotAllowedError, NotConfiguredError

LARGEST: Final = 1024 * 1024
"""Bytes; a file that is larger was not written by anybody."""


def path() -> Path:
    """Name the file; raises `NotAllowedError` where neither XDG_CONFIG_HOME nor a home is known."""
    try:
        folder = platformdirs.user_config_path("chatctl", appauthor=False)
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():
        raise NotAllowedError("this user has no folder for the configuration", "name one with XDG_CONFIG_HOME")
    return folder / "config.toml"


def read() -> str:
    """Give what the file says, nothing where there is none.

    Raises `NotAllowedError` for one that anybody else could have written, and for a link.
    """
    try:
        file = path()
    except NotAllowedError:
        return ""
    if not os.path.lexists(file):
        return ""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        reason = "it is a symbolic link" if file.is_symlink() else (error.strerror or "it failed").lower()
        raise NotAllowedError(f"{file} cannot be read: {reason}", "put a file of your own there") from None
    try:
        _check(file.parent, file.parent.stat())
        _check(file, found := os.fstat(descriptor))
        if not stat.S_ISREG(found.st_mode):
            raise NotConfiguredError(f"{file} is no file", "move it away")
        with open(descriptor, "rb", closefd=False) as opened:
            return _decoded(file, opened.read(LARGEST + 1))
    finally:
        os.close(descriptor)


def write(text: str) -> None:
    """Replace the file by another that is complete, or leave it as it is."""
    file = path()
    try:
        private_files.write(file, text.encode())
    except OSError as error:
        raise _unwritable(file, error) from None


@contextmanager
def locked() -> Iterator[None]:
    """Keep others who change the file waiting; the folder is made where there is none."""
    folder = path().parent
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        _check(folder, os.fstat(descriptor))
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check(file: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise NotAllowedError(f"{file} belongs to another user", "name another folder with XDG_CONFIG_HOME")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NotAllowedError(f"others may write {file}", f"chmod go-w {file}")


def _decoded(file: Path, data: bytes) -> str:
    if len(data) > LARGEST:
        raise NotConfiguredError(f"{file} is larger than {LARGEST:,} bytes", "move it away")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotConfiguredError(f"{file}:{line}: this is not UTF-8", "correct it there, or move it away") from None


def _unwritable(file: Path, error: OSError) -> NotAllowedError:
    reason = (error.strerror or "it failed").lower()
    return NotAllowedError(f"{file} cannot be written: {reason}", "name another folder with XDG_CONFIG_HOME")
