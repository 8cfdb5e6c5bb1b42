"""Commands that show users, and change nothing."""

from datetime import datetime
from typing import Annotated

import typer

import actions
from cli import views
from cli.group import Options, part
from cli.output import text
from cli.params import Page, Permission, ReadOut, User, moment

app = part()


class Filters(Options):
    """Which users a command lists or exports."""

    status: Annotated[
        str | None,
        typer.Option(
            "--status",
            metavar="STATUS",
            help="ACTIVE, SUSPENDED, EMAIL_VERIFIED, or none for a missing or invalid status.",
        ),
    ] = None
    role: Annotated[str | None, typer.Option("--role", metavar="ROLE", help="Who have this role.")] = None
    permission: Annotated[
        str | None,
        typer.Option("--permission", metavar="PERMISSION", help="Who have this permission, through any role."),
    ] = None
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Whose e-mail, username or name has it, in any case.")
    ] = None
    email_domain: Annotated[
        str | None, typer.Option("--email-domain", metavar="DOMAIN", help="Whose e-mail address is of this domain.")
    ] = None
    created_since: Annotated[
        datetime | None, typer.Option("--created-since", metavar="TIME", parser=moment, help="Created from then on.")
    ] = None
    created_before: Annotated[
        datetime | None, typer.Option("--created-before", metavar="TIME", parser=moment, help="Created before then.")
    ] = None
    inactive_since: Annotated[
        datetime | None,
        typer.Option("--inactive-since", metavar="TIME", parser=moment, help="No sign-in since, or never one."),
    ] = None
    unverified: Annotated[bool, typer.Option("--unverified", help="Whose e-mail is not known to be theirs.")] = False
    no_password: Annotated[bool, typer.Option("--no-password", help="Who have no password.")] = False
    provider: Annotated[
        str | None, typer.Option("--provider", metavar="NAME", help="Who can sign in with a linked account there.")
    ] = None
    no_roles: Annotated[bool, typer.Option("--no-roles", help="Who have no role.")] = False


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
    out.notes(actions.wrong_id_types.notes("User", found["id"]))


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
    out.notes(actions.wrong_id_types.notes("User", answer["id"], ("User", "Role")))
    if not answer["allowed"]:
        out.notes(f"to allow it: {text.quoted(line)}" for line in actions.users.ways_to_allow(user, answer))
        raise typer.Exit(1)
