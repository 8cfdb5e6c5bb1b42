"""Messages kept out of memory while they are sorted into their conversations."""

import json
from array import array
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Any, Self


class Spool:
    """Lines of JSON in a file without a name, gone with the program: read again in order, or by conversation."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - closed by `__exit__`
        self._places: dict[str | None, array[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def keep(self, conversation: str | None, line: str) -> None:
        self._places.setdefault(conversation, array("Q")).append(self._file.tell())
        self._file.write(line.encode("utf-8", "backslashreplace"))

    @property
    def size(self) -> int:
        return self._file.seek(0, 2)

    def counts(self) -> dict[str | None, int]:
        """Return how many there are in each conversation."""
        return {conversation: len(places) for conversation, places in self._places.items()}

    def lines(self) -> Iterator[str]:
        self._file.seek(0)
        return (line.decode() for line in self._file)

    def of(self, conversation: str | None) -> Iterator[dict[str, Any]]:
        """Read the messages of a conversation, in the order in which they were kept."""
        for place in self._places.get(conversation, ()):
            self._file.seek(place)
            yield json.loads(self._file.readline())
