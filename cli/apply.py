"""The command `chatctl apply`: it carries out a saved plan."""

from pathlib import Path
from typing import Annotated

import typer

import actions
from cli.group import part
from cli.params import Confirm, Out

app = part()


@app.command(example="chatctl users suspend ada --save-plan plan.json\nchatctl apply plan.json --dry-run")
def apply(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file that --save-plan has written.", show_default=False)
    ],
    out: Out,
    confirm: Confirm,
) -> None:
    """Carry out a saved plan, exactly or not at all.

    The option --save-plan of each write saves what it would change, so that others can review the file. If the data
    have changed since, nothing is written. FILE can also be a plan of chatctl seeds plan --to FILE.
    """
    if actions.plan_files.read(file)["chatctl"] == actions.plan_files.SEEDS:
        import seeds

        out.apply(seeds.saved_plans.load(file).changeset, confirm)
        return
    change = actions.plan_files.load(file)
    out.apply(change, confirm)
