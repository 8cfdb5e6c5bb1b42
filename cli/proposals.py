"""The commands of `chatctl proposals`."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import FILTERS, Timed, TimedRevealing, part
from cli.output import reports
from cli.params import Decide, Out, Page, PlanOut, Proposal, ReadOut, choice

app = part()

STATES = ("open", "approved", "rejected", "withdrawn", "expired", "all")


@app.command(
    "list",
    columns=views.PROPOSALS,
    sortable=actions.SORTABLE["proposals"],
    example="chatctl proposals list --state all",
    cls=Timed,
)
def list_(
    out: ReadOut,
    *,
    state: Annotated[
        str,
        typer.Option(
            "--state",
            metavar="|".join(STATES),
            parser=choice(STATES),
            help="Only proposals in this state.  [default: open]",
            show_default=False,
            rich_help_panel=FILTERS,
        ),
    ] = STATES[0],
    page: Page,
) -> None:
    """List proposals, newest first."""
    out.rows(actions.proposals.find(None if state == "all" else state), views.PROPOSALS, page)


@app.command(
    example="chatctl proposals show 66b0c0ffee66b0c0ffee66b1 -o markdown",
    cls=TimedRevealing,
)
def show(proposal: Proposal, out: PlanOut) -> None:
    """Show a proposal and what it would change.

    For an open proposal, the command also shows which data has changed after the proposal was made. All changes are
    read from the plan and from the database, not from texts of the proposer.
    """
    row = actions.proposals.show(proposal)
    change = row.pop("changeset")
    lines = list(out.visible_lines(change, row["id"], whole=True))
    if reports.publish(out.form, lambda: reports.of_proposal(row, lines)):
        return
    row["changes"] = out.visible_entries(row["changes"], row["id"])
    out.record(row, views.PROPOSAL, lines=lines)
    if row["state"] == "open" and not row["moved"]:
        out.note(f"approve it with: chatctl proposals approve {row['id']}")


@app.command(example="chatctl proposals approve 66b0c0ffee66b0c0ffee66b1 --yes")
def approve(proposal: Proposal, out: Out, confirm: Decide) -> None:
    """Carry out a proposal of another person, exactly as proposed.

    Nothing is changed if the data has changed after the proposal was made, if the proposal is already approved,
    rejected or withdrawn, or if it is older than 14 days.
    """
    change = actions.proposals.approve(proposal, confirm.reason)
    confirm.reason = None  # it is part of the changeset, with the reason of the proposer
    out.apply(change, confirm)


@app.command(example="chatctl proposals reject 66b0c0ffee66b0c0ffee66b1 --reason 'ask the customer first'")
def reject(proposal: Proposal, out: Out, confirm: Decide) -> None:
    """Refuse a proposal. It can no longer be approved."""
    change = actions.proposals.reject(proposal, confirm.reason)
    out.apply(change, confirm)


@app.command(example="chatctl proposals withdraw 66b0c0ffee66b0c0ffee66b1")
def withdraw(proposal: Proposal, out: Out, confirm: Decide) -> None:
    """Take back your own proposal. It can no longer be approved."""
    change = actions.proposals.withdraw(proposal, confirm.reason)
    out.apply(change, confirm)
