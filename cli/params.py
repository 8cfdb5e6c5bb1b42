"""Arguments and options that several commands share, with the same meaning everywhere."""

import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any, Final, cast

import typer

from cli.group import FILTERS, OUTPUT, PAGING, REASON, SAFETY, Options
from cli.invocation import Invocation, is_not_utf8
from cli.output import Output
from database import times
from database.errors import InvalidInputError
from database.wording import did_you_mean, shown

LINES: Final = ("table", "wide", "json", "ndjson", "yaml", "csv")
WIDE_HELP: Final = " wide is a table with all columns, never cut."
READ: Final = (*LINES, "ids")
WRITE: Final = ("table", "json")
STREAM: Final = ("table", "ndjson")
PLAN: Final = (*LINES, "markdown")
ACCESS: Final = (*READ, "markdown")
TESTS: Final = (*PLAN, "junit")
FIGURES: Final = ("table", "json", "csv")
FORMATS_BY_ENDING: Final = {
    ".txt": "text",
    ".md": "markdown",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".csv": "csv",
}
"""Ending of the name of a file → the format of the file."""
LARGEST: Final = 2**63 - 1
"""The largest whole number that a database can store."""


class InvalidValueError(typer.BadParameter):
    """The error for an invalid value of an option or argument.

    `cli.errors` adds the name of the option to the message.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def choice(words: Sequence[str]) -> Callable[[str], str]:
    """Return a parser that accepts only these words."""

    def read(text: str) -> str:
        if text not in words:
            allowed = " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
            raise InvalidValueError(f"{shown(text)} is not valid here. Choose {allowed}.", did_you_mean(text, words))
        return text

    return read


def _output(forms: Sequence[str]) -> Any:
    def output(ctx: typer.Context, form: str) -> Output:
        return Output(form, Invocation.of(ctx.meta))

    return typer.Option(
        "--output",
        "-o",
        metavar="|".join(forms),
        parser=choice(forms),
        callback=output,
        default_factory=lambda: forms[0],
        # This option is parsed first, because other parameters print in this format while they are parsed.
        is_eager=True,
        show_default=False,
        rich_help_panel=OUTPUT,
        help=f"Output format.{WIDE_HELP if 'wide' in forms else ''}  [default: {forms[0]}]",
    )


def file_format(forms: Sequence[str]) -> Any:
    """Return the option `-o` for a command that writes files."""
    return typer.Option(
        "--output",
        "-o",
        metavar="|".join(forms),
        parser=choice(forms),
        rich_help_panel=OUTPUT,
        help=f"Output format.  [default: by the name of the file, otherwise {forms[0]}]",
    )


def format_of(form: str | None, to: str | None, forms: Sequence[str]) -> str:
    """Return the output format: `form`, the value of `-o`, if it is given.

    Without `-o`, the ending of the file name `to` decides. If it decides nothing, return the first of `forms`.
    """
    by_name = FORMATS_BY_ENDING.get(PurePath(to or "").suffix.lower())
    return form or (by_name if by_name in forms else None) or forms[0]


def moment(text: str) -> datetime:
    """Parse a time, or an age like `7d` (see `database.times.moment`). Raises `InvalidValueError` for other texts."""
    time = times.moment(text)
    if time is None:
        allowed = "2026-03-01, 2026-03-01T10:00Z or an age like 7d"
        raise InvalidValueError(f"{shown(text)} is not a valid time. Use {allowed}.")
    return time


def number(least: int, most: int = LARGEST) -> Callable[[str | int], int]:
    """Return a parser for whole numbers from `least` to `most`."""

    def read(given: str | int) -> int:  # Typer also parses the default value
        text = str(given)
        if not re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
            raise InvalidValueError(f"{shown(text)} is not a whole number")
        if int(text) < least:
            raise InvalidValueError(f"must be {least} or more")
        if int(text) > most:
            raise InvalidValueError(f"must be {most:,} or less")
        return int(text)

    return read


def _typed_or_stdin(ctx: typer.Context, items: list[str]) -> list[str]:
    """Return the items. If the only item is `-`, return the lines of standard input instead."""
    if items != ["-"]:
        return items
    Invocation.of(ctx.meta).items_from_stdin = True
    try:
        # Windows programs put a byte order mark first, and end lines with \r\n.
        text = (sys.stdin.read() if sys.stdin else "").removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise InvalidInputError("standard input is not UTF-8") from None
    names = [name for line in text.split("\n") if (name := line.rstrip("\r")).strip()]
    if any(map(is_not_utf8, names)):
        raise InvalidInputError("standard input is not UTF-8")
    if not names:
        ctx.params["out"].nothing_to_do()
        raise typer.Exit
    return names


def input_file(ctx: typer.Context, name: str) -> str:
    """Return the name of a file to read (`-` is standard input). Refuse an empty name."""
    if not name:
        raise typer.BadParameter("a path cannot be empty")
    Invocation.of(ctx.meta).items_from_stdin = name == "-"
    return name


def repeatable(noun: str, text: str) -> Any:
    """Return an argument that takes one or more names or ids. `-` reads them from standard input."""
    return typer.Argument(metavar=f"{noun}...", callback=_typed_or_stdin, show_default=False, help=text)


Out = Annotated[Output, _output(WRITE)]
ApplyOut = Annotated[Output, _output((*WRITE, "markdown"))]
ReadOut = Annotated[Output, _output(READ)]

LinesOut = Annotated[Output, _output(LINES)]
StreamOut = Annotated[Output, _output(STREAM)]
AccessOut = Annotated[Output, _output(ACCESS)]
PlanOut = Annotated[Output, _output(PLAN)]
TestsOut = Annotated[Output, _output(TESTS)]
FiguresOut = Annotated[Output, _output(FIGURES)]

User = Annotated[
    str,
    typer.Argument(
        metavar="USER",
        help="Username, e-mail address or id. A prefix (username:, email: or id:) forces one of them.",
        show_default=False,
    ),
]
Users = Annotated[
    list[str], repeatable("USER", "Usernames, e-mail addresses or ids (- reads them from standard input).")
]
Role = Annotated[str, typer.Argument(metavar="ROLE", help="Name or id of a role.", show_default=False)]
Roles = Annotated[list[str], repeatable("ROLE", "Names or ids of roles (- reads them from standard input).")]
Permission = Annotated[
    str, typer.Argument(metavar="PERMISSION", help="Name or id of a permission.", show_default=False)
]
Permissions = Annotated[
    list[str], repeatable("PERMISSION", "Names or ids of permissions (- reads them from standard input).")
]
NewName = Annotated[str, typer.Argument(metavar="NEW", help="New name.", show_default=False)]
Event = Annotated[str, typer.Argument(metavar="EVENT", help="Id of an event, or its first digits.", show_default=False)]

Conversation = Annotated[
    str,
    typer.Argument(metavar="CONVERSATION", help="Id of a conversation, or exact name of a group.", show_default=False),
]
Conversations = Annotated[
    list[str],
    repeatable("CONVERSATION", "Ids of conversations, or exact names of groups (- reads them from standard input)."),
]
Message = Annotated[str, typer.Argument(metavar="MESSAGE", help="Id of a message.", show_default=False)]
Messages = Annotated[list[str], repeatable("MESSAGE", "Ids of messages (- reads them from standard input).")]


class Page(Options, heading=PAGING):
    """Options that choose the rows, the columns and the order of a printed list."""

    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", metavar="A,B,C", help="Print only these columns, in this order.", rich_help_panel=OUTPUT
        ),
    ] = None
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="FIELD|-FIELD",
            help="Sort by this field; -FIELD sorts in descending order.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    count: Annotated[
        bool, typer.Option("--count", help="Print only the number of matches.", rich_help_panel=OUTPUT)
    ] = False
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", parser=number(1), help="Print at most N rows.  [default: 50 in a table, else all]"
        ),
    ] = None
    all: Annotated[bool, typer.Option("--all", help="Print all rows, in a table too.")] = False
    after: Annotated[str | None, typer.Option("--after", metavar="ID", help="Start after this id.")] = None


class Decide(Options, heading=SAFETY):
    """Options that preview, confirm and explain a change.

    A command that cannot be proposed takes these options. Other commands take `Confirm`, which has more.
    """

    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would change, and change nothing.")] = (
        False
    )
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to every question.")] = False
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason",
            metavar="TEXT",
            envvar=REASON,
            show_envvar=False,
            help="Reason, kept in the audit trail (or set CHATCTL_REASON).",
        ),
    ] = None
    max = cast("int | None", None)
    propose = False
    save_plan = cast("str | None", None)


class Confirm(Decide, heading=SAFETY):
    """Options that preview, confirm, limit, explain and propose a change."""

    max: Annotated[
        int | None,
        typer.Option("--max", metavar="N", parser=number(0), help="Refuse to change more than N items."),
    ] = None
    propose: Annotated[
        bool,
        typer.Option("--propose", help="Change nothing; let another person approve it. Requires --reason."),
    ] = False
    save_plan: Annotated[
        str | None,
        typer.Option("--save-plan", metavar="FILE", help="Change nothing; save the plan for chatctl apply FILE."),
    ] = None


Proposal = Annotated[
    str, typer.Argument(metavar="PROPOSAL", help="Id of a proposal, or its first digits.", show_default=False)
]
Forever = Annotated[bool, typer.Option("--forever", help="Keep no data for an undo.")]
SkipMissing = Annotated[bool, typer.Option("--skip-missing", help="Skip items that do not exist.")]
AllowLastMember = Annotated[
    bool,
    typer.Option(
        "--allow-last-member",
        help="Allow a protected role to lose its last active member.",
        rich_help_panel=SAFETY,
    ),
]
AllowLockout = Annotated[
    bool,
    typer.Option("--allow-lockout", help="Allow the user to lose their last way to sign in.", rich_help_panel=SAFETY),
]

ToZip = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="FILE",
        help="Zip file to write, readable only by you (- is standard output).",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="FILE",
        help="Write to this file, readable only by you.  [default: standard output]",
        rich_help_panel=OUTPUT,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.", rich_help_panel=OUTPUT)]


def _filter(name: str, metavar: str, text: str, parser: Callable[[str], Any] | None = None) -> Any:
    return typer.Option(name, metavar=metavar, parser=parser, help=text, show_default=False, rich_help_panel=FILTERS)


TIME_FORMS: Final = "(2026-03-01, 2026-03-01T10:00Z or an age like 7d)"
Since = Annotated[datetime | None, _filter("--since", "TIME", f"Start at this time {TIME_FORMS}.", moment)]
Until = Annotated[datetime | None, _filter("--until", "TIME", "Stop before this time.", moment)]
Before = Annotated[datetime, _filter("--before", "TIME", f"Only before this time {TIME_FORMS}.", moment)]
InConversation = Annotated[
    str | None,
    _filter("--conversation", "CONVERSATION", "Only messages of this conversation (id, or exact name of a group)."),
]
FromSender = Annotated[str | None, _filter("--sender", "USER", "Only messages from this user.")]
