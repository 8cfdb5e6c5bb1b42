"""CSV: any common delimiter, quotes, newlines in cells; the first row names the columns."""

import csv
from collections.abc import Iterator
from itertools import chain
from typing import Final, TextIO

from models.cells import unguarded
from models.names import counted
from seeds.imports.checking import KNOWN
from seeds.imports.lines import lines
from seeds.imports.row import LONGEST_LINE, Row, UnreadableError

DELIMITERS: Final = ",;\t|"


class Table:
    """A CSV file being read; `header` is there at once, and rows come as they are asked for."""

    def __init__(self, text: TextIO) -> None:
        first = next(read := lines(text), "")
        self._delimiter = max(DELIMITERS, key=lambda delimiter: len(KNOWN & _columns(first, delimiter)))
        self._rows = self._read(chain([first], read))
        _, self.header = next(self._rows, (1, []))

    def rows(self) -> Iterator[Row]:
        """Read the rows below the header; those without anything in them are passed over."""
        for number, given in self._rows:
            if any(given):
                yield self._row(number, [unguarded(cell) for cell in given])

    def _row(self, number: int, given: list[str]) -> Row:
        if len(given) != len(self.header):
            return Row(number, None, given, [f"{counted(len(given), 'cell')}, {len(self.header)} in the header"])
        named = zip(self.header, given, strict=True)
        return Row(number, {name: cell for name, cell in named if cell and name in KNOWN}, given)

    def _read(self, read: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        number = 0
        csv.field_size_limit(LONGEST_LINE)  # a picture may stand in a cell
        try:
            for number, cells in enumerate(csv.reader(read, delimiter=self._delimiter, strict=True), 1):
                yield number, cells
        except csv.Error as error:
            raise UnreadableError(number + 1, f"cannot be read as CSV from here on: {error}") from None


def _columns(line: str, delimiter: str) -> set[str]:
    return set(next(csv.reader([line], delimiter=delimiter), ()))
