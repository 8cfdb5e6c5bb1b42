"""How values stand in the cells of a table that spreadsheets open: written by exports, understood by imports."""

import re
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"  # a spreadsheet may read the full-width ones as the others
_SEPARATOR: Final = ",;\t\r\n"
# Where a cell begins that a spreadsheet would run, or that looks guarded already: at the beginning, and where a cell
# would begin for a spreadsheet that divides lines by another character than the comma, and so takes quotes for text.
_BEGINS: Final = rf"(?:\A(?='*[{_FORMULA}\t\r\n])|(?<=[{_SEPARATOR}])(?=['\"]*[{_FORMULA}]))"
_UNGUARDED: Final = re.compile(_BEGINS)
_GUARDED: Final = re.compile(_BEGINS.replace("(?=", "'(?="))
_ITEM: Final = re.compile(r"(?:[^;\\]|\\.?)+", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([;\\])")


def guarded(text: str) -> str:
    """Put one `'` in front of each part of a text that a spreadsheet would run."""
    return _UNGUARDED.sub("'", text)


def unguarded(text: str) -> str:
    """Take off what `guarded` has put on."""
    return _GUARDED.sub("", text)


def joined(items: Iterable[str]) -> str:
    r"""Write texts into one cell with `;` between them; one inside a text becomes `\;`, a backslash two."""
    return ";".join(item.replace("\\", "\\\\").replace(";", "\\;") for item in items)


def divided(text: str) -> list[str]:
    """Read back what `joined` wrote; empty texts are left out."""
    return [_ESCAPED.sub(r"\1", item) for item in _ITEM.findall(text)]
