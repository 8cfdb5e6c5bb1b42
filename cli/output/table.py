"""Lay out tables for people. A table on a terminal fits its width; a table in a pipe can have any width."""

import re
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from cli.output import streams, styles
from cli.output.text import BEGIN, END, VIRAMA, isolated

GAP: Final = "  "
_MARKED: Final = re.compile(f"{BEGIN}(.*?){END}")
BEFORE_MATCH: Final = 2
"""If a cell is too narrow for its text, the words before the match of a search get this part: 2 means one half."""
_COMMAND: Final = r"""chatctl(?: +(?:'[^']*'|"[^"]*"|\$'(?:\\.|[^'\\])*'|[^\s'"();,]|[;,](?=\S))+)+"""
_UNBROKEN: Final = re.compile(rf"[^\w\s]*\b{_COMMAND}\S*|\S+")
_WORD: Final = re.compile(r"\S+")
_SKIN_TONES: Final = "🏻🏼🏽🏾🏿"
_ADDED: Final = f"{_SKIN_TONES}\u200c\u200d{END}"
_OPEN: Final = f"\u200d{VIRAMA}{BEGIN}"
LONGEST_WHOLE: Final = 40
"""A column marked `whole` keeps its width only up to this number of cells. In broken data, an id can be longer."""
WIDEST: Final = 120
"""The largest width of a column in a pipe, in terminal cells.

A longer text is not cut, but the later cells of its line are then not aligned with their columns.
"""


class Heading(NamedTuple):
    """The title and the layout of one column of a table.

    `right` aligns the column to the right. A `whole` column keeps its width; the other columns divide the remaining
    width in proportion to `share`. The words of a `state` column (like ACTIVE) are coloured.
    """

    title: str
    right: bool = False
    whole: bool = False
    share: int = 1
    state: bool = False


def cell_width(text: str) -> int:
    """Return the largest number of terminal cells that a text may need.

    The marks around the match of a search need none.

    Terminals differ: some draw a joined emoji or an Indic syllable as one sign, others draw each of its characters.
    """
    if BEGIN in text:
        text = _MARKED.sub(r"\1", text)
    return len(text) if text.isascii() else sum(map(_cells, text))


@cache
def _cells(character: str) -> int:
    from rich.cells import get_character_cell_size

    own = 2 if character in _SKIN_TONES else character == "\ufe0f" or unicodedata.category(character) == "Mc"
    return max(get_character_cell_size(character), own)


def last_words(text: str, room: int) -> str:
    """Return the last words of a text that fit into `room` cells. If the last word does not fit, return its end."""
    signs = list(_signs(text))
    while cell_width(kept := "".join(signs)) > room:
        signs.pop(0)
    return kept if kept == text else kept.partition(" ")[2] or kept


def lines(headings: Sequence[Heading], rows: Sequence[Sequence[str]], available: int | None) -> Iterator[str]:
    """Yield the lines of a table with at most `available` cells (None: any width). The texts must be safe to print."""
    titles = [heading.title for heading in headings]
    rows = [[_marked(streams.encodable(cell, sys.stdout)) for cell in row] for row in (titles, *rows)]
    widths = natural_widths(headings, rows[1:])
    if available is not None:
        widths = _fitted(widths, headings, available)
    layout = _Layout(headings, widths, available)
    yield layout.title(rows[0])
    yield from map(layout.line, rows[1:])


