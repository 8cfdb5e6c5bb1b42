"""Files that chatctl writes: whole or not there at all, private to their owner, never through a link."""

import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Final

from cli.output import streams
from models.errors import ConflictError, NotFoundError, OutputError, UsageError

_OPENED: Final = re.compile(r"/dev/(stderr)|/(?:dev|proc/self)/fd/(\d{1,6})")


def write_file(content: str, to: str, *, overwrite: bool = False) -> None:
    """Write a file under a temporary name and then rename it; `-` is standard output, a device or pipe is just written.

    So is what the caller has opened, by its number: `/dev/fd/3`.

    Raises `ConflictError` for a file that exists, unless it may be overwritten, and `OutputError` where writing fails.
    """
    if to in {"-", "/dev/stdout"}:
        streams.write(content)
        return
    path = Path(to)
    try:
        if opened := _OPENED.fullmatch(to):
            _write_to(os.dup(2 if opened[1] else int(opened[2])), content)
            return
        if _is_stream(path):
            _write_to(os.open(path, os.O_WRONLY), content)
            return
        _check(to, path, overwrite=overwrite)
        _write(content, path, overwrite=overwrite)
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "no file can have this name"
        raise OutputError(f"{to} could not be written: {reason.lower()}") from error


def _is_stream(path: Path) -> bool:
    """Tell a device or a pipe; those that a link leads to count."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _check(to: str, path: Path, *, overwrite: bool) -> None:
    if to.endswith(os.sep) or (path.is_dir() and not path.is_symlink()):
        raise UsageError(f'"{to}" names a folder', "name a file in it")
    if not path.parent.is_dir():
        raise NotFoundError(f"there is no folder {path.parent}")
    if os.path.lexists(path) and not overwrite:
        raise _exists(path)


def _write(content: str, path: Path, *, overwrite: bool) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".chatctl-")  # 0600 from the first byte
    temporary = Path(name)
    try:
        _write_to(descriptor, content, sync=True)
        if overwrite:
            temporary.replace(path)
        else:
            _rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_to(descriptor: int, content: str, *, sync: bool = False) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(content)
        file.flush()
        if sync:
            os.fsync(descriptor)


def _rename(temporary: Path, path: Path) -> None:
    """Give the file its name unless somebody else has made one of that name meanwhile."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without links
        temporary.rename(path)


def _exists(path: Path) -> ConflictError:
    return ConflictError(f"{path} exists already", "choose another name, or replace it with --overwrite")
