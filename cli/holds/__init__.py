"""The commands of `chatctl holds`."""

from typing import Annotated

import typer

import actions
from cli import output, views
from cli.group import Revealing, Timed, part
from cli.params import Confirm, LinesOut, Out, Overwrite, Page, ReadOut, ToZip
from database.errors import UsageError
from database.wording import counted

app = part()

Hold = Annotated[str, typer.Argument(metavar="HOLD", help="Name or id of a hold.", show_default=False)]


@app.command(
    example="chatctl holds add case-12 --user ada --reason 'Letter of 3 May'\n"
    "chatctl holds add case-13 --conversation 'Night shift' --reason 'Request of the police'"
)
def add(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Name (at most 64 of a-z, A-Z, 0-9, _ . @ + -).", show_default=False),
    ],
    out: Out,
    *,
    user: Annotated[
        list[str],
        typer.Option("--user", metavar="USER", help="User to hold (repeatable).", show_default=False),
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    conversation: Annotated[
        list[str],
        typer.Option(
            "--conversation", metavar="CONVERSATION", help="Conversation to hold (repeatable).", show_default=False
        ),
    ] = [],  # noqa: B006
    confirm: Confirm,
) -> None:
    """Keep users and conversations from being deleted. Requires --reason.

    A hold keeps the users with their profiles and linked sign-ins, everything they wrote, the conversations they are
    in, all messages in these conversations, and the events of the audit trail about all this. The application can still
    delete held data; holds check finds what is gone.
    """
    change = actions.holds.add(name, users=user, conversations=conversation)
    if not (confirm.reason or "").strip():
        raise UsageError("a hold requires a reason", "add --reason TEXT, which is kept in the audit trail")
    out.apply(change, confirm)


@app.command(
    "list",
    columns=views.HOLDS,
    sortable=actions.SORTABLE["holds"],
    example="chatctl holds list --sort -placed",
    cls=Timed,
)
def list_(out: ReadOut, page: Page) -> None:
    """List holds, also released ones."""
    out.rows(actions.holds.find(), views.HOLDS, page)


@app.command(example="chatctl holds show case-12", cls=Timed)
def show(hold: Hold, out: ReadOut) -> None:
    """Show a hold, the reason, and what it kept when it was placed."""
    below = {"users": views.HELD_USERS, "conversations": views.HELD_CONVERSATIONS, "kept": views.HELD_DOCUMENTS}
    out.record(actions.holds.show(hold), views.HOLD, below=below)


@app.command(example="chatctl holds release case-12 --reason 'Case closed'")
def release(hold: Hold, out: Out, confirm: Confirm) -> None:
    """Release a hold. What it kept can be deleted again, unless another hold keeps it."""
    change = actions.holds.release(hold)
    out.apply(change, confirm)


@app.command(example="chatctl holds check\nchatctl holds check case-12 -o json")
def check(
    out: LinesOut,
    *,
    hold: Annotated[
        str | None,
        typer.Argument(metavar="[HOLD]", help="Name or id of a hold.  [default: all active holds]", show_default=False),
    ] = None,
) -> None:
    """Find out which held documents are gone since the hold was placed.

    If any are, the exit code is 1. chatctl refuses to delete them, but the application and other programs can.
    """
    found = actions.holds.check(hold)
    out.items(found, views.HELD_NOW)
    if gone := sum(row["gone"] for row in found):
        out.note(f"{counted(gone, 'held document')} no longer exist{'s' if gone == 1 else ''}")
        raise typer.Exit(1)


@app.command(example="chatctl holds export case-12 --to case-12.zip", cls=Revealing)
def export(
    hold: Hold,
    out: LinesOut,
    *,
    to: ToZip,
    overwrite: Overwrite = False,
) -> None:
    """Write everything that a hold keeps to a zip file.

    It has the users, conversations, messages and events as JSON and as HTML pages, the ids of documents that are gone,
    and a manifest with the SHA-256 of each file. It has no password hashes and no tokens.
    """
    from changes.events import now
    from cli.holds import export_zip

    contents = actions.holds.contents(hold)
    masked = not out.may_show_bodies(contents.id)
    with output.opened(to, overwrite=overwrite) as file:
        if file.isatty():
            raise UsageError("cannot write a zip to the terminal", "add --to FILE")
        counts = export_zip.write(contents, file, now(), masked=masked)
    summary = export_zip.summary(contents.name, counts)
    if to in output.STANDARD_OUTPUT:
        out.note(summary)
    else:
        out.document({"id": contents.id, "to": to, **counts}, [f"{summary}, written to {to}"])
