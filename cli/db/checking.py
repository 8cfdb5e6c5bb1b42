"""The commands that find and repair faults in the data."""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

import actions
from cli.group import FILTERS, Revealing, part
from cli.output import Output, reports, streams, table, text
from cli.params import Confirm, Out, TestsOut, number
from cli.views import FINDINGS, FOUND

if TYPE_CHECKING:
    from cli.output.progress import Bar

app = part()

Row = dict[str, Any]

_ID: Final = re.compile(r"\b[0-9a-f]{24}\b")


RuleNames = Annotated[
    list[str],
    typer.Option(
        "--rule", metavar="RULE", help="Only this rule (repeatable).", show_default=False, rich_help_panel=FILTERS
    ),
]
Collections = Annotated[
    list[str],
    typer.Option(
        "--collection",
        metavar="COLLECTION",
        help="Only this collection (repeatable).",
        show_default=False,
        rich_help_panel=FILTERS,
    ),
]


@app.command(example="chatctl db check --rule one-sided-link -o json")
def check(
    out: TestsOut,
    *,
    rule: RuleNames = [],  # noqa: B006 - the list is only read
    collection: Collections = [],  # noqa: B006
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            metavar="N",
            parser=number(1),
            help="Only N documents of each collection. Notes say how many faults may remain.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
) -> None:
    """Find data that breaks or misleads the application.

    If there is any, the exit code is 1. Nothing is changed. Every finding is checked a second time, so that writes of
    the application during the check are not reported.
    """
    from cli.output.progress import Bar

    with Bar("checking") as bar:
        found = actions.database.checking.check(rule, collection, sample, _named(bar))
    rules = [one.name for one in actions.database.checking.select_rules(rule, collection)]
    if not reports.publish(out.form, lambda: reports.of_check(_pasteable(out, found), rules)):
        _print(out, found)
    if sample:
        out.notes(actions.database.checking.sample_notes(rule, collection, sample))
    if any(one["severity"] != "I" for one in found):
        raise typer.Exit(1)


@app.command(example="chatctl db repair --rule one-sided-link --dry-run", cls=Revealing)
def repair(
    out: Out,
    *,
    rule: RuleNames = [],  # noqa: B006
    collection: Collections = [],  # noqa: B006
    drop: Annotated[bool, typer.Option("--drop", help="Remove one-sided links instead of completing them.")] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete documents whose parent is missing, and second profiles.")
    ] = False,
    confirm: Confirm,
) -> None:
    """Repair faults that have one right repair. Other faults are listed and not changed.

    --drop requires --rule one-sided-link. --delete requires --rule missing-parent or --rule second-profile.
    """
    from cli.output.progress import Bar

    with Bar("checking") as bar:
        change = actions.database.checking.repair(rule, collection, drop=drop, delete=delete, progress=_named(bar))
    out.apply(change, confirm)


def _named(bar: "Bar") -> Callable[[str, int, int], None]:
    """Return a function that shows the progress with the name of the collection that is read."""

    def wrote(collection: str, documents: int, total: int) -> None:
        bar.name = f"checking {collection}"
        bar.wrote(documents, total)

    return wrote


def _print(out: Output, rows: Sequence[Row]) -> None:
    """Print the faults that a check has found. For people, print a table, then the effect and repair of each rule."""
    if not out.for_people:
        out.items(rows, FINDINGS)
        return
    if not rows:
        out.note("no fault was found")
        return
    out.items([{**row, "example": text.fault_text(row["examples"][0])} for row in rows], FOUND)
    for row in rows:
        title = f"\x1b[1m{row['rule']}\x1b[0m" if out.coloured else row["rule"]
        streams.write(f"\n{title}: {table.wrapped(row['effect'], len(row['rule']) + 2)}\n")
        more = row["count"] - len(row["examples"])
        out.lines(f"  {text.fault_text(example)}" for example in row["examples"])
        out.lines([f"  and {more:,} more"] if more else [])
        fixes = map(out.pasteable, _fixes(row))
        streams.write("".join(f"  to do: {table.wrapped(fix, len('  to do: '))}\n" for fix in fixes))
    out.note("E: the application fails; W: the application may behave wrongly; I: information only")


def _pasteable(out: Output, rows: Sequence[Row]) -> list[Row]:
    """Add the options that chose the database to the repair command of each example. Then users can paste it."""
    return [
        {**row, "examples": [{**example, "fix": out.pasteable(example["fix"])} for example in row["examples"]]}
        for row in rows
    ]


def _fixes(row: Row) -> list[str]:
    """Return the repair commands of the examples. If commands differ only in ids, return only the first of them."""
    fixes = [(example["fix"], str(example["id"])) for example in reversed(row["examples"])]
    return [*reversed({_ID.sub("", fix.replace(identifier, "")): fix for fix, identifier in fixes}.values())]
