"""Commands that show users, and change nothing."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import part
from cli.params import After, All, Columns, Count, Limit, Permission, ReadOut, Sort, User
from cli.users.filters import (
    CreatedBefore,
    CreatedSince,
    EmailDomain,
    HavingPermission,
    HavingRole,
    InactiveSince,
    NoPassword,
    NoRoles,
    Provider,
    Search,
    Status,
    Unverified,
)

app = part()


@app.command("list", example="chatctl users list --role support --inactive-since 90d")
def list_(
    out: ReadOut,
    *,
    status: Status = None,
    role: HavingRole = None,
    permission: HavingPermission = None,
    search: Search = None,
    email_domain: EmailDomain = None,
    created_since: CreatedSince = None,
    created_before: CreatedBefore = None,
    inactive_since: InactiveSince = None,
    unverified: Unverified = False,
    no_password: NoPassword = False,
    provider: Provider = None,
    no_roles: NoRoles = False,
    columns: Columns = None,
    sort: Sort = None,
    limit: Limit = None,
    all_: All = False,
    after: After = None,
    count: Count = False,
) -> None:
    """List users; of several filters all have to hold."""
    filters = actions.users.Filters(
        status=status,
        role=role,
        permission=permission,
        search=search,
        email_domain=email_domain,
        created_since=created_since,
        created_before=created_before,
        inactive_since=inactive_since,
        unverified=unverified,
        no_password=no_password,
        provider=provider,
        no_roles=no_roles,
    )
    view = views.USERS if permission is None else views.HOLDERS
    found = actions.users.find(filters)
    out.rows(found, view, columns=columns, sort=sort, limit=limit, all_=all_, after=after, count=count)


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
        raise typer.Exit(1)
