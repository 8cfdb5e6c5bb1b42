"""Commands about the server of the database, and its indexes."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import part
from cli.params import DryRun, LinesOut, Max, Out, Reason, Yes

app = part()


@app.command(example="chatctl --local db status -o json")
def status(out: LinesOut) -> None:
    """Show the server, the database and what is in it."""
    out.record(actions.database.status(), views.STATUS, below={"collections": views.COLLECTIONS})


@app.command(example="chatctl db indexes --apply")
def indexes(
    out: LinesOut,
    *,
    create: Annotated[bool, typer.Option("--apply", help="Create those that are missing.")] = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Show the indexes there should be, or create them."""
    if not create:
        out.items(actions.database.list_indexes(), views.INDEXES)
        return
    change = actions.database.create_indexes()
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl --local db stop")
def stop(out: Out) -> None:
    """End the embedded server. The next command that needs it starts it again."""
    stopped = actions.database.stop()
    out.document({"stopped": stopped}, ["stopped" if stopped else "it was not running"])
