"""Files that chatctl writes: whole or not there at all, private to their owner, never through a link."""

import io
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from cli.output import streams
from cli.output.streams import ReaderGoneError
from models.errors import ConflictError, NotFoundError, OutputError, UsageError

STANDARD_OUTPUT: Final = frozenset({"-", "/dev/stdout"})

_OPENED: Final = re.compile(r"/dev/(stderr)|/(?:dev|proc/self)/fd/(\d{1,6})")


def write_file(content: str, to: str, *, overwrite: bool = False) -> None:
    """Write a text as `writing` does."""
    with writing(to, overwrite=overwrite) as write:
        write(content)


@contextmanager
def writing(to: str, *, overwrite: bool = False) -> Iterator[Callable[[str], object]]:
    """Give what writes the text of a file, part by part, as `opened` does; `-` is standard output in its encoding."""
    if to in STANDARD_OUTPUT:
        yield streams.write
        return
    with opened(to, overwrite=overwrite) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        yield text.write
        text.detach()


@contextmanager
def opened(to: str, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Open a file under a temporary name and rename it at the end; where anything fails there is none.

    `-` is standard output. A device or a pipe is just written, as is what the caller has opened, by its number:
    `/dev/fd/3`.

    Raises `ConflictError` for a file that exists, unless it may be overwritten, and `OutputError` where writing fails.
    """
    try:
        with _opened(to, overwrite=overwrite) as file:
            yield file
    except BrokenPipeError as error:
        raise ReaderGoneError(f"the reader of {to} went away") from error
    except OSError as error:
        what = "the output" if to in STANDARD_OUTPUT else to
        raise OutputError(f"{what} could not be written: {(error.strerror or 'it failed').lower()}") from error


@contextmanager
def _opened(to: str, *, overwrite: bool) -> Iterator[BinaryIO]:
    if "\0" in to:
        raise OutputError(f"{to} could not be written: no file can have this name")
    path = Path(to)
    if to in STANDARD_OUTPUT:
        streams.flush()
        yield sys.stdout.buffer
    elif number := _OPENED.fullmatch(to):
        with os.fdopen(os.dup(2 if number[1] else int(number[2])), "wb") as file:
            yield file
    elif _is_stream(path):
        with os.fdopen(os.open(path, os.O_WRONLY), "wb") as file:
            yield file
    else:
        _check(to, path, overwrite=overwrite)
        with _replacing(path, overwrite=overwrite) as file:
            yield file


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


@contextmanager
def _replacing(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".chatctl-")  # 0600 from the first byte
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
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
    """Give the file its name unless somebody else has made one of that name meanwhile."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without links
        temporary.rename(path)


def _exists(path: Path) -> ConflictError:
    return ConflictError(f"{path} exists already", "choose another name, or replace it with --overwrite")
