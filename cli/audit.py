"""chatctl audit."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import Revealing, Timed, TimedRevealing, group
from cli.params import AllowLastMember, AllowLockout, Before, Confirm, Event, Out, Page, ReadOut, Since, Until

app = group()


@app.command("list", example="chatctl audit list --command 'roles grant' --since 7d", cls=Timed)
def list_(
    out: ReadOut,
    *,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="NAME", help="Who: a user of the system or database, a host.")
    ] = None,
    command: Annotated[
        str | None, typer.Option("--command", metavar="WORDS", help="What: the words the command begins with.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--target", metavar="USER|ID", help="To whom: a user, or the id of anything.")
    ] = None,
    since: Since = None,
    until: Until = None,
    page: Page,
) -> None:
    """List what was done with chatctl, the newest first."""
    found = actions.audit.find(actor=actor, command=command, target=target, since=since, until=until)
    out.rows(found, views.EVENTS, page)


@app.command(example="chatctl audit show 66b0c0ffee66b0c0ffee66b0", cls=TimedRevealing)
def show(event: Event, out: ReadOut) -> None:
    """Show an event with all it changed."""
    row = actions.audit.show(event)
    row["changes"] = out.visible_entries(row["changes"], row["id"])
    out.record(row, views.EVENT, lines=actions.audit.lines(row))


@app.command(example="chatctl audit undo 66b0c0ffee66b0c0ffee66b0 --dry-run", cls=Revealing)
def undo(
    event: Event,
    out: Out,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also what was changed since.")] = False,
    allow_last_member: AllowLastMember = False,
    allow_lockout: AllowLockout = False,
    confirm: Confirm,
) -> None:
    """Put back what an event changed. That is an event too, and can be undone."""
    change = actions.audit.undo(event, force=force, allow_last_member=allow_last_member, allow_lockout=allow_lockout)
    out.apply(change, confirm)


@app.command(example="chatctl audit prune --before 52w")
def prune(before: Before, out: Out, confirm: Confirm) -> None:
    """Delete old events; what they changed can then no longer be undone."""
    change = actions.audit.prune(before)
    out.apply(change, confirm)
