"""chatctl roles."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import group
from cli.params import (
    After,
    All,
    AllowLastMember,
    Columns,
    Count,
    DryRun,
    Limit,
    Max,
    NewName,
    Out,
    Permissions,
    ReadOut,
    Reason,
    Role,
    Roles,
    SkipMissing,
    Sort,
    Yes,
)

app = group()


@app.command("list", example="chatctl roles list --sort name -o csv")
def list_(
    out: ReadOut,
    *,
    columns: Columns = None,
    sort: Sort = None,
    limit: Limit = None,
    all_: All = False,
    after: After = None,
    count: Count = False,
) -> None:
    """List roles with their members and permissions."""
    found = actions.roles.find()
    out.rows(found, views.ROLES, columns=columns, sort=sort, limit=limit, all_=all_, after=after, count=count)


@app.command(example="chatctl roles show support")
def show(role: Role, out: ReadOut) -> None:
    """Show a role, its members counted and its permissions."""
    found = actions.roles.show(role)
    out.record(found, views.ROLES)
    out.notes(actions.wrong_id_types.notes("Role", found["id"]))


@app.command(example="chatctl roles create desk --permission user.read --permission user.suspend")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the new role.", show_default=False)],
    out: Out,
    *,
    permission: Annotated[
        list[str] | None, typer.Option("--permission", metavar="PERMISSION", help="What it allows; may be repeated.")
    ] = None,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Create a role."""
    change = actions.roles.create(name, permission or [])
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl roles rename support helpdesk")
def rename(
    role: Role,
    new: NewName,
    out: Out,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Rename a role; it keeps its members and permissions."""
    change = actions.roles.rename(role, new)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl roles copy support night-support")
def copy(
    role: Role,
    new: NewName,
    out: Out,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Create a role with the permissions of another. Members are not copied."""
    change = actions.roles.copy(role, new)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl roles delete intern --dry-run")
def delete(
    roles: Roles,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    allow_last_member: AllowLastMember = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Delete roles; their members lose them."""
    change = actions.roles.delete(roles, skip_missing=skip_missing, allow_last_member=allow_last_member)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl roles grant support user.read user.suspend")
def grant(
    role: Role,
    permissions: Permissions,
    out: Out,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Let a role allow more."""
    change = actions.roles.grant(role, permissions)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl roles revoke support user.suspend --dry-run")
def revoke(
    role: Role,
    permissions: Permissions,
    out: Out,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Let a role allow less."""
    change = actions.roles.revoke(role, permissions)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl roles matrix -o csv")
def matrix(out: ReadOut) -> None:
    """Show which role allows what: roles across, permissions down."""
    names, rows = actions.roles.matrix()
    out.matrix(rows, names, views.MATRIX)


@app.command(example="chatctl roles diff support moderator")
def diff(role: Role, other: Role, out: ReadOut) -> None:
    """Show the permissions that only one of two roles has."""
    out.items(actions.roles.diff(role, other), views.DIFFERENCES)
