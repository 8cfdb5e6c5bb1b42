"""Write and read cells of CSV files: lists in one cell, and texts that a spreadsheet must not run as formulas."""

import re
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # a spreadsheet may read the full-width characters like the others
_SEPARATOR: Final = ",;\t\r\n"
# Matches text that a spreadsheet would run as a formula, or text that looks as if it were already escaped.
_FIRST: Final = re.compile(rf"'*[{_FORMULA}\t\r\n]")
# A spreadsheet may use another delimiter than the comma, and divide a cell there; the part after it may begin with
# quotes.
_INNER: Final = re.compile(rf"([{_SEPARATOR}])(?=['\"]*[{_FORMULA}])")
_INNER_GUARD: Final = re.compile(rf"([{_SEPARATOR}])'(?=['\"]*[{_FORMULA}])")
_ITEM: Final = re.compile(r"(?:[^;\\]|\\.?)+", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([;\\])")


def escape_formulas(text: str) -> str:
    """Put a `'` before each part of a text that a spreadsheet would run as a formula."""
    if _INNER.search(text):  # searching first is faster than a replacement without a match
        text = _INNER.sub(r"\1'", text)
    return f"'{text}" if _FIRST.match(text) else text


def unescape_formulas(text: str) -> str:
    """Remove each `'` that `escape_formulas` has added."""
    if text.startswith("'") and _FIRST.match(text, 1):
        text = text[1:]
    return _INNER_GUARD.sub(r"\1", text)


def join_list(items: Iterable[str]) -> str:
    r"""Join texts with `;` for one cell. Inside a text, `;` becomes `\;`, and a backslash becomes two."""
    return ";".join(item.replace("\\", "\\\\").replace(";", "\\;") for item in items)


def split_list(text: str) -> list[str]:
    """Split a cell that `join_list` wrote; empty texts are left out."""
    return [_ESCAPED.sub(r"\1", item) for item in _ITEM.findall(text)]
