"""Rows as people read them: the columns that there is room for, and times in the zone of the reader."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cli.output import table, text
from cli.views import Column, View

Row = Mapping[str, Any]

ENOUGH: Final = 40
"""Cells that are enough of a long text: the rest of it takes no column from a terminal."""


@dataclass(frozen=True)
class Screen:
    """Where people read.

    `width` is its number of cells, None if lines may have any length. `zone` is the zone of the times, None for UTC.
    `relative` is whether times may be said as how long ago they were.
    """

    width: int | None = None
    zone: str | None = None
    relative: bool = False

    def table(self, rows: Sequence[Row], view: View, *, fixed: bool = False) -> tuple[View, Iterable[str]]:
        """Return the columns that a table has room for, all if they are `fixed`, and its lines."""
        headings = [
            table.Heading(column.heading, _is_number(rows, column.key), column.whole, column.share, column.state)
            for column in view
        ]
        body = [[self.cell(row, column) for column in view] for row in rows]
        kept: Sequence[int] = range(len(view))
        if self.width is not None:
            widths = table.natural_widths(headings, body)
            needed = [width if column.whole else min(width, ENOUGH) for width, column in zip(widths, view, strict=True)]
            kept = kept if fixed else self._fitting(view, needed, self.width)
            if _total(needed, kept) > self.width:
                _shorten_ids(body, [(number, view[number].collection) for number in kept])
        lines = table.lines(
            [headings[number] for number in kept], [[line[number] for number in kept] for line in body], self.width
        )
        return tuple(view[number] for number in kept), lines

    def cell(self, row: Row, column: Column) -> str:
        value = row.get(column.key)
        if value is None:
            return column.absent
        if column.excerpt:
            return text.excerpt({**value, "before": table.last_words(value["before"], self.width)})
        if column.key == "id":
            return text.safe(text.id_text(value))
        if column.address:
            return text.address(value)
        return text.ago(value) if column.ago and self.relative else text.cell(value, local=self.zone is not None)

    def shows_local_times(self, rows: Sequence[Row], columns: Iterable[Column]) -> bool:
        """Tell whether a time is shown whose zone has to be said."""
        keys = [column.key for column in columns if not (column.ago and self.relative)]
        return self.zone is not None and any(_has_time(row.get(key)) for row in rows for key in keys)

    @staticmethod
    def _fitting(view: View, needed: Sequence[int], width: int) -> list[int]:
        """Choose the columns that this width always has, then those for which the rest leaves room."""
        by_rank = sorted(range(len(view)), key=lambda number: view[number].table or 0)
        kept: list[int] = []
        for number in by_rank:
            if (view[number].table or 0) <= width or _total(needed, [*kept, number]) <= width:
                kept.append(number)
        return sorted(kept)


def _total(needed: Sequence[int], kept: Sequence[int]) -> int:
    return sum(needed[number] for number in kept) + len(table.GAP) * (len(kept) - 1)


def _shorten_ids(body: list[list[str]], columns: Iterable[tuple[int, str]]) -> None:
    """Show ids by as many digits as tell them apart from all others of the collection."""
    import actions

    for number, collection in columns:
        if collection:
            short = actions.queries.short_ids(collection, [line[number] for line in body])
            for line in body:
                line[number] = short.get(line[number], line[number])


def _has_time(value: Any) -> bool:
    values = value.values() if isinstance(value, dict) else [value]
    return any(isinstance(one, datetime) for one in values)


def _is_number(rows: Sequence[Row], key: str) -> bool:
    values = [row.get(key) for row in rows]
    return any(value is not None for value in values) and all(
        value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values
    )
