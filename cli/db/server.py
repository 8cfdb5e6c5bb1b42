"""Commands about the server of the database, and its indexes."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import part
from cli.params import Confirm, LinesOut, Out

app = part()


@app.command(example="chatctl --local db status -o json")
def status(out: LinesOut) -> None:
    """Show the server, the database and what is in it."""
    row = actions.database.server.status()
    out.record(row, views.STATUS, below={"collections": views.COLLECTIONS})
    if row["indexesMissing"]:
        out.note("the missing indexes are made with: chatctl db indexes --apply")
    for other in row["otherCollections"] or ():
        known = f"the application uses {other['meant']}, not {other['name']}"
        out.note(f"{known}; see chatctl db check --rule other-collection")


@app.command(example="chatctl db indexes --apply")
def indexes(
    out: LinesOut,
    *,
    create: Annotated[bool, typer.Option("--apply", help="Create those that are missing.")] = False,
    confirm: Confirm,
) -> None:
    """Show the indexes there should be, or create them."""
    if not create:
        out.items(actions.database.server.list_indexes(), views.INDEXES)
        return
    change = actions.database.server.create_indexes()
    out.apply(change, confirm)


@app.command(example="chatctl db protect production --mask-bodies --audit-reads")
def protect(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What has to be typed.", show_default=False)],
    out: Out,
    *,
    mask_bodies: Annotated[
        bool, typer.Option("--mask-bodies", help="Show what people wrote as its length, unless --reveal is given.")
    ] = False,
    audit_reads: Annotated[
        bool, typer.Option("--audit-reads", help="Leave an event where somebody reads what people wrote.")
    ] = False,
    confirm: Confirm,
) -> None:
    """Guard the database against accidents.

    It holds for everybody who uses chatctl, by whatever URL. Every write then asks for NAME to be typed; unattended it
    wants --expect NAME instead of --yes. Given anew, it takes the place of what was said before. It is no boundary
    against people: the roles of chatctl db roles are.
    """
    change = actions.database.server.protect(name, mask_bodies=mask_bodies, audit_reads=audit_reads)
    out.apply(change, confirm)


@app.command(example="chatctl db unprotect --expect production")
def unprotect(out: Out, confirm: Confirm) -> None:
    """Take the guard away."""
    change = actions.database.server.unprotect()
    out.apply(change, confirm)


@app.command(example="chatctl --local db stop")
def stop(out: Out) -> None:
    """End the embedded server. The next command that needs it starts it again."""
    stopped = actions.database.server.stop()
    out.document({"stopped": stopped}, ["stopped" if stopped else "it was not running"])
