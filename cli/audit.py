"""The commands of `chatctl audit`."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import FILTERS, Revealing, Timed, TimedRevealing, part
from cli.output import questions, zone_of
from cli.params import AllowLastMember, AllowLockout, Before, Confirm, Event, Out, Page, ReadOut, Since, Until
from database.errors import UsageError

app = part()


@app.command(
    "list",
    columns=views.EVENTS,
    sortable=actions.SORTABLE["audit"],
    example="chatctl audit list --command 'roles grant' --since 7d",
    cls=Timed,
)
def list_(
    out: ReadOut,
    *,
    actor: Annotated[
        str | None,
        typer.Option(
            "--actor",
            metavar="NAME",
            help="Only events of this actor: a system user, database user, host or claimed name.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    command: Annotated[
        str | None,
        typer.Option(
            "--command",
            metavar="WORDS",
            help="Only events of commands that begin with these words.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="USER|ID",
            help="Only events that changed this user, or the document with this id.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    page: Page,
) -> None:
    """List the events of the audit trail, newest first. Filters are combined with AND."""
    found = actions.audit.find(actor=actor, command=command, target=target, since=since, until=until)
    out.rows(found, views.EVENTS, page)


@app.command(example="chatctl audit show 66b0c0ffee66b0c0ffee66b0", cls=TimedRevealing)
def show(event: Event, out: ReadOut) -> None:
    """Show an event and everything it changed."""
    row = actions.audit.show(event)
    row["changes"] = out.visible_entries(row["changes"], row["id"])
    out.record(row, views.EVENT, lines=actions.audit.lines(row))


@app.command(example="chatctl audit undo 66b0c0ffee66b0c0ffee66b0 --dry-run\nchatctl audit undo --last", cls=Revealing)
def undo(
    out: Out,
    *,
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="[EVENT]", help="Id of an event, or its first digits. Required without --last.", show_default=False
        ),
    ] = None,
    last: Annotated[
        bool, typer.Option("--last", help="Undo your last event of the past hour that is not undone.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also restore values that were changed after the event.")
    ] = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
    allow_lockout: AllowLockout = False,
) -> None:
    """Undo an event. The undo is an event too, and can be undone."""
    chosen = _chosen_event(out, event, last=last)
    change = actions.audit.undo(chosen, force=force, allow_last_member=allow_last_member, allow_lockout=allow_lockout)
    out.apply(change, confirm)


@app.command(example="chatctl audit prune --before 52w")
def prune(before: Before, out: Out, confirm: Confirm) -> None:
    """Delete old events. Their changes can no longer be undone."""
    change = actions.audit.prune(before)
    out.apply(change, confirm)


def _chosen_event(out: Out, event: str | None, *, last: bool) -> str:
    if last:
        if event is not None:
            raise UsageError("EVENT and --last cannot be combined", "use one of them")
        found = actions.audit.last_own()
        out.note(f"your last event: {found['id']} {found['command']}")
        return str(found["id"])
    if event is None and questions.can_pick(out.invocation):
        from cli.output import picker

        event = picker.pick("EVENT", zone_of(out.invocation))
    if event is None:
        raise UsageError("missing argument 'EVENT'", "add the id of an event, or use --last")
    return event
