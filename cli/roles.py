"""The commands of `chatctl roles`."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import part
from cli.params import (
    AllowLastMember,
    Confirm,
    NewName,
    Out,
    Page,
    Permissions,
    ReadOut,
    Role,
    Roles,
    SkipMissing,
)

app = part()


@app.command(
    "list",
    columns=views.ROLES,
    sortable=actions.SORTABLE["roles"],
    example="chatctl roles list --sort name -o csv",
)
def list_(out: ReadOut, page: Page) -> None:
    """List roles with their members and permissions."""
    found = actions.roles.find()
    out.rows(found, views.ROLES, page)


@app.command(example="chatctl roles show support")
def show(role: Role, out: ReadOut) -> None:
    """Show a role: its permissions and the number of its members."""
    found = actions.roles.show(role)
    out.record(found, views.ROLES)
    out.notes(actions.wrong_id_types.notes("Role", found["id"]))


@app.command(example="chatctl roles create desk --permission user.read --permission user.suspend")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new role.", show_default=False)],
    out: Out,
    *,
    permission: Annotated[
        list[str] | None,
        typer.Option("--permission", metavar="PERMISSION", help="Permission of the role, by name or id (repeatable)."),
    ] = None,
    confirm: Confirm,
) -> None:
    """Create a role."""
    change = actions.roles.create(name, permission or [])
    out.apply(change, confirm)


@app.command(example="chatctl roles rename support helpdesk")
def rename(role: Role, new: NewName, out: Out, confirm: Confirm) -> None:
    """Rename a role. It keeps its members and permissions."""
    change = actions.roles.rename(role, new)
    out.apply(change, confirm)


@app.command(example="chatctl roles copy support night-support")
def copy(role: Role, new: NewName, out: Out, confirm: Confirm) -> None:
    """Create a role with the permissions of another role. Members are not copied."""
    change = actions.roles.copy(role, new)
    out.apply(change, confirm)


@app.command(example="chatctl roles delete intern --dry-run")
def delete(
    roles: Roles,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
) -> None:
    """Delete roles. Their members lose them."""
    change = actions.roles.delete(roles, skip_missing=skip_missing, allow_last_member=allow_last_member)
    out.apply(change, confirm)


@app.command(example="chatctl roles grant support user.read user.suspend")
def grant(role: Role, permissions: Permissions, out: Out, confirm: Confirm) -> None:
    """Add permissions to a role."""
    change = actions.roles.grant(role, permissions)
    out.apply(change, confirm)


@app.command(example="chatctl roles revoke support user.suspend --dry-run")
def revoke(role: Role, permissions: Permissions, out: Out, confirm: Confirm) -> None:
    """Remove permissions from a role."""
    change = actions.roles.revoke(role, permissions)
    out.apply(change, confirm)


@app.command(example="chatctl roles matrix -o csv")
def matrix(out: ReadOut) -> None:
    """Show which permissions each role has. Roles are columns, permissions are rows."""
    names, rows = actions.roles.matrix()
    with out.paged():
        out.matrix(rows, names, views.MATRIX)


@app.command(example="chatctl roles diff support moderator")
def diff(role: Role, other: Role, out: ReadOut) -> None:
    """Show the permissions that only one of two roles has."""
    out.items(actions.roles.diff(role, other), views.DIFFERENCES)
