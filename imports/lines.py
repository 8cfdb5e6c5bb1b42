"""The text of a file, line by line, and which of the formats it is in."""

import codecs
import io
from collections.abc import Iterator
from pathlib import PurePath
from typing import BinaryIO, Final, TextIO

from imports.row import LONGEST_LINE, UnreadableError

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
