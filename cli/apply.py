"""The command `chatctl apply`: it carries out a saved plan."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

import actions
from cli.group import part
from cli.output import Output, reports
from cli.params import ApplyOut, Confirm, input_file
from database.errors import UsageError

if TYPE_CHECKING:
    from actions.plan_files import PlanFile

app = part()


@app.command(
    example="chatctl users suspend ada --save-plan plan.json\nchatctl apply plan.json --dry-run\n"
    "chatctl apply plan.json --dry-run -o markdown"
)
def apply(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            callback=input_file,
            help="A file that --save-plan has written (- is standard input).",
            show_default=False,
        ),
    ],
    out: ApplyOut,
    confirm: Confirm,
) -> None:
    """Carry out a saved plan, exactly or not at all.

    With --save-plan FILE, a command saves what it would change, so that others can review the file. If the data has
    changed after the plan was saved, nothing is written. FILE can also be a plan of chatctl seeds plan --to FILE.
    """
    if out.form == reports.MARKDOWN and not confirm.dry_run:
        raise UsageError("-o markdown only shows a plan", "add --dry-run")
    plan = actions.plan_files.read(file, sys.stdin.buffer)
    if out.form == reports.MARKDOWN:
        reports.publish(out.form, lambda: _report(out, plan))
    elif plan.is_of_seed:
        import seeds

        out.apply(seeds.saved_plans.load(plan).changeset, confirm)
    else:
        out.apply(actions.plan_files.load(plan), confirm)


def _report(out: Output, file: "PlanFile") -> reports.Report:
    if file.is_of_seed:
        import seeds

        return reports.of_plan(seeds.saved_plans.load(file))
    row = actions.plan_files.show(file)
    return reports.of_changes("apply", row, out.visible_lines(row["changeset"], whole=True))
