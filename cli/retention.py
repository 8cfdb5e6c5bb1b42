"""The commands of `chatctl retention`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

import actions
import seeds
from cli import views
from cli.group import FILTERS, Revealing, Timed, part
from cli.output import Output, questions, reports, text
from cli.params import Confirm, Out, PlanOut
from cli.seeds import read_path
from database.errors import NotFoundError, UsageError
from database.wording import did_you_mean, enumerated, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actions.retention import Rule

app = part()

HOW: Final = "add the list `retention` to a seed; docs/retention.md explains the rules"

Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH...",
        parser=read_path,
        help="Seed files or folders.  [default: the seeds in this folder]",
        show_default=False,
    ),
]
Rules = Annotated[
    list[str],
    typer.Option(
        "--rule", metavar="NAME", help="Only this rule (repeatable).", show_default=False, rich_help_panel=FILTERS
    ),
]


@app.command(example="chatctl retention plan retention.yaml", cls=Timed)
def plan(
    out: PlanOut,
    paths: Paths = None,
    *,
    rules: Rules = [],  # noqa: B006 - the list is only read
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with code 1 if anything is due.")] = False,
) -> None:
    """Count what is due by each retention rule. Nothing is written.

    Each rule is counted without the others. The command also counts what a rule does not touch: held data, data
    without a valid date, the messages that keep_last keeps, members of protected roles, and users who have sent a
    message in the time of the rule.
    """
    rows = actions.retention.plan(_rules(out, paths, rules))
    if not reports.publish(out.form, lambda: reports.of_retention(rows)):
        out.items(rows, views.RETENTION)
    if exit_code and any(row["due"] for row in rows):
        raise typer.Exit(1)


@app.command(
    example="chatctl retention apply retention.yaml --yes --max 5000 --reason 'retention policy'", cls=Revealing
)
def apply(
    out: Out,
    paths: Paths = None,
    *,
    rules: Rules = [],  # noqa: B006
    confirm: Confirm,
) -> None:
    """Delete, suspend or erase what is due by the retention rules.

    The rules are carried out in the order of the file, each with its own event. --max counts the messages and users of
    all rules. If a rule would change more than 10 % of all messages or users, --yes is not enough: type the name of
    the rule on a terminal, or add --max. If the command is interrupted, run it again to finish the work.
    """
    if not paths and not questions.can_ask(out.invocation):
        raise UsageError("PATH is required without a terminal", "name the seed files or their folder")
    changes = actions.retention.changesets(_rules(out, paths, rules))
    due = sum(change.changes_something for change in changes)
    if confirm.save_plan is not None and due > 1:
        raise UsageError(
            f"--save-plan saves the plan of one rule, but {due} rules are due", "choose one with --rule NAME"
        )
    out.apply_each(changes, confirm)


def _rules(out: Output, paths: list[Path] | None, names: "Sequence[str]") -> "Sequence[Rule]":
    """Return the retention rules of a seed. If `names` is not empty, return only the rules with these names.

    Without `paths`, read the seed files in the working folder.
    """
    if not paths:
        here = seeds.reading.here()
        if not here:
            raise UsageError("PATH is required, because this folder has no seed files", HOW)
        out.note(f"No PATH: using {text.quoted(here)}")
        paths = [Path(one) for one in here]
    found = {rule.name: rule for rule in seeds.reading.read(paths).retention}
    if not found:
        raise UsageError("the seed has no retention rules", HOW)
    for name in names:
        if name not in found:
            raise NotFoundError(
                f"no retention rule {shown(name)}", did_you_mean(name, found) or f"use {enumerated(list(found))}"
            )
    return [rule for rule in found.values() if not names or rule.name in names]
