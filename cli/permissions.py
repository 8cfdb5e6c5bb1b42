"""The commands of `chatctl permissions`."""

from typing import Annotated

import actions
from cli import views
from cli.group import part
from cli.params import Confirm, NewName, Out, Page, Permission, Permissions, ReadOut, SkipMissing, repeatable

app = part()


@app.command(
    "list",
    columns=views.PERMISSIONS,
    sortable=actions.SORTABLE["permissions"],
    example="chatctl permissions list --sort name",
)
def list_(out: ReadOut, page: Page) -> None:
    """List permissions with the roles and users that have them."""
    found = actions.permissions.find()
    out.rows(found, views.PERMISSIONS, page)


@app.command(example="chatctl permissions show message.delete")
def show(permission: Permission, out: ReadOut) -> None:
    """Show a permission and the roles that have it."""
    found = actions.permissions.show(permission)
    out.record(found, views.PERMISSIONS)
    out.notes(actions.wrong_id_types.notes("Permission", found["id"]))


@app.command(example="chatctl permissions create report.read report.close")
def create(
    names: Annotated[list[str], repeatable("NAME", "Names of the new permissions (- reads them from standard input).")],
    out: Out,
    confirm: Confirm,
) -> None:
    """Create permissions."""
    change = actions.permissions.create(names)
    out.apply(change, confirm)


@app.command(example="chatctl permissions rename user.read person.read")
def rename(permission: Permission, new: NewName, out: Out, confirm: Confirm) -> None:
    """Rename a permission. Roles keep it."""
    change = actions.permissions.rename(permission, new)
    out.apply(change, confirm)


@app.command(example="chatctl permissions delete user.suspend --dry-run")
def delete(
    permissions: Permissions,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Delete permissions. Roles lose them."""
    change = actions.permissions.delete(permissions, skip_missing=skip_missing)
    out.apply(change, confirm)
