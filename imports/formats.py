"""Which format and encoding a file has, and the rows that every format is read into."""

import codecs
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, BinaryIO, Final, TextIO

ERROR: Final = "error"
"""The column that says what is wrong with a row that is handed back; on its way in it is passed over."""

BEYOND: Final = "too many"
"""The column that a row which is handed back has for the cells beyond its header; no import takes it."""

LONGEST_LINE: Final = 1_000_000
"""Characters, so that no file without ends of lines fills the memory."""


class UnreadableError(Exception):
    """A file cannot be read any further; `row` is where."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.row = row
        self.message = message


@dataclass(slots=True)
class Row:
    """A row of a file: texts, lists of texts, or whatever else stands there; empty cells are left out.

    `flaws` are what its reader has found wrong, which may leave it without `cells`; `given` is the row as it came, to
    be handed back. `unknown` are the names that do not mean a column.
    """

    number: int
    cells: dict[str, Any] | None
    given: Any
    flaws: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def written(self) -> str:
        """Write the row down as it came."""
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
"""The encoding, by which of the first two bytes is zero: a file begins with a letter or a bracket."""


def form_of(name: str, head: bytes) -> str:
    """Tell the format of a file by its name, else by how it begins: `[`, `{`, `- ` or a header."""
    if form := FORMATS.get(PurePath(name).suffix.lower()):
        return form
    begin = head.decode(encoding_of(head), "ignore").lstrip()
    if begin.startswith(("[", "{")):
        return "json"
    return "yaml" if begin.startswith(("- ", "-\n", "---", "#")) else "csv"


def encoding_of(head: bytes) -> str:
    return _MARKS.get(head[:2]) or _UNMARKED.get(tuple(not byte for byte in head[:2]), "utf-8-sig")  # type: ignore[arg-type]


def text_of(file: BinaryIO, head: bytes) -> io.TextIOWrapper:
    """Read bytes as text; what is not in its encoding comes as surrogates, to be found where it stands."""
    return io.TextIOWrapper(file, encoding=encoding_of(head), errors="surrogateescape", newline="")


def lines(text: TextIO) -> Iterator[str]:
    """Read lines with their ends; raises `UnreadableError` for one that never ends."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise UnreadableError(number, f"a line has more than {LONGEST_LINE:,} characters")
        yield line
