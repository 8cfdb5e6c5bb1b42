"""The commands of `chatctl access`."""

import sys
from datetime import datetime
from typing import Annotated

import typer

import actions
from cli import output, views
from cli.group import FILTERS, Options, Timed, part
from cli.params import AccessOut, AllowLastMember, Confirm, Out, Overwrite, Page, Permission, To, User, moment
from database.errors import UsageError

app = part()

Roles = Annotated[
    list[str],
    typer.Option(
        "--role", metavar="ROLE", help="Only this role (repeatable).", show_default=False, rich_help_panel=FILTERS
    ),
]


class ReportOptions(Options, heading=FILTERS):
    """Options that choose the times and the privileged roles of an access report."""

    idle: Annotated[
        datetime,
        typer.Option(
            "--idle",
            metavar="TIME",
            parser=moment,
            default_factory=lambda: "90d",
            show_default=False,
            help="Report privileged users without a sign-in since this time.  [default: 90d]",
        ),
    ]
    granted: Annotated[
        datetime,
        typer.Option(
            "--granted",
            metavar="TIME",
            parser=moment,
            default_factory=lambda: "30d",
            show_default=False,
            help="Report the roles granted since this time.  [default: 30d]",
        ),
    ]
    privileged: Annotated[
        list[str],
        typer.Option(
            "--privileged",
            metavar="ROLE",
            help="Role of privileged users (repeatable).  [default: the protected roles]",
            show_default=False,
        ),
    ] = []  # noqa: RUF012 - the list is only read


@app.command(example="chatctl access report --idle 180d")
def report(out: AccessOut, options: ReportOptions) -> None:
    """Report likely mistakes in roles and permissions.

    The report finds permissions that no role has, roles without permissions or members, equal and contained roles,
    users whose roles overlap, privileged users who do not sign in, and recent grants and who made them.
    """
    found = actions.access.report(idle_since=options.idle, granted_since=options.granted, privileged=options.privileged)
    out.items(found.rows, views.ACCESS_FINDINGS)
    out.notes(found.notes)


@app.command(
    example="chatctl access who message.delete",
    columns=views.HOLDERS,
    sortable=actions.SORTABLE["users"],
    cls=Timed,
)
def who(permission: Permission, out: AccessOut, page: Page) -> None:
    """List the users who have a permission, with the roles that give it."""
    found = actions.users.find(actions.users.Filters(permission=permission))
    out.rows(found, views.HOLDERS, page)


@app.command(example="chatctl access diff ada grace")
def diff(user: User, other: User, out: AccessOut) -> None:
    """Show the permissions that only one of two users has.

    The status of the users does not matter.
    """
    out.items(actions.access.diff(user, other), views.ACCESS_DIFFERENCES)


@app.command(example="chatctl access review --to review.csv\nchatctl access review review.csv --dry-run")
def review(
    out: Out,
    *,
    sheet: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="Review sheet with answers (- is standard input).", show_default=False),
    ] = None,
    to: To = None,
    roles: Roles = [],  # noqa: B006 - the list is only read
    overwrite: Overwrite = False,
    allow_last_member: AllowLastMember = False,
    confirm: Confirm,
) -> None:
    """Write a review sheet, or revoke the roles that it rejects.

    Without FILE, a sheet with each role of each user is written as CSV. In it, the reviewer writes yes or no into the
    column keep. With FILE, roles with the answer no are revoked; roles without an answer are kept. If a user no
    longer has a role with the answer no, the sheet is refused.
    """
    if sheet is None:
        rows = actions.access.sheet(roles)
        output.write_rows(rows, actions.access.SHEET, "csv", to or "-", overwrite=overwrite)
        return
    if to is not None or roles:
        raise UsageError("FILE cannot be combined with --to or --role", "without FILE, a sheet is written")
    from imports import review_sheets

    read = review_sheets.read(sheet, sys.stdin.buffer)
    change = actions.access.review(read.decisions, read.sha256, allow_last_member=allow_last_member)
    out.apply(change, confirm)
