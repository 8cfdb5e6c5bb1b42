"""The commands for the database server: status, indexes, protection, and stop."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import Timed, part
from cli.params import Confirm, LinesOut, Out

app = part()


@app.command(example="chatctl --local db status -o json", cls=Timed)
def status(out: LinesOut) -> None:
    """Show the server, the database and its collections."""
    row = actions.database.server.status()
    out.record(row, views.STATUS, below={"collections": views.COLLECTIONS})
    if row["indexesMissing"]:
        out.note("create the missing indexes with: chatctl db indexes --apply")
    for other in row["otherCollections"] or ():
        known = f"the application uses {other['meant']}, not {other['name']}"
        out.note(f"{known}; see chatctl db check --rule other-collection")


@app.command(example="chatctl db indexes --apply")
def indexes(
    out: LinesOut,
    *,
    create: Annotated[bool, typer.Option("--apply", help="Create missing indexes.")] = False,
    confirm: Confirm,
) -> None:
    """Show the required indexes, or create them."""
    if not create:
        out.items(actions.database.server.list_indexes(), views.INDEXES)
        return
    change = actions.database.server.create_indexes()
    out.apply(change, confirm)


@app.command(example="chatctl db protect production --mask-bodies --audit-reads")
def protect(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name that users must type to confirm a write.", show_default=False)
    ],
    out: Out,
    *,
    mask_bodies: Annotated[
        bool,
        typer.Option("--mask-bodies", help="Show messages and images only as their length, unless --reveal is given."),
    ] = False,
    audit_reads: Annotated[
        bool, typer.Option("--audit-reads", help="Record an event whenever messages are read.")
    ] = False,
    two_people: Annotated[
        bool,
        typer.Option("--two-people", help="Allow changes only if one person proposes and another approves them."),
    ] = False,
    confirm: Confirm,
) -> None:
    """Protect the database against accidental writes.

    The protection is stored in the database: it applies to everyone who uses chatctl, with any URL. Every write then
    asks for NAME to be typed. Without a terminal, a write requires --expect NAME instead of --yes. With --two-people,
    every change must be proposed (--propose) and approved by another person, also a change of this protection. If the
    database is already protected, the new settings replace the old ones. This is not a security boundary. For that, use
    the roles that chatctl db roles prints.
    """
    change = actions.database.server.protect(
        name, mask_bodies=mask_bodies, audit_reads=audit_reads, two_people=two_people
    )
    out.apply(change, confirm)


@app.command(example="chatctl db unprotect --expect production")
def unprotect(out: Out, confirm: Confirm) -> None:
    """Remove the protection of the database."""
    change = actions.database.server.unprotect()
    out.apply(change, confirm)


@app.command(example="chatctl --local db stop")
def stop(out: Out) -> None:
    """Stop the embedded server. The next command that needs it starts it again."""
    stopped = actions.database.server.stop()
    out.document({"stopped": stopped}, ["stopped" if stopped else "the embedded server was not running"])
