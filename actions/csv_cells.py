"""Write and read cells of CSV files: lists in one cell, and texts that a spreadsheet must not run as formulas."""

import re
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # Spreadsheets may read the full-width characters as = + - @.
_SEPARATOR: Final = ",;\t\r\n"
# Matches a text that a spreadsheet would run as a formula. It also matches a text that already looks escaped. Such a
# text is escaped a second time, and reading removes only the second escape.
_FIRST: Final = re.compile(rf"'*[{_FORMULA}\t\r\n]")
# A spreadsheet that does not use the comma as delimiter may split a cell into two. The second part could be a formula,
# perhaps after a quotation mark.
_INNER: Final = re.compile(rf"([{_SEPARATOR}])(?=['\"]*[{_FORMULA}])")
_INNER_GUARD: Final = re.compile(rf"([{_SEPARATOR}])'(?=['\"]*[{_FORMULA}])")
_ITEM: Final = re.compile(r"(?:[^;\\]|\\.?)+", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([;\\])")


def escape_formulas(text: str) -> str:
    """Put a `'` before each formula in a text, so that a spreadsheet does not run the formula."""
    if _INNER.search(text):  # Most texts contain no formula, and this search is faster than a replacement.
        text = _INNER.sub(r"\1'", text)
    return f"'{text}" if _FIRST.match(text) else text


def unescape_formulas(text: str) -> str:
    """Undo `escape_formulas`: remove each `'` that `escape_formulas` has added."""
    if text.startswith("'") and _FIRST.match(text, 1):
        text = text[1:]
    return _INNER_GUARD.sub(r"\1", text)


def join_list(items: Iterable[str]) -> str:
    r"""Join texts to one CSV cell, with `;` between them.

    In a text, `;` becomes `\;`, and `\` becomes two backslashes.
    """
    return ";".join(item.replace("\\", "\\\\").replace(";", "\\;") for item in items)


def split_list(text: str) -> list[str]:
    """Divide a CSV cell that `join_list` has written into a list of texts. Leave out empty texts."""
    return [_ESCAPED.sub(r"\1", item) for item in _ITEM.findall(text)]
