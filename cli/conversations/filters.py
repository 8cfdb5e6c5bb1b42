"""Options that say which conversations are meant, where many are."""

from datetime import datetime
from typing import Annotated

import typer

from cli.params import moment

WithUser = Annotated[str | None, typer.Option("--user", metavar="USER", help="That this user is in.")]
Between = Annotated[
    tuple[str, str] | None,
    typer.Option("--between", metavar="USER USER", help="That both are in, groups too.", show_default=False),
]
Group = Annotated[bool, typer.Option("--group", help="Groups alone.")]
Direct = Annotated[bool, typer.Option("--direct", help="One-to-one conversations alone.")]
ActiveSince = Annotated[
    datetime | None, typer.Option("--active-since", metavar="TIME", parser=moment, help="With a message since then.")
]
IdleSince = Annotated[
    datetime | None, typer.Option("--idle-since", metavar="TIME", parser=moment, help="With no message since then.")
]
Search = Annotated[str | None, typer.Option("--search", metavar="TEXT", help="Groups whose name has it, in any case.")]
Empty = Annotated[bool, typer.Option("--empty", help="Without any message.")]
