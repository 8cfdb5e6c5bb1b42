"""Options that say which users are meant, where many are."""

from datetime import datetime
from typing import Annotated

import typer

from cli.params import moment

Status = Annotated[
    str | None,
    typer.Option(
        "--status", metavar="STATUS", help="ACTIVE, SUSPENDED, EMAIL_VERIFIED, or none for a missing or invalid status."
    ),
]
HavingRole = Annotated[str | None, typer.Option("--role", metavar="ROLE", help="Who have this role.")]
HavingPermission = Annotated[
    str | None, typer.Option("--permission", metavar="PERMISSION", help="Who have this permission, through any role.")
]
Search = Annotated[
    str | None, typer.Option("--search", metavar="TEXT", help="Whose e-mail, username or name has it, in any case.")
]
EmailDomain = Annotated[
    str | None, typer.Option("--email-domain", metavar="DOMAIN", help="Whose e-mail address is of this domain.")
]
CreatedSince = Annotated[
    datetime | None, typer.Option("--created-since", metavar="TIME", parser=moment, help="Created from then on.")
]
CreatedBefore = Annotated[
    datetime | None, typer.Option("--created-before", metavar="TIME", parser=moment, help="Created before then.")
]
InactiveSince = Annotated[
    datetime | None,
    typer.Option("--inactive-since", metavar="TIME", parser=moment, help="No sign-in since, or never one."),
]
Unverified = Annotated[bool, typer.Option("--unverified", help="Whose e-mail is not known to be theirs.")]
NoPassword = Annotated[bool, typer.Option("--no-password", help="Who have no password.")]
Provider = Annotated[
    str | None, typer.Option("--provider", metavar="NAME", help="Who can sign in with a linked account there.")
]
NoRoles = Annotated[bool, typer.Option("--no-roles", help="Who have no role.")]
