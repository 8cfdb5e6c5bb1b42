"""Detect the format and the encoding of an import file, and define the class `Row` for the rows of all formats."""

import codecs
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, BinaryIO, Final, NamedTuple, TextIO

ERROR: Final = "error"
"""The name of the column with the faults in a file of rejected rows. An import ignores this column."""

EXTRA_CELLS: Final = "too many"
"""The name of the column for cells without a header in a file of rejected rows. Users delete it before they import."""

DELIMITERS: Final = ",;\t|"
"""The characters that can separate the cells of a CSV file."""

MAX_LINE: Final = 1_000_000
"""The most characters of a line. Without this limit, a file without line ends could fill the memory."""


class UnreadableError(Exception):
    """The error for a file that cannot be read to its end. `row` is the first row that cannot be read."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row
        self.message = message


class Problem(NamedTuple):
    """A fault of a whole file or of its columns. `column` is None for a fault of the file; `hint` says what to do."""

    row: int
    column: int | None
    message: str
    hint: str


@dataclass(slots=True)
class Row:
    """A row of an import file. `cells` maps columns to the values of the row, without empty values.

    `faults` has descriptions of the faults that were found while the row was read. If the row could not be read,
    `cells` is None. `given` is the row as it is in the file. `unknown` has the keys of the row that are not columns.
    """

    number: int
    cells: dict[str, Any] | None
    given: Any
    faults: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def written(self) -> str:
        """Return the row as it is in the file, as JSON text."""
        return json.dumps(self.given)


FORMATS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_UNMARKED: Final = {(False, True): "utf-16-le", (True, False): "utf-16-be"}
"""(first byte is zero, second byte is zero) → the encoding of a file that begins with a letter or a bracket."""


def format_of(name: str, head: bytes) -> str:
    """Detect the format of a file by the ending of its name, or else by its beginning: `[`, `{`, `- ` or a header."""
    if form := FORMATS.get(PurePath(name).suffix.lower()):
        return form
    begin = head.decode(encoding_of(head), "ignore").lstrip()
    if begin.startswith(("[", "{")):
        return "json"
    return "yaml" if begin.startswith(("- ", "-\n", "---", "#")) else "csv"


def encoding_of(head: bytes) -> str:
    return _MARKS.get(head[:2]) or _UNMARKED.get(tuple(not byte for byte in head[:2]), "utf-8-sig")  # type: ignore[arg-type]


def decoded(file: BinaryIO, head: bytes) -> io.TextIOWrapper:
    """Open a file of bytes as text.

    Invalid bytes become surrogate characters, and the check of a cell reports them as a fault.
    """
    return io.TextIOWrapper(file, encoding=encoding_of(head), errors="surrogateescape", newline="")


def lines(text: TextIO) -> Iterator[str]:
    """Read lines with their line ends. Raises `UnreadableError` for a line that is too long."""
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise UnreadableError(number, f"a line has more than {MAX_LINE:,} characters")
        yield line
