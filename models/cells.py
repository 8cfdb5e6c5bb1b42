"""How values stand in the cells of a table that spreadsheets open: written by exports, understood by imports."""

import re
from collections.abc import Iterable
from typing import Final

# What a spreadsheet would run, and what would look guarded already.
_FORMULA: Final = re.compile("'*[=+\\-@\t\r]")
_ITEM: Final = re.compile(r"(?:[^;\\]|\\.?)+", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([;\\])")


def guarded(text: str) -> str:
    """Put one `'` in front of a text that a spreadsheet would run."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Take off what `guarded` has put on."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text, 1) else text


def joined(items: Iterable[str]) -> str:
    r"""Write texts into one cell with `;` between them; one inside a text becomes `\;`, a backslash two."""
    return ";".join(item.replace("\\", "\\\\").replace(";", "\\;") for item in items)


def divided(text: str) -> list[str]:
    """Read back what `joined` wrote; empty texts are left out."""
    return [_ESCAPED.sub(r"\1", item) for item in _ITEM.findall(text)]
