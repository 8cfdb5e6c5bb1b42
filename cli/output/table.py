"""Tables for people: as wide as they need to be in a pipe, fitted to the width of a terminal."""

import io
import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from cli.output import streams
from cli.output.text import BEGIN, END, safe

GAP: Final = "  "
STYLES: Final = ("", "bold red", "")
"""Of what stands before something that was found, of that, and of what stands behind it."""
_MARKED: Final = re.compile(f"{BEGIN}(.*?){END}")
SHARE: Final = 8
"""Of the width of a terminal what stands before something that was found has one part in so many."""
_COMMAND: Final = r"""chatctl(?: +(?:'[^']*'|"[^"]*"|\$'(?:\\.|[^'\\])*'|[^\s'"();,]+)+)+"""
_UNBROKEN: Final = re.compile(rf"[^\w\s]*\b{_COMMAND}\S*|\S+")
_SKIN_TONES: Final = "🏻🏼🏽🏾🏿"
WIDEST: Final = 120
"""Cells that a column of a pipe lines up in; a longer text is whole too, and only its own line is out of step."""


class Heading(NamedTuple):
    """How a column looks; `whole` is never cut, as half an id is none."""

    title: str
    right: bool = False
    whole: bool = False


def cell_width(text: str) -> int:
    """Count the most cells that a terminal may fill with a text; marks around what was found fill none.

    Terminals disagree: some draw joined emoji and Indic syllables as one sign, others each of their characters.
    """
    if BEGIN in text:
        text = _MARKED.sub(r"\1", text)
    return len(text) if text.isascii() else sum(map(_cells, text))


@cache
def _cells(character: str) -> int:
    from rich.cells import get_character_cell_size

    own = 2 if character in _SKIN_TONES else character == "\ufe0f" or unicodedata.category(character) == "Mc"
    return max(get_character_cell_size(character), own)


def last_words(text: str) -> str:
    """Return the last words of what stands before something, as many as leave room for that on a narrow terminal."""
    available = streams.width()
    kept = text
    while available is not None and cell_width(safe(kept)) > available // SHARE:
        kept = kept[1:]
    return kept if kept == text else kept.partition(" ")[2] or kept


def lines(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lay out a table; the cells are safe to show already."""
    rows = [[_marked(streams.encodable(cell, sys.stdout)) for cell in row] for row in rows]
    available = streams.width()
    return _aligned(headings, rows) if available is None else _fitted(headings, rows, available)


def _marked(cell: str) -> str:
    """Put quotes around what was found where it cannot have a colour."""
    if BEGIN not in cell or streams.has_colour(sys.stdout):
        return cell
    quotes = "«»" if streams.encodable("«»", sys.stdout) == "«»" else "[]"
    return _MARKED.sub(lambda match: f"{quotes[0]}{match[1]}{quotes[1]}", cell)


def _aligned(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Line up columns, and cut nothing: where no terminal is, a program or a file takes the lines."""
    titled = [[heading.title for heading in headings], *rows]
    widths = [min(max(map(cell_width, column)), WIDEST) for column in zip(*titled, strict=True)]
    for number, row in enumerate(titled):
        line = GAP.join(map(_padded, row, widths, headings)).rstrip()
        line = _MARKED.sub("\x1b[1;31m\\1\x1b[0m", line)
        yield f"\x1b[1m{line}\x1b[0m" if not number and streams.has_colour(sys.stdout) else line


def _fitted(headings: Sequence[Heading], rows: Sequence[Sequence[str]], available: int) -> Iterator[str]:
    """Have a table fitted to the width of a terminal; what is to stay whole gives way last."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    colour = streams.has_colour(sys.stdout)
    overflow: Final = "ellipsis" if streams.encodable("…", sys.stdout) == "…" else "crop"
    table = Table(box=None, pad_edge=False, padding=(0, len(GAP), 0, 0), header_style="bold")
    for heading in headings:
        title = Text(heading.title, no_wrap=True, overflow=overflow)
        table.add_column(title, justify="right" if heading.right else "left", no_wrap=heading.whole)
    for row in rows:
        parts = [zip(_MARKED.split(cell), STYLES, strict=False) for cell in row]
        table.add_row(*(Text.assemble(*part, no_wrap=True, overflow=overflow) for part in parts))
    laid_out = io.StringIO()
    Console(
        file=laid_out,
        width=available,
        force_terminal=colour,
        color_system="standard" if colour else None,
        markup=False,
        emoji=False,
        highlight=False,
    ).print(table)
    yield from (line.rstrip() for line in laid_out.getvalue().splitlines())


def column_ranges(first: int, titles: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Divide columns behind a first one into as many tables as it takes for each to fit; one where all may be wide."""
    available = streams.width()
    if available is not None:
        first = min(first, available // 2)  # one long name must not give every other column a table of its own
    start, used = 0, first
    for number, title in enumerate(titles):
        needed = len(GAP) + cell_width(title)
        if available is not None and used + needed > available and number > start:
            yield start, number
            start, used = number, first
        used += needed
    yield start, len(titles)


def wrap_parts(parts: Sequence[str], indent: int) -> str:
    """Set parts with commas between them, over as many lines as the terminal makes necessary."""
    available = streams.width()
    if available is None:
        return ", ".join(parts)
    done: list[str] = []
    line = ""
    for part in parts:
        longer = f"{line}, {part}" if line else part
        if line and cell_width(longer) + 1 > available - indent:
            done.append(f"{line},")
            longer = part
        line = longer
    return f"\n{' ' * indent}".join([*done, line])


def wrapped(line: str, indent: int) -> str:
    """Divide a line of ours into as many as the terminal makes necessary, those behind the first indented."""
    return line if (available := streams.width()) is None else wrap(line, available, indent, first=indent)


def wrap(line: str, available: int, indent: int, first: int = 0) -> str:
    """Break a line at blanks. A word or a command stays in one piece, however long it is: it may be copied.

    Lines after the first are indented; the first one begins after `first` cells that are taken already.
    """
    done, current, end = [], "", 0
    room = max(available - first, available // 2)
    for found in _UNBROKEN.finditer(line):
        longer = current + line[end : found.start()] + found[0]
        if current.strip() and cell_width(longer) > room:
            done.append(current)
            room = max(available - indent, available // 2)
            longer = found[0]
        current, end = longer, found.end()
    return f"\n{' ' * indent}".join([*done, current + line[end:]])


def _padded(text: str, width: int, heading: Heading) -> str:
    space = " " * (width - cell_width(text))
    return space + text if heading.right else text + space
