"""JSON, NDJSON and YAML: objects with the columns of an import as keys."""

import json
from collections.abc import Iterable, Iterator
from json import JSONDecodeError
from typing import Any, BinaryIO, Final, TextIO

from models.names import shown
from seeds.imports.lines import lines
from seeds.imports.row import LONGEST_LINE, Row, UnreadableError
from seeds.nodes import Faults, Node, items

CHUNK: Final = 64 * 1024
_BLANKS: Final = " \t\r\n"


def ndjson(text: TextIO) -> Iterator[Row]:
    """Read an object a line; a line that is none does not keep the others from being read."""
    for number, line in enumerate(lines(text), 1):
        if line.strip():
            try:
                yield _row(number, _DECODER.decode(line.strip(_BLANKS)))
            except (ValueError, RecursionError) as error:
                yield Row(number, None, line.strip(), [_not_json(error)])


def array(text: TextIO) -> Iterator[Row]:
    """Read the objects of one array, each as it comes."""
    number = 0
    try:
        for number, value in enumerate(_values(text), 1):
            yield _row(number, value)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(number + 1, f"cannot be read from here on: {_not_json(error)}") from None


def yaml(file: BinaryIO, name: str) -> Iterator[Row]:
    """Read the objects of one list, each as it comes."""
    faults = Faults()
    number = 0
    for number, node in enumerate(items(file, name, faults), 1):
        row = _row(number, _plain(node))
        row.flaws += [fault.message for fault in faults.found]
        faults.found.clear()
        yield row
    if faults.found:
        raise UnreadableError(number + 1, f"cannot be read from here on: {faults.found[0].message}")


def _row(number: int, value: Any) -> Row:
    if not isinstance(value, dict):
        return Row(number, None, value, ["an object with the columns as keys belongs here"])
    return Row(number, {key: item for key, item in value.items() if item not in _EMPTY}, value)


_EMPTY: Final[tuple[Any, ...]] = (None, "", [])


def _values(text: TextIO) -> Iterator[Any]:
    source = _Source(text)
    if source.next() != "[":
        raise JSONDecodeError("a list begins with [", "", 0)
    if source.next(peek=True) == "]":
        source.next()
    else:
        yield source.value()
        while (mark := source.next()) == ",":
            yield source.value()
        if mark != "]":
            raise JSONDecodeError("a comma or the end of the list belongs here", "", 0)
    if source.next():
        raise JSONDecodeError("more stands behind the end of the list", "", 0)


class _Source:
    """Text of which as much is in memory as its values are long."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._held = ""
        self._at = 0

    def next(self, *, peek: bool = False) -> str:
        """Pass over blanks and give the character behind them, an empty one at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in _BLANKS:
                self._at += 1
            if self._at < len(self._held) or not self._more():
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
                if len(self._held) - self._at > LONGEST_LINE or not self._more():
                    raise
            else:
                return value

    def _more(self) -> bool:
        """Read on, twice as much as is left over, so that no long value is looked at too often."""
        left = self._held[self._at :]
        read = self._text.read(max(CHUNK, len(left)))
        self._held, self._at = left + read, 0
        return bool(read)


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {shown(key)} stands in an object twice")
        found[key] = value
    return found


def _not_json(error: Exception) -> str:
    if isinstance(error, JSONDecodeError):
        return f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object)


def _plain(node: Node) -> Any:
    """Return the value of a YAML node as JSON would have it; times stay texts."""
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
    """Read a number, which no column takes, as far as JSON can hand it back."""
    try:
        return float(text)
    except ValueError:
        return 0.0
