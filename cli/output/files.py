"""Write files that only their owner can read. After an error or a crash, no incomplete file is left.

Until a file is complete, it has a temporary name, and the writing process holds a lock on it. The kernel releases the
lock when the process ends, even if it is killed. The next run of chatctl removes temporary files without a lock. A
symbolic link to a file is replaced, not followed.
"""

import fcntl
import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from cli.output import streams
from cli.output.streams import ReaderGoneError
from database.errors import ConflictError, NotFoundError, OutputError, RefusedError, UsageError

STANDARD_OUTPUT: Final = frozenset({"-", "/dev/stdout"})
ROOT: Final = 0
"""The user id of root, who owns most devices."""

PREFIX: Final = ".chatctl-"
"""The beginning of the name of a temporary file."""

_TEMPORARY: Final = re.compile(rf"{re.escape(PREFIX)}[a-z0-9_]{{8}}")
_OPENED: Final = re.compile(r"/dev/(stderr)|/(?:dev|proc/self)/fd/(\d{1,6})")


def write_file(content: str, to: str, *, overwrite: bool = False) -> None:
    """Write a text to a file, or to standard output if the file is `-`. See `opened`."""
    with writing(to, overwrite=overwrite) as write:
        write(content)


@contextmanager
def writing(to: str, *, overwrite: bool = False) -> Iterator[Callable[[str], object]]:
    """Return a function that writes text in parts: to a file (see `opened`), or to standard output if `to` is `-`."""
    if to in STANDARD_OUTPUT:
        yield streams.write
        return
    with opened(to, overwrite=overwrite) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        yield text.write
        text.detach()


@contextmanager
def opened(to: str, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Open a file with a temporary name. At the end of the block, rename it. After an error, the file does not exist.

    `-` is standard output. There is no temporary file for a device, a pipe, or an open file descriptor (`/dev/fd/3`).
    Raises `ConflictError` if the file exists and may not be overwritten, `RefusedError` for a pipe of another user, and
    `OutputError` if writing fails.
    """
    try:
        with _opened(to, overwrite=overwrite) as file:
            yield file
    except BrokenPipeError as error:
        raise ReaderGoneError(f"the program that reads {to} has ended") from error
    except OSError as error:
        what = "the output" if to in STANDARD_OUTPUT else to
        raise OutputError(f"{what} could not be written: {(error.strerror or 'unknown reason').lower()}") from error


@contextmanager
def _opened(to: str, *, overwrite: bool) -> Iterator[BinaryIO]:
    if "\0" in to:
        raise OutputError(f"{to} could not be written: this is not a valid file name")
    path = Path(to)
    if to in STANDARD_OUTPUT:
        streams.flush()
        yield sys.stdout.buffer
    elif number := _OPENED.fullmatch(to):
        with os.fdopen(os.dup(2 if number[1] else int(number[2])), "wb") as file:
            yield file
    elif _is_stream(path):
        # The owner is checked before the file is opened, because opening a pipe waits for its reader.
        _check_owner(to, path.stat())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOCTTY), "wb") as file:
            _check_owner(to, os.fstat(file.fileno()))
            yield file
    else:
        _check(to, path, overwrite=overwrite)
        with _replacing(path, overwrite=overwrite) as file:
            yield file


def _is_stream(path: Path) -> bool:
    """Tell whether a path is a device or a pipe, or a link to one of them."""
    try:
        return _streams(path.stat())
    except FileNotFoundError:
        return False


def _streams(found: os.stat_result) -> bool:
    return stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode)


def _check_owner(to: str, found: os.stat_result) -> None:
    """Refuse a pipe or terminal of another user, and a file that has replaced the pipe after the check."""
    if not _streams(found) or found.st_uid not in {os.geteuid(), ROOT}:
        raise RefusedError(
            f"{to} belongs to another user, who could read the output",
            "use a file in your own folder, or write to standard output: --to -",
        )


def _check(to: str, path: Path, *, overwrite: bool) -> None:
    if to.endswith(os.sep) or (path.is_dir() and not path.is_symlink()):
        raise UsageError(f'"{to}" is a folder', "use a file in this folder")
    if not path.parent.is_dir():
        raise NotFoundError(f"folder not found: {path.parent}")
    if os.path.lexists(path) and not overwrite:
        raise _exists(path)


@contextmanager
def _replacing(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    descriptor, temporary = _create(path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:  # the file stays open, and so locked, until it has its final name
            yield file
            file.flush()
            os.fsync(descriptor)
            if overwrite:
                temporary.replace(path)
            else:
                _rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _rename(temporary: Path, path: Path) -> None:
    """Give the file its final name, unless another file has got this name in the meantime."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # this file system has no hard links
        temporary.rename(path)


def _exists(path: Path) -> ConflictError:
    return ConflictError(f"{path} already exists", "use another name, or replace the file with --overwrite")


def _create(folder: Path) -> tuple[int, Path]:
    """Create a file that only its owner can read. Return its open descriptor, locked by this run, and its path."""
    import tempfile  # this import is slow, and help and lists do not need it

    _remove_leftovers(folder)
    while True:
        # other users cannot read the file, from the first moment on
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=PREFIX)
        with suppress(OSError):  # This file system has no locks. There, left temporary files are not removed.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)  # Another run has removed the file before it was locked.


def _remove_leftovers(folder: Path) -> None:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _TEMPORARY.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    _remove(Path(entry.path))


def _remove(path: Path) -> None:
    """Remove a temporary file of this user. Raises `OSError` if a running process has locked it.

    If another file has got the same name in the meantime, that file is kept.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(found, path.lstat()):
                path.unlink()
    finally:
        os.close(descriptor)
