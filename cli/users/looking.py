"""Commands that show users, and change nothing."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import part
from cli.params import Page, Permission, ReadOut, User
from cli.users.filters import Filters

app = part()


@app.command("list", example="chatctl users list --role support --inactive-since 90d")
def list_(out: ReadOut, filters: Filters, page: Page) -> None:
    """List users; of several filters all have to hold."""
    view = views.USERS if filters.permission is None else views.HOLDERS
    found = actions.users.find(actions.users.Filters(**vars(filters)))
    out.rows(found, view, page)


@app.command(example="chatctl users show ada@example.org")
def show(user: User, out: ReadOut) -> None:
    """Show all that is known of a user. At the end stands what was done to them last."""
    below = {"access": views.ACCESS, "accounts": views.ACCOUNTS, "events": views.EVENTS}
    found = actions.users.show(user)
    out.record(found, views.USER, below=below)
    out.notes(actions.odd_references.notes("User", found["id"]))


@app.command(example="chatctl users can grace message.delete && echo yes")
def can(
    user: User,
    permission: Permission,
    out: ReadOut,
    *,
    ignore_status: Annotated[bool, typer.Option("--ignore-status", help="As if the user were not suspended.")] = False,
) -> None:
    """Tell whether a user may do something, and why. For a no the exit code is 1."""
    answer = actions.users.can(user, permission, ignore_status=ignore_status)
    out.record(answer, views.ANSWER)
    out.notes(actions.odd_references.notes("User", answer["id"], ("User", "Role")))
    if not answer["allowed"]:
        raise typer.Exit(1)
