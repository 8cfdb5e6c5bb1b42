"""Which format and encoding a file has, and the rows that every format is read into."""

import codecs
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, BinaryIO, Final, NamedTuple, TextIO

ERROR: Final = "error"
"""The column with the faults of a rejected row; an import ignores it."""

EXTRA_CELLS: Final = "too many"
"""The column of a rejected row for cells without a header; an import does not accept it."""

DELIMITERS: Final = ",;\t|"
"""The characters that can stand between the cells of a CSV file."""

MAX_LINE: Final = 1_000_000
"""The most characters of a line, so that a file without line ends does not fill the memory."""


class UnreadableError(Exception):
    """The rest of a file, from `row` on, cannot be read."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row
        self.message = message


class Problem(NamedTuple):
    """What is wrong with a file or its columns as a whole: where, in which column, and what to do."""

    row: int
    column: int | None
    message: str
    hint: str


@dataclass(slots=True)
class Row:
    """A row of a file: the values of its cells by column, without empty ones.

    `flaws` are the faults that the reader found; `cells` is None if it could not read the row. `given` is the unchanged
    row, and `unknown` has the names that do not mean a column.
    """

    number: int
    cells: dict[str, Any] | None
    given: Any
    flaws: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def written(self) -> str:
        """Return the unchanged row as text."""
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
"""The encoding, depending on which of the first two bytes is zero: a file begins with a letter or a bracket."""


def format_of(name: str, head: bytes) -> str:
    """Detect the format of a file by its name, or else by its beginning: `[`, `{`, `- ` or a header."""
    if form := FORMATS.get(PurePath(name).suffix.lower()):
        return form
    begin = head.decode(encoding_of(head), "ignore").lstrip()
    if begin.startswith(("[", "{")):
        return "json"
    return "yaml" if begin.startswith(("- ", "-\n", "---", "#")) else "csv"


def encoding_of(head: bytes) -> str:
    return _MARKS.get(head[:2]) or _UNMARKED.get(tuple(not byte for byte in head[:2]), "utf-8-sig")  # type: ignore[arg-type]


def decoded(file: BinaryIO, head: bytes) -> io.TextIOWrapper:
    """Read bytes as text; invalid bytes become surrogates, which the check of their cell reports."""
    return io.TextIOWrapper(file, encoding=encoding_of(head), errors="surrogateescape", newline="")


def lines(text: TextIO) -> Iterator[str]:
    """Read lines with their line ends. Raises `UnreadableError` for a line that is too long."""
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise UnreadableError(number, f"a line has more than {MAX_LINE:,} characters")
        yield line
