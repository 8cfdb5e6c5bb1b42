"""The readers of CSV, JSON, NDJSON and YAML files, which make a `Row` of each row or object."""

import csv
import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain
from json import JSONDecodeError, JSONDecoder
from typing import Any, BinaryIO, Final, TextIO, TypeVar

from actions.csv_cells import unescape_formulas
from database.wording import counted, shown
from imports.formats import DELIMITERS, MAX_LINE, Row, UnreadableError, lines
from imports.layout import Headers
from imports.products import MAX_MISSING, Translation
from imports.products.translating import NOT_AN_OBJECT
from seeds.yaml_tree import Faults, Node, read_items

_DELIMITER_LINE: Final = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""Matches a first line that names the delimiter (`sep=;`), as some spreadsheets write it."""


class Table:
    """A reader of a CSV file. The constructor reads the `header`, and `rows` reads one row at a time.

    `places` maps each column of an import to its position in the file. The first position is 1.
    """

    def __init__(self, text: TextIO, headers: Headers | Translation) -> None:
        # The decoder removes only one byte order mark, but some files begin with two.
        first = next(read := lines(text), "").removeprefix("\ufeff")
        declared = _DELIMITER_LINE.fullmatch(first)
        first = next(read, "") if declared else first
        self._delimiter = (
            declared[1] if declared else max(DELIMITERS, key=lambda one: _weight(_cells(first, one), headers))
        )
        self.places: dict[str, int] = {}
        # A table that somebody has typed may have spaces after commas. If its header has them, they are ignored in all
        # rows.
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
        """Find the columns in a CSV file of another product. Such a file may have no header."""
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
        """Read the rows after the header, without empty rows."""
        for number, given in self._rows:
            if any(given) and (row := self._read_row(number, given)):
                yield row

    def _read_row(self, number: int, given: list[str]) -> Row | None:
        if self._translation is None:
            return self._row(number, [unescape_formulas(cell) for cell in given])
        if prefix := self._translation.product.prefix:
            given = [cell.removeprefix(prefix) for cell in given]
        missing = len(self.header) - len(given)
        if 0 < missing <= MAX_MISSING:  # Some products omit empty cells at the end of a row.
            given = given + [""] * missing
        if len(given) < len(self.header) or any(given[len(self.header) :]):
            return Row(
                number, None, given, [f"the row has {counted(len(given), 'cell')}, the header has {len(self.header)}"]
            )
        return self._translation.row(number, dict(zip(self._names, given, strict=False)), given)

    def _row(self, number: int, given: list[str]) -> Row:
        if len(given) != len(self.header):
            return Row(
                number, None, given, [f"the row has {counted(len(given), 'cell')}, the header has {len(self.header)}"]
            )
        faults = [
            f"cell {place + 1} has a value, but its column has no header" for place in self._nameless if given[place]
        ]
        named = zip(self._columns, given, strict=True)
        return Row(number, {column: cell for column, cell in named if cell and column}, given, faults)

    def _read(self, read: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
        number = 0
        csv.field_size_limit(MAX_LINE)  # a cell may contain a whole picture, which is longer than the default limit
        rows = csv.reader(read, delimiter=self._delimiter, skipinitialspace=self._blanks, strict=True)
        try:
            for number, cells in enumerate(rows, 1):
                yield number, cells
        except csv.Error as error:
            raise UnreadableError(number + 1, f"cannot be read as CSV from here on: {error}") from None


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _weight(header: list[str], headers: Headers | Translation) -> tuple[int, int]:
    """Return a score for the cells that a delimiter makes of a header: (number of known columns, number of cells).

    The delimiter with the highest score is used.
    """
    return len({column for name in header if (column := headers.meaning(name))}), len(header)


CHUNK: Final = 64 * 1024
_BLANKS: Final = " \t\r\n"
_WHOLE: Final = re.compile("-?(0|[1-9][0-9]{0,18})")
_LIST: Final = re.compile(r'"([^"\\]{1,100})"\s*:\s*\[\s*\{')

T = TypeVar("T")
Names = Headers | Translation
"""The type of an object that finds the column for a header or key."""


def ndjson(text: Iterable[str], headers: Names, first: int = 1) -> Iterator[Row]:
    """Read a file with one JSON object in each line. An invalid line becomes a row with a fault."""
    for number, line in enumerate(text, first):
        if line.strip():
            try:
                row = _row(number, _DECODER.decode(line.strip(_BLANKS)), headers)
                if row:
                    yield row
            except (ValueError, RecursionError) as error:
                yield Row(number, None, line.strip(), [_not_json(error)])


def json(text: TextIO, headers: Names, path: Sequence[str] = ()) -> Iterator[Row]:
    """Read the objects of one JSON array, or objects that follow each other without an array.

    If a path of keys is given, the array is the value under these keys.
    """
    first, begin = "", 0
    while not path and (first := text.readline(MAX_LINE)).isspace():
        begin += 1
    keys = headers.product.path if isinstance(headers, Translation) and first.startswith("{") else ()
    if first.startswith("{") and _is_whole(first) and not any(key in _DECODER.decode(first) for key in keys):
        if hint := _nested_list_hint(_DECODER.decode(first), headers):
            raise UnreadableError(begin + 1, hint)
        yield from ndjson(chain([first], lines(text)), headers, begin + 1)
        return
    number = 0
    try:
        source = _JsonStream(text, first)
        for number, value in enumerate(_values(source, path, keys), 1):
            if number == 1 and source.begins_with_object and (hint := _nested_list_hint(value, headers)):
                raise UnreadableError(1, hint)
            row = _row(number, value, headers)
            if row:
                yield row
    except (ValueError, RecursionError) as error:
        if number == 0 and first.startswith("{") and (found := _LIST.search(first)):
            raise UnreadableError(1, _path_hint(found[1])) from None
        raise UnreadableError(number + 1, f"cannot be read from here on: {_not_json(error)}") from None


def yaml(file: BinaryIO, name: str, headers: Names, path: Sequence[str] = ()) -> Iterator[Row]:
    """Read the objects of one YAML list, one at a time.

    If a path of keys is given, the list is the value under these keys.
    """
    faults = Faults()
    number = 0
    for number, node in enumerate(read_items(file, name, faults, path), 1):
        row = _row(number, _plain(node), headers) or Row(number, None, None)
        row.faults += [fault.message for fault in faults.found]
        faults.found.clear()
        if row.cells is not None or row.faults:
            yield row
    if faults.found:
        raise UnreadableError(number + 1, f"cannot be read from here on: {faults.found[0].message}")


def _row(number: int, value: Any, headers: Names) -> Row | None:
    if isinstance(headers, Translation):
        return headers.row(number, value, value)
    if not isinstance(value, dict):
        return Row(number, None, value, [NOT_AN_OBJECT])
    cells: dict[str, Any] = {}
    row = Row(number, cells, value)
    for column, name, item in headers.fields(value):
        if item in _EMPTY:
            continue
        if column is None:
            row.unknown.append(name)
        elif column in cells:
            row.faults.append(f"two keys are read as the column {column}")
        elif column:
            cells[column] = item
    headers.add_unknown(row.unknown, number)
    return row


_EMPTY: Final[tuple[Any, ...]] = (None, "", [])


def _is_whole(line: str) -> bool:
    """Tell whether a line is a complete JSON object.

    If the first line is a complete object, the file is read as NDJSON, with one object in each line.
    """
    try:
        return isinstance(_DECODER.decode(line), dict)
    except (ValueError, RecursionError):
        return False


def _nested_list_hint(value: Any, headers: Names) -> str | None:
    """Return a hint if an object is not a user but contains a list of users. The hint names the key of this list."""
    if not isinstance(value, dict) or isinstance(headers, Translation) or any(headers.meaning(key) for key in value):
        return None
    lists = (key for key, item in value.items() if isinstance(item, list) and item and isinstance(item[0], dict))
    return next(map(_path_hint, lists), None)


def _path_hint(key: str) -> str:
    return f"the list of users is under a key: add --path {shlex.quote(key)}"


def _values(source: "_JsonStream", path: Sequence[str], keys: Collection[str]) -> Iterator[Any]:
    for key in path:
        source.enter([key])
    if keys:
        source.enter(keys)
    if not path and not keys and source.begins_with_object:
        while source.next(peek=True):
            yield source.value()
        return
    if source.next() != "[":
        raise JSONDecodeError("expected [ at the beginning of a list", "", 0)
    yield from source.listed(source.value, "]")
    if not path and not keys and source.next():
        raise JSONDecodeError("there is text after the end of the list", "", 0)


class _JsonStream:
    """A reader of JSON text that keeps only the current value in memory."""

    def __init__(self, text: TextIO, held: str = "") -> None:
        self._text = text
        self._held = held
        self._at = 0
        self.begins_with_object = self.next(peek=True) == "{"

    def listed(self, read: Callable[[], T], end: str) -> Iterator[T]:
        """Yield the comma-separated items of a list or object, whose opening bracket was already read.

        `read` is a function that reads one item, and `end` is the closing bracket.
        """
        if self.next(peek=True) == end:
            self.next()
            return
        yield read()
        while (mark := self.next()) == ",":
            yield read()
        if mark != end:
            raise JSONDecodeError(f"expected a comma or {end}", "", 0)

    def enter(self, keys: Collection[str]) -> None:
        """Move into the object that begins here, to the value of the first key that is in `keys`."""
        missing = ValueError(f"key {' or '.join(map(shown, keys))} not found")
        if self.next() != "{":
            raise missing
        for name in self.listed(self._key, "}"):
            if name in keys:
                return
            self._skip()
        raise missing

    def _key(self) -> Any:
        name = self.value()
        if self.next() != ":":
            raise JSONDecodeError("expected a colon", "", 0)
        return name

    def _skip(self) -> None:
        """Skip a value. Its length does not matter."""
        begin = self.next(peek=True)
        if begin not in "[{":
            self.value()
            return
        self.next()
        for _ in self.listed(self._skip, "]") if begin == "[" else self.listed(self._key, "}"):
            if begin == "{":
                self._skip()

    def next(self, *, peek: bool = False) -> str:
        """Skip spaces and line ends, and return the next character, or an empty text at the end.

        With `peek`, do not move past this character.
        """
        while True:
            while self._at < len(self._held) and self._held[self._at] in _BLANKS:
                self._at += 1
            if self._at < len(self._held) or not self._read_more():
                break
        found = self._held[self._at : self._at + 1]
        self._at += 0 if peek else 1
        return found

    def value(self) -> Any:
        self.next(peek=True)
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._held, self._at)
            except JSONDecodeError:
                if len(self._held) - self._at > MAX_LINE or not self._read_more():
                    raise
            else:
                return value

    def _read_more(self) -> bool:
        """Read more text.

        A long value is parsed again after each call, so each call at least doubles the text that is not parsed yet.
        """
        left = self._held[self._at :]
        read = self._text.read(max(CHUNK, len(left)))
        self._held, self._at = left + read, 0
        return bool(read)


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"an object has the key {shown(key)} twice")
        found[key] = value
    return found


def _not_json(error: Exception) -> str:
    if isinstance(error, JSONDecodeError):
        return f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


_DECODER: Final = JSONDecoder(object_pairs_hook=_object)


def _plain(node: Node) -> Any:
    """Return the value of a YAML node with the Python types that JSON values have. Times stay texts."""
    if node.kind == "object":
        return {key: _plain(value) for key, value in node.value.items()}
    if node.kind == "array":
        return [_plain(value) for value in node.value]
    if node.kind in {"integer", "number"}:
        return _number(node.value)
    if node.kind == "boolean":
        return node.value.lower() in {"true", "yes", "on"}
    return None if node.kind in {"null", "fault"} else node.value


def _number(text: str) -> float:
    """Convert text to a number. Columns accept only whole numbers. Other numbers are kept for the file of --errors."""
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return 0.0
