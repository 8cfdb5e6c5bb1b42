"""What says several things at once: the findings of a check, figures of periods."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

from cli.output import Output, charts, formats, streams, table, text
from cli.views import FIGURES, FINDINGS, FOUND, View

Row = dict[str, Any]

_ID: Final = re.compile(r"\b[0-9a-f]{24}\b")


def findings(out: Output, rows: Sequence[Row]) -> None:
    """Print what a check has found: to people a table, and below it what each rule means and what to type."""
    if out.form != "table":
        out.items(rows, FINDINGS)
        return
    if not rows:
        out.note("no fault was found")
        return
    out.items([{**row, "example": text.place(row["examples"][0])} for row in rows], FOUND)
    for row in rows:
        title = f"\x1b[1m{row['rule']}\x1b[0m" if out.coloured else row["rule"]
        streams.write(f"\n{title}: {table.folded(row['effect'], len(row['rule']) + 2)}\n")
        more = row["count"] - len(row["examples"])
        out.lines(f"  {text.place(example)}" for example in row["examples"])
        out.lines([f"  and {more:,} more"] if more else [])
        streams.write("".join(f"  to do: {table.folded(fix, len('  to do: '))}\n" for fix in _fixes(row)))
    out.note("E breaks the application, W misleads it, I is for information")


def _fixes(row: Row) -> list[str]:
    """Return the fixes of the examples; a fix that several examples share is listed once."""
    fixes = [(example["fix"], str(example["id"])) for example in reversed(row["examples"])]
    return [*reversed({_ID.sub("", fix.replace(identifier, "")): fix for fix, identifier in fixes}.values())]


def figures(
    out: Output, found: Row, curves: Sequence[charts.Figure], tables: Iterable[tuple[Sequence[Row], View]]
) -> None:
    """Print what was counted in periods: for people curves, and tables of the rest; as CSV the periods alone."""
    periods = found["periods"]
    if out.form == "csv":
        formats.write_rows("csv", periods, list(periods[0]))
        return
    if out.form != "table":
        formats.write_record(out.form, found, list(found))
        return
    rows, caption = charts.curves(periods, curves, found["by"])
    out.lines([caption])
    out.items(rows, FIGURES)
    for counted, columns in tables:
        if counted:
            streams.write("\n")
            out.items(counted, columns)
