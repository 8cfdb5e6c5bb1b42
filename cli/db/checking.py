"""Commands that find faults of the data, and mend them."""

from typing import Annotated

import typer

import actions
from cli.group import Revealing, part
from cli.output import reports
from cli.params import DryRun, LinesOut, Max, Out, Reason, Yes, number

app = part()

RuleNames = Annotated[
    list[str], typer.Option("--rule", metavar="RULE", help="Only this one; may be repeated.", show_default=False)
]
Collections = Annotated[
    list[str],
    typer.Option("--collection", metavar="COLLECTION", help="Only in this one; may be repeated.", show_default=False),
]


@app.command(example="chatctl db check --rule one-sided-link -o json")
def check(
    out: LinesOut,
    *,
    rule: RuleNames = [],  # noqa: B006 - typer reads it, nobody changes it
    collection: Collections = [],  # noqa: B006
    sample: Annotated[
        int | None,
        typer.Option("--sample", metavar="N", parser=number(1), help="Check only N documents of each collection."),
    ] = None,
) -> None:
    """Find what in the data would break or mislead the application.

    Where something does, the exit code is 1. Nothing is changed. What is found is looked at a second time: what the
    application writes meanwhile is no fault.
    """
    from cli.output.progress import Bar

    with Bar() as bar:
        found = actions.database.checking.check(rule, collection, sample, bar.wrote)
    reports.findings(out, found)
    if any(one["severity"] != "I" for one in found):
        raise typer.Exit(1)


@app.command(example="chatctl db repair --rule one-sided-link --dry-run", cls=Revealing)
def repair(
    out: Out,
    *,
    rule: RuleNames = [],  # noqa: B006
    collection: Collections = [],  # noqa: B006
    drop: Annotated[bool, typer.Option("--drop", help="End one-sided links instead of completing them.")] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete what refers to nothing, or second profiles.")
    ] = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Mend what has one right answer. What has to be decided is listed and left.

    --drop goes with --rule one-sided-link, --delete with --rule missing-parent or second-profile.
    """
    from cli.output.progress import Bar

    with Bar() as bar:
        change = actions.database.checking.repair(rule, collection, drop=drop, delete=delete, progress=bar.wrote)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)
