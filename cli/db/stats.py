"""The command `chatctl db stats`: it counts sign-ups, messages and active conversations in each period."""

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, NamedTuple

import typer

import actions
from cli import views
from cli.group import part
from cli.output import Output, formats, streams
from cli.output.table import GAP
from cli.params import FiguresOut, Since, choice
from cli.views import FIGURES, View

app = part()


class Figure(NamedTuple):
    """A number, like the messages sent, that `db stats` shows for each period.

    `sums` is False if a total over all periods makes no sense, because several periods can count the same conversation.
    """

    key: str
    title: str
    sums: bool = True


BLOCKS: Final = "▁▂▃▄▅▆▇█"
LETTERS: Final = "_.:-=+*#"
"""The characters of a curve if the encoding of the output does not have those in `BLOCKS`."""

Row = dict[str, Any]


CURVES: Final = (
    Figure("users", "sign-ups"),
    Figure("messages", "messages"),
    Figure("conversations", "active conversations", sums=False),
)
PERIODS: Final = ("day", "week", "month")

By = Annotated[
    str, typer.Option("--by", metavar="|".join(PERIODS), parser=choice(PERIODS), help="Length of a period, in UTC.")
]


@app.command(example="chatctl db stats --since 12w --by week")
def stats(out: FiguresOut, *, since: Since = None, by: By = "day") -> None:
    """Count sign-ups, messages and active conversations.

    Without --since, the command counts the last 30 days, 12 weeks or 12 months. Weeks begin on Monday. It also prints
    the number of users with each status and role now, and who sent the most messages in the counted time.
    """
    found = actions.database.stats.stats(since, by)
    status = [{"status": name, "users": users} for name, users in found["status"].items()]
    tables = (status, views.STATUSES), (found["roles"], views.MEMBERS), (found["topSenders"], views.SENDERS)
    _print(out, found, CURVES, tables)


def _print(out: Output, found: Row, curves: Sequence[Figure], tables: Iterable[tuple[Sequence[Row], View]]) -> None:
    """Print the statistics. People get curves and tables. CSV has only one row with numbers for each period."""
    periods = found["periods"]
    if out.form == "csv":
        formats.write_rows("csv", periods, list(periods[0]))
        return
    if out.form != "table":
        formats.write_record(out.form, found, list(found))
        return
    rows, caption = _curves(periods, curves, found["by"])
    out.lines([caption])
    out.items(rows, FIGURES)
    for counted, columns in tables:
        if counted:
            streams.write("\n")
            out.items(counted, columns)


def _curves(periods: Sequence[Row], figures: Sequence[Figure], by: str) -> tuple[list[Row], str]:
    """Return a row for each kind of number, for example the messages sent, and a caption for all rows.

    A row has the keys `figure` (the title), `total`, `most` (the highest number of a period) and `curve` (a text that
    fits the terminal).
    """
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
        row["curve"] = _sparkline([max(some[start : start + each]) for start in range(0, len(some), each)])
    mark = f"a {by}" if each == 1 else f"the maximum of {each:,} {by}s"
    return rows, f"{periods[0]['period']} to {periods[-1]['period']}; each mark is {mark}"


def _sparkline(values: Sequence[int]) -> str:
    """Return a curve as text, with a character for each value.

    The height shows the value; the highest value is full height.

    A 0 is a blank.
    """
    marks = BLOCKS if streams.encodable(BLOCKS, sys.stdout) == BLOCKS else LETTERS
    most = max(values, default=0)
    return "".join(marks[(value * len(marks) - 1) // most] if value else " " for value in values)
