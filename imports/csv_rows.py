"""CSV: any common delimiter, quotes, newlines in cells; the first row has the headers."""

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import Final, TextIO

from actions.csv_cells import unescape_formulas
from database.wording import counted
from imports.formats import DELIMITERS, MAX_LINE, Row, UnreadableError, lines
from imports.layout import Headers
from imports.products import MAX_MISSING, Translation

_DELIMITER_LINE: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""A first line that names the delimiter, as some spreadsheets write it."""


class Table:
    """A CSV file: the `header` is read at once, the rows one at a time.

    `places` has the position of each column of an import, from 1.
    """

    def __init__(self, text: TextIO, headers: Headers | Translation) -> None:
        first = next(read := lines(text), "").removeprefix("\ufeff")  # the decoder has removed one mark already
        declared = _DELIMITER_LINE.fullmatch(first)
        first = next(read, "") if declared else first
        self._delimiter = (
            declared[1] if declared else max(DELIMITERS, key=lambda one: _weight(_cells(first, one), headers))
        )
        self.places: dict[str, int] = {}
        # A table typed by hand has blanks after the commas of the header, and then after those of every row.
        others = _cells(first, self._delimiter)[1:]
        self._blanks = bool(others) and all(cell.startswith(" ") for cell in others)
        self._rows = self._read(chain([first], read))
        _, self.header = next(self._rows, (1, []))
        self._translation = headers if isinstance(headers, Translation) else None
        if isinstance(headers, Translation):
            self._prepare(headers)
            return
        self._columns = [headers.column(name) for name in self.header]
        self.places = {column: place for place, column in reversed([*enumerate(self._columns, 1)]) if column}
        self._nameless = (
            [] if headers.ignores_unknown else [n for n, name in enumerate(self.header) if not name.strip()]
        )
        unknown = [name for name, column in zip(self.header, self._columns, strict=True) if column is None]
        headers.add_unknown([name for name in unknown if name.strip()], 1)

    def _prepare(self, translation: Translation) -> None:
        """Find the columns of another product's file, which may have no header."""
        product = translation.product
        if product.header and not any(map(translation.meaning, self.header)):
            self._rows = chain([(1, self.header)], self._rows)
            self.header = [*product.header]
        self._names = [translation.meaning(name) or name for name in self.header]
        places = {name: place for place, name in reversed([*enumerate(self._names, 1)])}
        for column, source in product.columns.items():
            if place := next((places[path] for path in source.paths if path in places), None):
                self.places[column] = place

    def rows(self) -> Iterator[Row]:
        """Read the rows below the header, without empty rows."""
        for number, given in self._rows:
            if any(given) and (row := self._read_row(number, given)):
                yield row

    def _read_row(self, number: int, given: list[str]) -> Row | None:
        if self._translation is None:
            return self._row(number, [unescape_formulas(cell) for cell in given])
        if prefix := self._translation.product.prefix:
            given = [cell.removeprefix(prefix) for cell in given]
        missing = len(self.header) - len(given)
        if 0 < missing <= MAX_MISSING:  # some products leave empty cells at the end out
            given = given + [""] * missing
        if len(given) < len(self.header) or any(given[len(self.header) :]):
            return Row(number, None, given, [f"{counted(len(given), 'cell')}, {len(self.header)} in the header"])
        return self._translation.row(number, dict(zip(self._names, given, strict=False)), given)

    def _row(self, number: int, given: list[str]) -> Row:
        if len(given) != len(self.header):
            return Row(number, None, given, [f"{counted(len(given), 'cell')}, {len(self.header)} in the header"])
        flaws = [f"cell {place + 1} has no name in the header" for place in self._nameless if given[place]]
        named = zip(self._columns, given, strict=True)
        return Row(number, {column: cell for column, cell in named if cell and column}, given, flaws)

    def _read(self, read: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        number = 0
        csv.field_size_limit(MAX_LINE)  # a picture may stand in a cell
        rows = csv.reader(read, delimiter=self._delimiter, skipinitialspace=self._blanks, strict=True)
        try:
            for number, cells in enumerate(rows, 1):
                yield number, cells
        except csv.Error as error:
            raise UnreadableError(number + 1, f"cannot be read as CSV from here on: {error}") from None


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _weight(header: list[str], headers: Headers | Translation) -> tuple[int, int]:
    """Rate a way to divide the header: by the known columns it gives, then by the number of cells."""
    return len({column for name in header if (column := headers.meaning(name))}), len(header)
