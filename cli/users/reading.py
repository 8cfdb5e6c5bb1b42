"""The commands that show users and what they may do."""

from datetime import datetime
from typing import Annotated

import typer

import actions
from cli import views
from cli.group import FILTERS, Options, Timed, part
from cli.output import text
from cli.params import TIME_FORMS, Page, Permission, ReadOut, User, moment

app = part()


class Filters(Options, heading=FILTERS):
    """Options that choose the users that a command lists or exports."""

    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="Only users with this status: ACTIVE, SUSPENDED, EMAIL_VERIFIED, none (missing or invalid).",
        ),
    ] = None
    role: Annotated[str | None, typer.Option("--role", metavar="ROLE", help="Only users with this role.")] = None
    permission: Annotated[
        str | None,
        typer.Option(
            "--permission",
            metavar="PERMISSION",
            help='Only users with this permission, from any role. Adds the column "through".',
        ),
    ] = None
    search: Annotated[
        str | None,
        typer.Option(
            "--search",
            metavar="TEXT",
            help="Only users with all these words in e-mail, username or name, in any order, in upper or lower case.",
        ),
    ] = None
    email_domain: Annotated[
        str | None,
        typer.Option("--email-domain", metavar="DOMAIN", help="Only users with an e-mail address of this domain."),
    ] = None
    created_since: Annotated[
        datetime | None,
        typer.Option(
            "--created-since",
            metavar="TIME",
            parser=moment,
            help=f"Only users created at or after this time {TIME_FORMS}.",
        ),
    ] = None
    created_before: Annotated[
        datetime | None,
        typer.Option("--created-before", metavar="TIME", parser=moment, help="Only users created before this time."),
    ] = None
    inactive_since: Annotated[
        datetime | None,
        typer.Option(
            "--inactive-since",
            metavar="TIME",
            parser=moment,
            help="Only users who have not signed in since this time, or never.",
        ),
    ] = None
    unverified: Annotated[bool, typer.Option("--unverified", help="Only users whose e-mail is not verified.")] = False
    no_password: Annotated[bool, typer.Option("--no-password", help="Only users without a password.")] = False
    provider: Annotated[
        str | None,
        typer.Option(
            "--provider", metavar="NAME", help="Only users with a linked sign-in of this provider, for example google."
        ),
    ] = None
    no_roles: Annotated[bool, typer.Option("--no-roles", help="Only users without a role.")] = False


@app.command(
    "list",
    columns=views.USERS,
    sortable=actions.SORTABLE["users"],
    example="chatctl users list --role support --inactive-since 90d",
    cls=Timed,
)
def list_(out: ReadOut, filters: Filters, page: Page) -> None:
    """List users. Filters are combined with AND."""
    view = views.USERS if filters.permission is None else views.HOLDERS
    found = actions.users.find(actions.users.Filters(**vars(filters)))
    out.rows(found, view, page)


@app.command(example="chatctl users show ada@example.org", cls=Timed)
def show(user: User, out: ReadOut) -> None:
    """Show a user with all details. The latest events about the user are at the end."""
    below = {"access": views.ACCESS, "accounts": views.ACCOUNTS, "events": views.EVENTS}
    found = actions.users.show(user)
    out.record(found, views.USER, below=below)
    out.notes(actions.wrong_id_types.notes("User", found["id"]))


@app.command(example="chatctl users can grace message.delete && echo yes")
def can(
    user: User,
    permission: Permission,
    out: ReadOut,
    *,
    ignore_status: Annotated[bool, typer.Option("--ignore-status", help="Treat a suspended user as active.")] = False,
) -> None:
    """Tell whether a user has a permission, and why. If not, the exit code is 1."""
    answer = actions.users.can(user, permission, ignore_status=ignore_status)
    out.record(answer, views.ANSWER)
    out.notes(actions.wrong_id_types.notes("User", answer["id"], ("User", "Role")))
    if not answer["allowed"]:
        out.notes(f"to allow it: {text.quoted(line)}" for line in actions.users.ways_to_allow(user, answer))
        raise typer.Exit(1)
