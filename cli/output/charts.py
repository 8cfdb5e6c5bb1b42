"""Figures drawn with characters."""

import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from cli.output import streams
from cli.output.table import GAP

BLOCKS: Final = "▁▂▃▄▅▆▇█"
LETTERS: Final = "_.:-=+*#"
"""The same where the encoding has no blocks."""

Row = dict[str, Any]


class Figure(NamedTuple):
    """What was counted in each period; what one period counts another may count too, and then it has no sum."""

    key: str
    title: str
    sums: bool = True


def curves(periods: Sequence[Row], figures: Sequence[Figure], by: str) -> tuple[list[Row], str]:
    """Return rows `{figure, total, most, curve}`, which a terminal has room for, and what they show."""
    values = {figure: [period[figure.key] for period in periods] for figure in figures}
    rows = [
        {"figure": figure.title, "total": sum(some) if figure.sums else None, "most": max(some), "curve": ""}
        for figure, some in values.items()
    ]
    each = 1
    if (width := streams.width()) is not None:
        keys = ("figure", "total", "most")
        taken = sum(max(len(key), *(len(str(row[key])) for row in rows)) + len(GAP) for key in keys)
        each = -(-len(periods) // max(width - taken, 1))
    for row, some in zip(rows, values.values(), strict=True):
        row["curve"] = sparkline([max(some[start : start + each]) for start in range(0, len(some), each)])
    mark = f"a {by}" if each == 1 else f"the most of {each:,} {by}s"
    return rows, f"{periods[0]['period']} to {periods[-1]['period']}; each mark is {mark}"


def sparkline(values: Sequence[int]) -> str:
    """Draw a character for each value, as high as it is beside the highest; a blank for nothing."""
    marks = BLOCKS if streams.encodable(BLOCKS, sys.stdout) == BLOCKS else LETTERS
    most = max(values, default=0)
    return "".join(marks[(value * len(marks) - 1) // most] if value else " " for value in values)