class _Layout:
    """The layout of the lines of a table: the position, width, alignment and colour of each cell."""

    def __init__(self, headings: Sequence[Heading], widths: Sequence[int], available: int | None) -> None:
        self._columns = [*zip(headings, widths, strict=True)]
        self._available = available
        self._coloured = streams.has_colour(sys.stdout)
        self._isolates = streams.draws()
        self._places = available is not None and streams.has_cursor()

    def title(self, cells: Sequence[str]) -> str:
        line = self._joined(cells, coloured=False)
        return styles.styled(line, styles.BOLD) if self._coloured else line

    def line(self, cells: Sequence[str]) -> str:
        return self._joined(cells, coloured=self._coloured)

    def _joined(self, cells: Sequence[str], *, coloured: bool) -> str:
        """Join the cells of a line.

        After a text whose width depends on the terminal, move the cursor to the next cell.
        """
        line, start, known = "", 1, True
        for whole, (heading, most) in zip(cells, self._columns, strict=True):
            width = min(most, WIDEST) if self._available is None else most
            if self._available is not None and start + width - 1 > self._available:
                break
            cell = whole if self._available is None else _cut(_near_match(whole, width), width)
            place = "" if known or not self._places or not cell else f"\x1b[{start}G"
            blank = " " * (width - cell_width(cell))
            shown = _coloured(cell, whole, heading) if coloured else _MARKED.sub(r"\1", cell)
            shown = isolated(shown) if self._isolates else shown
            line += f"{place}{blank}{shown}{GAP}" if heading.right else f"{place}{shown}{blank}{GAP}"
            start += width + len(GAP)
            known = known and cell.isascii()
        return line.rstrip()


def _coloured(cell: str, whole: str, heading: Heading) -> str:
    if heading.state:
        return styles.state(whole, cell)
    return _MARKED.sub(lambda match: styles.styled(match[1], styles.FOUND), cell)


