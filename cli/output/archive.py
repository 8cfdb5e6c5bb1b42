"""Write zip files from beginning to end, so that the output can also be a pipe."""

import hashlib
import json
import stat
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final, Self, cast
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

PRIVATE: Final = (stat.S_IFREG | 0o600) << 16
UNIX: Final = 3


class Archive:
    """A zip file. Its files have the time `at`, and only their owner can read them. `written` lists its files."""

    def __init__(self, file: BinaryIO, at: datetime) -> None:
        self.written: list[dict[str, Any]] = []
        self._at = at
        self._zip = ZipFile(cast("BinaryIO", _NoSeekFile(file)), "w")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @contextmanager
    def entry(self, name: str, *, huge: bool = False, **details: Any) -> Iterator[Callable[[str], None]]:
        """Return a function that writes a file of the zip in parts.

        Set `huge` if the file can be larger than two gigabytes.

        The `details` are added to the entry of the file in `written`.
        """
        info = ZipInfo(name, self._at.timetuple()[:6])
        info.compress_type, info.external_attr, info.create_system = ZIP_DEFLATED, PRIVATE, UNIX
        digest, size = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=huge) as file:

            def write(text: str) -> None:
                nonlocal size
                data = text.encode("utf-8", "backslashreplace")
                digest.update(data)
                size += len(data)
                file.write(data)

            yield write
        self.written.append({"name": name, **details, "bytes": size, "sha256": digest.hexdigest()})


class _NoSeekFile:
    """A file without the method `seek`, like a pipe.

    If a file had `seek`, the zip module would write other bytes than for a pipe.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write
        self.flush = file.flush


class MessageFile:
    """A temporary file with one message in each line, as JSON. Messages can be read in order, or by conversation."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by `__exit__`
        self._places: dict[str | None, array[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, conversation: str | None, line: str) -> None:
        self._places.setdefault(conversation, array("Q")).append(self._file.tell())
        self._file.write(line.encode("utf-8", "backslashreplace"))

    @property
    def size(self) -> int:
        return self._file.seek(0, 2)

    def counts(self) -> dict[str | None, int]:
        """Return a dict: the id of each conversation → the number of its messages."""
        return {conversation: len(places) for conversation, places in self._places.items()}

    def lines(self) -> Iterator[str]:
        self._file.seek(0)
        return (line.decode() for line in self._file)

    def in_conversation(self, conversation: str | None) -> Iterator[dict[str, Any]]:
        """Yield the messages of a conversation, in the order in which they were added."""
        for place in self._places.get(conversation, ()):
            self._file.seek(place)
            yield json.loads(self._file.readline())
