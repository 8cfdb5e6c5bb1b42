"""Tables for people: as wide as they need to be in a pipe, fitted to the width of a terminal."""

import io
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from cli.output import streams
from cli.output.text import BEGIN, END, safe

GAP: Final = "  "
STYLES: Final = ("", "bold red", "")
"""Of what stands before something that was found, of that, and of what stands behind it."""
_MARKED: Final = re.compile(f"{BEGIN}(.*?){END}")
SHARE: Final = 8
"""Of the width of a terminal what stands before something that was found has one part in so many."""
LONGEST_WHOLE: Final = 40
"""Cells of a value that is not cut while there is another way; in broken data an id can have any length."""
WIDEST: Final = 120
"""Cells that a column of a pipe lines up in; a longer text is whole too, and only its own line is out of step."""


class Heading(NamedTuple):
    """How a column looks; a `whole` one is cut last, the others by their `share` of the width."""

    title: str
    right: bool = False
    whole: bool = False
    share: int = 1


def cell_width(text: str) -> int:
    """Count the cells of a terminal that a text fills; marks around what was found fill none."""
    if BEGIN in text:
        text = _MARKED.sub(r"\1", text)
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def last_words(text: str, available: int | None) -> str:
    """Return the last words of what stands before something, as many as leave room for that on a narrow terminal."""
    kept = text
    while available is not None and cell_width(safe(kept)) > available // SHARE:
        kept = kept[1:]
    return kept if kept == text else kept.partition(" ")[2] or kept


def lines(headings: Sequence[Heading], rows: Sequence[Sequence[str]], available: int | None) -> Iterator[str]:
    """Lay out a table in a width, or as wide as it is; the cells are safe to show already."""
    rows = [[_marked(streams.encodable(cell, sys.stdout)) for cell in row] for row in rows]
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
    for heading, width in zip(headings, _widths(headings, rows, available), strict=True):
        title = Text(heading.title, no_wrap=True, overflow=overflow)
        table.add_column(title, justify="right" if heading.right else "left", no_wrap=heading.whole, width=width)
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


def natural_widths(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the cells that each column fills if nothing is cut."""
    titled = [[heading.title for heading in headings], *rows]
    return [max(map(cell_width, column)) for column in zip(*titled, strict=True)]


def _widths(headings: Sequence[Heading], rows: Sequence[Sequence[str]], available: int) -> list[int]:
    """Return the width of each column: whole ones keep theirs, and the others share the rest."""
    widths = natural_widths(headings, rows)
    room = available - len(GAP) * (len(headings) - 1)
    whole = {number for number, heading in enumerate(headings) if heading.whole and widths[number] <= LONGEST_WHOLE}
    left = room - sum(widths[number] for number in whole)
    if left < len(headings) - len(whole):
        whole, left = set(), room
    others = [number for number in range(len(headings)) if number not in whole]
    shared = _shared([widths[number] for number in others], [headings[number].share for number in others], left)
    for number, width in zip(others, shared, strict=True):
        widths[number] = width
    return widths


def _shared(wanted: Sequence[int], shares: Sequence[int], room: int) -> list[int]:
    """Divide a room: who wants less than their share has all they want, and the others have more."""
    given = [0] * len(wanted)
    waiting = list(range(len(wanted)))
    while waiting:
        parts = sum(shares[number] for number in waiting)
        content = [number for number in waiting if wanted[number] * parts <= room * shares[number]]
        for number in content or waiting:
            given[number] = wanted[number] if content else max(room * shares[number] // parts, 1)
            room -= given[number]
            parts -= 0 if content else shares[number]
        waiting = [number for number in waiting if content and number not in content]
    return given


def column_ranges(first: int, titles: Sequence[str], available: int | None) -> Iterator[tuple[int, int]]:
    """Divide columns behind a first one into as many tables as it takes for each to fit; one where all may be wide."""
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
    available = streams.width()
    if available is None:
        return line
    width = max(available - indent, available // 2)
    return f"\n{' ' * indent}".join(textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False))


def _padded(text: str, width: int, heading: Heading) -> str:
    space = " " * (width - cell_width(text))
    return space + text if heading.right else text + space