def _near_match(text: str, width: int) -> str:
    """If a text is too wide, leave out its first words, so that the match of a search in the text is visible."""
    before, mark, rest = text.partition(BEGIN)
    if not mark or cell_width(text) <= width:
        return text
    found, _, after = rest.partition(END)
    seen = width - cell_width(found) - 1  # the width that remains if the whole match is shown
    room = max(width - cell_width(found + after), min(width // BEFORE_MATCH, seen), 0)
    return f"{last_words(before, room)}{mark}{rest}"


def _cut(text: str, width: int) -> str:
    """Cut a text that is too wide, and put `…` at its end. Characters that are drawn as one sign stay together."""
    if cell_width(text) <= width:
        return text
    end = "…" if streams.encodable("…", sys.stdout) == "…" else ""
    room = width - len(end)
    kept = ""
    for sign in _signs(text):
        room -= cell_width(sign.strip(BEGIN + END))
        if room < 0:
            break
        kept += sign
    return kept + END * (kept.count(BEGIN) - kept.count(END)) + end


def _signs(text: str) -> Iterator[str]:
    """Divide a text into groups of characters that are drawn as one sign, like a letter with its accent."""
    sign = ""
    for character in text:
        if sign and not _belongs(character, sign[-1]):
            yield sign
            sign = ""
        sign += character
    yield sign


def _belongs(character: str, before: str) -> bool:
    """Tell whether a character, for example an accent, is drawn as one sign with the character `before` it."""
    flags = min(character, before) >= "\U0001f1e6" and max(character, before) <= "\U0001f1ff"
    return flags or before in _OPEN or character in _ADDED or unicodedata.category(character).startswith("M")


def _marked(cell: str) -> str:
    """If the output has no colours, put quotation marks around the match of a search in a cell."""
    if BEGIN not in cell or streams.has_colour(sys.stdout):
        return cell
    quotes = "«»" if streams.encodable("«»", sys.stdout) == "«»" else "[]"
    return _MARKED.sub(lambda match: f"{BEGIN}{quotes[0]}{match[1]}{quotes[1]}{END}", cell)


def natural_widths(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of each column, in terminal cells, if no text is cut."""
    titled = [[heading.title for heading in headings], *rows]
    return [max(map(cell_width, column)) for column in zip(*titled, strict=True)]


def _fitted(natural: Sequence[int], headings: Sequence[Heading], available: int) -> list[int]:
    """Return the width of each column of a table that must fit `available` cells, by the rules in `Heading`."""
    widths = list(natural)
    room = available - len(GAP) * (len(headings) - 1)
    whole = {number for number, heading in enumerate(headings) if heading.whole and widths[number] <= LONGEST_WHOLE}
    left = room - sum(widths[number] for number in whole)
    if left < len(headings) - len(whole):
        whole, left = set(), room
    others = [number for number in range(len(headings)) if number not in whole]
    wanted = [(cell_width(headings[number].title), widths[number], headings[number].share) for number in others]
    for number, width in zip(others, _shared(wanted, left), strict=True):
        widths[number] = width
    return widths


def _shared(wanted: Sequence[tuple[int, int, int]], room: int) -> list[int]:
    """Divide a width of `room` cells among columns. Return the width of each column.

    `wanted` has `(least, most, share)` for each column. A column gets at least `least` and at most `most` cells. If the
    sum of all `least` is larger than `room`, columns get less. The rest is divided in proportion to `share`.
    """
    if sum(least for least, _, _ in wanted) > room:
        wanted = [(1, most, 1) for _, most, _ in wanted]
    given = [least for least, _, _ in wanted]
    for part in range(1, room + 1):
        wider = [min(max(part * share, least), most) for least, most, share in wanted]
        if sum(wider) > room:
            break
        given = wider
    rest = room - sum(given)
    for number, (_, most, _) in enumerate(wanted):
        more = max(min(rest, most - given[number]), 0)
        given[number] += more
        rest -= more
    return given


def column_ranges(first: int, titles: Sequence[str], available: int | None) -> Iterator[tuple[int, int]]:
    """Divide the columns of a wide table among several narrower tables: yield (start, end) of the columns of each.

    Each table begins with the same first column, of the width `first`, and has at most `available` cells. If
    `available` is None, there is only one table.
    """
    if available is not None:
        # A first column with one long name must leave room for more than one other column in each table.
        first = min(first, available // 2)
    start, used = 0, first
    for number, title in enumerate(titles):
        needed = len(GAP) + cell_width(title)
        if available is not None and used + needed > available and number > start:
            yield start, number
            start, used = number, first
        used += needed
    yield start, len(titles)


def wrap_parts(parts: Sequence[str], indent: int) -> str:
    """Join texts with commas, and break the result into lines that fit the terminal. Indent all lines but the first."""
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
    return f"\n{' ' * indent}".join(wrap(one, available, indent, first=indent) for one in [*done, line])


def wrapped(line: str, indent: int) -> str:
    """Break a line that chatctl prints into lines that fit the terminal. Indent the lines after the first."""
    return line if (available := streams.width()) is None else wrap(line, available, indent, first=indent)


def wrap(line: str, available: int, indent: int, first: int = 0) -> str:
    """Break a line at spaces.

    Words and commands are never broken, even if they are too long, so that users can copy them.

    Lines after the first are indented by `indent` cells. The first line has `first` cells less than `available`.
    """
    rooms = [max(available - taken, available // 2) for taken in (first, indent)]
    return f"\n{' ' * indent}".join(_filled(line, _UNBROKEN, *rooms))


def fold(line: str, room: int) -> list[str]:
    """Break a line into lines of at most `room` cells: at spaces, and inside words that are longer than a line."""
    if cell_width(line) <= room:
        return [line]
    return [part for filled in _filled(line, _WORD, room, room) for part in _folded(filled, room)]


def _filled(line: str, parts: re.Pattern[str], room: int, later: int) -> Iterator[str]:
    """Break a text into lines. Texts that match `parts` are never broken.

    The first line has at most `room` cells, and the lines after it have at most `later` cells.
    """
    current, end = "", 0
    for found in parts.finditer(line):
        longer = current + line[end : found.start()] + found[0]
        if current.strip() and cell_width(longer) > room:
            yield current
            room, longer = later, found[0]
        current, end = longer, found.end()
    yield current + line[end:]


def _folded(text: str, room: int) -> Iterator[str]:
    if cell_width(text) <= room:
        yield text
        return
    line, left = "", room
    for sign in _signs(text):
        width = cell_width(sign)
        if line and width > left:
            yield line
            line, left = "", room
        line, left = line + sign, left - width
    yield line
