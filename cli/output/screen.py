"""The layout of rows for people: which columns fit the width, and times in the time zone of the reader."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from cli.output import table, text
from cli.views import Column, View

Row = Mapping[str, Any]

ENOUGH: Final = 40
"""The width, in terminal cells, that is enough for a column of long texts.

A column of long texts is made as narrow as this before other columns are hidden.
"""


class Table(NamedTuple):
    """A table for people: its columns, its lines, and the keys of columns that have values but did not fit."""

    columns: View
    lines: Iterable[str]
    hidden: Sequence[str]


@dataclass(frozen=True)
class Screen:
    """The properties of the terminal or pipe to which tables are printed.

    `width` is the number of cells in a line, None if lines can have any length. `zone` is the time zone of times, None
    for UTC. If `relative` is True, times can be shown like "2 hours ago".
    """

    width: int | None = None
    zone: str | None = None
    relative: bool = False

    def table(self, rows: Sequence[Row], view: View, *, fixed: bool = False) -> "Table":
        """Lay out a table with the columns that fit the width. If `fixed` is True, the table has all columns."""
        headings = [
            table.Heading(column.heading, _is_number(rows, column.key), column.whole, column.share, column.state)
            for column in view
        ]
        body = [[self.cell(row, column) for column in view] for row in rows]
        kept = list(range(len(view)))
        filled = [number for number in kept if any(line[number] for line in body)]
        if self.width is not None and _total(needed := _needed(headings, body), kept) > self.width:
            short = _with_short_ids(body, view)
            kept = kept if fixed else _fitting(view, filled, _needed(headings, short), self.width)
            body = body if _total(needed, kept) <= self.width else short
        lines = table.lines(
            [headings[number] for number in kept], [[line[number] for number in kept] for line in body], self.width
        )
        hidden = [view[number].key for number in filled if number not in kept]
        return Table(tuple(view[number] for number in kept), lines, hidden)

    def cell(self, row: Row, column: Column) -> str:
        value = row.get(column.key)
        if value is None:
            return column.absent
        if column.excerpt:
            return text.excerpt(value)
        if column.key == "id":
            return text.safe(text.id_text(value))
        if column.address:
            return text.address(value)
        return text.ago(value) if column.ago and self.relative else text.cell(value, local=self.zone is not None)

    def parts(self, row: Row, column: Column) -> list[str]:
        """Return a value in parts, between which a line can be broken."""
        value = row.get(column.key)
        if value is None or column.ago or column.address or column.key == "id":
            return [self.cell(row, column)]
        return text.parts(value, local=self.zone is not None) or ["-"]

    def shows_local_times(self, rows: Sequence[Row], columns: Iterable[Column]) -> bool:
        """Tell whether the columns show a local time, so that a note about the time zone is needed."""
        keys = [column.key for column in columns if not (column.ago and self.relative)]
        return self.zone is not None and any(_has_time(row.get(key)) for row in rows for key in keys)


def _fitting(view: View, filled: Sequence[int], needed: Sequence[int], width: int) -> list[int]:
    """Choose the columns of a table that fit a terminal of `width` cells. Return their indexes in `view`.

    The function first chooses the columns that a terminal of this width always shows (see `Column.table` in
    `cli.views`), if they have values. Then it chooses other columns, until the next one does not fit. `filled` has the
    indexes of columns with values, and `needed` the widths of all columns.
    """
    certain = [number for number in filled if (view[number].table or 0) <= width]
    others = sorted({*range(len(view))} - {*certain}, key=lambda number: (view[number].table or 0, number))
    kept = certain
    while others and _total(needed, [*kept, others[0]]) <= width:
        kept.append(others.pop(0))
    return sorted(kept)


def _needed(headings: Sequence[table.Heading], body: Sequence[Sequence[str]]) -> list[int]:
    """Return the number of cells that each column needs to be readable. See `ENOUGH`."""
    widths = table.natural_widths(headings, body)
    return [width if one.whole else min(width, ENOUGH) for width, one in zip(widths, headings, strict=True)]


def _total(needed: Sequence[int], kept: Sequence[int]) -> int:
    return sum(needed[number] for number in kept) + len(table.GAP) * (len(kept) - 1)


def _with_short_ids(body: Sequence[Sequence[str]], view: View) -> list[list[str]]:
    """Shorten ids to their first digits.

    All ids of a column get the same length. It is long enough to make each id unique.
    """
    import actions

    columns = [list(column) for column in zip(*body, strict=True)]
    for number, column in enumerate(view):
        if column.collection:
            short = actions.queries.short_ids(column.collection, columns[number])
            digits = max(map(len, short.values()), default=0)
            columns[number] = [text[:digits] if text in short else text for text in columns[number]]
    return [list(line) for line in zip(*columns, strict=True)]


def _has_time(value: Any) -> bool:
    values = value.values() if isinstance(value, dict) else [value]
    return any(isinstance(one, datetime) for one in values)


def _is_number(rows: Sequence[Row], key: str) -> bool:
    values = [row.get(key) for row in rows]
    return any(value is not None for value in values) and all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values
    )
