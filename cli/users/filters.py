"""Options that say which users are meant, where many are."""

from datetime import datetime
from typing import Annotated

import typer

from cli.group import Options
from cli.params import moment


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
