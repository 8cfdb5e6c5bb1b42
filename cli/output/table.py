"""Tables for people: as wide as they need to be in a pipe, fitted to the width of a terminal."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from cli.output import streams

GAP: Final = "  "
LEAST: Final = 6
"""Cells that a column keeps before the next one has to give way."""


WIDEST: Final = 120
"""Cells that a column of a pipe lines up in; a longer text is whole too, and only its own line is out of step."""


class Heading(NamedTuple):
    """How a column looks; `whole` is never cut, as half an id is none."""

    title: str
    right: bool = False
    whole: bool = False


def cells(text: str) -> int:
    """Count the cells of a terminal that a text fills."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int) -> str:
    """Shorten a text to a number of cells, with a mark where it was cut."""
    if cells(text) <= width:
        return text
    from rich.cells import set_cell_size

    mark = "…" if streams.encodable("…", sys.stdout) == "…" else "~"
    return set_cell_size(text, max(width - 1, 0)).rstrip() + mark


def lines(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Lay out a table; the cells are safe to show already."""
    rows = [[streams.encodable(cell, sys.stdout) for cell in row] for row in rows]
    titled = [[heading.title for heading in headings], *rows]
    natural = [max(map(cells, column)) for column in zip(*titled, strict=True)]
    available = streams.width()
    cutting = available is not None
    widths = [min(width, WIDEST) for width in natural] if available is None else fit(headings, natural, available)
    bold = streams.has_colour(sys.stdout)
    for number, row in enumerate(titled):
        shown = map(cut, row, widths) if cutting else row
        line = GAP.join(map(_padded, shown, widths, headings)).rstrip()
        yield f"\x1b[1m{line}\x1b[0m" if bold and not number else line


def fit(headings: Sequence[Heading], natural: Sequence[int], available: int) -> list[int]:
    """Take from the widest columns what is too much, and only then from those that should stay whole."""
    widths = list(natural)
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - available
    for least, with_whole in ((LEAST, False), (1, False), (1, True)):
        while excess > 0:
            able = [
                number
                for number, heading in enumerate(headings)
                if widths[number] > least and (with_whole or not heading.whole)
            ]
            if not able:
                break
            widths[max(able, key=widths.__getitem__)] -= 1
            excess -= 1
    return widths


def parts(first: int, titles: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Divide columns behind a first one into as many tables as it takes for each to fit; one where all may be wide."""
    available = streams.width()
    start, used = 0, first
    for number, title in enumerate(titles):
        needed = len(GAP) + cells(title)
        if available is not None and used + needed > available and number > start:
            yield start, number
            start, used = number, first
        used += needed
    yield start, len(titles)


def wrap(parts: Sequence[str], indent: int) -> str:
    """Set parts with commas between them, over as many lines as the terminal makes necessary."""
    available = streams.width()
    if available is None:
        return ", ".join(parts)
    done: list[str] = []
    line = ""
    for part in parts:
        longer = f"{line}, {part}" if line else part
        if line and cells(longer) + 1 > available - indent:
            done.append(f"{line},")
            longer = part
        line = longer
    return f"\n{' ' * indent}".join([*done, line])


def _padded(text: str, width: int, heading: Heading) -> str:
    space = " " * (width - cells(text))
    return space + text if heading.right else text + space
