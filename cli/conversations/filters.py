"""Options that say which conversations are meant, where many are."""

from datetime import datetime
from typing import Annotated

import typer

from cli.group import Options
from cli.params import moment


class Filters(Options):
    """Which conversations a command lists."""

    user: Annotated[str | None, typer.Option("--user", metavar="USER", help="That this user is in.")] = None
    between: Annotated[
        tuple[str, str] | None,
        typer.Option("--between", metavar="USER USER", help="That both are in, groups too.", show_default=False),
    ] = None
    group: Annotated[bool, typer.Option("--group", help="Groups alone.")] = False
    direct: Annotated[bool, typer.Option("--direct", help="One-to-one conversations alone.")] = False
    active_since: Annotated[
        datetime | None,
        typer.Option("--active-since", metavar="TIME", parser=moment, help="With a message since then."),
    ] = None
    idle_since: Annotated[
        datetime | None, typer.Option("--idle-since", metavar="TIME", parser=moment, help="With no message since then.")
    ] = None
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Groups whose name has it, in any case.")
    ] = None
    empty: Annotated[bool, typer.Option("--empty", help="Without any message.")] = False
