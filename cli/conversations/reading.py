"""The commands that show conversations and their transcripts."""

import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Annotated, Final

import typer

import actions
from cli import output, views
from cli.group import FILTERS, OUTPUT, Options, Timed, TimedRevealing, part
from cli.invocation import Invocation
from cli.output import masking, streams
from cli.params import (
    TIME_FORMS,
    Conversation,
    Overwrite,
    Page,
    ReadOut,
    Since,
    To,
    Until,
    file_format,
    format_of,
    moment,
    number,
)

app = part()


SLOW: Final = (
    "the index for the messages of a conversation is missing, so all messages are read, which is slow; "
    "create it with: chatctl db indexes --apply"
)


class Filters(Options, heading=FILTERS):
    """Options that choose the conversations that a command lists."""

    user: Annotated[str | None, typer.Option("--user", metavar="USER", help="Only conversations of this user.")] = None
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--between",
            metavar="USER USER",
            help="Only conversations of both users, including groups.",
            show_default=False,
        ),
    ] = None
    group: Annotated[bool, typer.Option("--group", help="Only groups.")] = False
    direct: Annotated[bool, typer.Option("--direct", help="Only one-to-one conversations.")] = False
    active_since: Annotated[
        datetime | None,
        typer.Option(
            "--active-since",
            metavar="TIME",
            parser=moment,
            help=f"Only conversations with a message since this time {TIME_FORMS}.",
        ),
    ] = None
    idle_since: Annotated[
        datetime | None,
        typer.Option(
            "--idle-since", metavar="TIME", parser=moment, help="Only conversations without a message since this time."
        ),
    ] = None
    search: Annotated[
        str | None,
        typer.Option(
            "--search", metavar="TEXT", help="Only groups whose name contains this text, in upper or lower case."
        ),
    ] = None
    empty: Annotated[bool, typer.Option("--empty", help="Only conversations without messages.")] = False


@app.command(
    "list",
    columns=views.CONVERSATIONS,
    sortable=actions.SORTABLE["conversations"],
    example="chatctl conversations list --between ada bob --active-since 7d",
    cls=Timed,
)
def list_(out: ReadOut, filters: Filters, page: Page) -> None:
    """List conversations, the latest activity first. Filters are combined with AND."""
    found = actions.conversations.find(actions.conversations.Filters(**vars(filters)))
    if not page.count and out.form != "ids":
        note_if_slow(out.note)
    out.rows(found, views.CONVERSATIONS, page)


@app.command(example="chatctl conversations show 'Night shift'", cls=TimedRevealing)
def show(conversation: Conversation, out: ReadOut) -> None:
    """Show a conversation and its participants.

    Unread messages are those after the last message that a participant has seen or sent.
    """
    below = {"people": views.PARTICIPANTS, "ends": views.ENDS}
    found = actions.conversations.show(conversation)
    out.record(found, views.CONVERSATION, below=below)
    out.notes(actions.wrong_id_types.notes("Conversation", found["id"]))


def note_if_slow(say: Callable[[str], None]) -> None:
    """Print a note if reading will be slow, because the index for the messages of a conversation is missing."""
    if actions.conversations.lacks_index():
        say(SLOW)


Pieces = Callable[..., Iterable[str]]

FOR_PEOPLE: Final = ("text", "markdown", "html")
FORMATS: Final = (*FOR_PEOPLE, "json", "ndjson", "csv")


class TranscriptPart(Options, heading=FILTERS):
    """Options that choose the messages of a transcript."""

    since: Since = None
    until: Until = None
    last: Annotated[
        int | None, typer.Option("--last", metavar="N", parser=number(1), help="Only the last N messages.")
    ] = None
    around: Annotated[
        str | None,
        typer.Option("--around", metavar="MESSAGE", help="Only this message, ten messages before it and ten after it."),
    ] = None


@app.command(
    example="chatctl conversations transcript lobby --last 50\nchatctl conversations transcript lobby --to lobby.html",
    cls=TimedRevealing,
)
def transcript(
    conversation: Conversation,
    ctx: typer.Context,
    *,
    part: TranscriptPart,
    ids: Annotated[
        bool | None,
        typer.Option(
            "--ids/--no-ids",
            help="Show message ids, or leave them out.  [default: shortened on a terminal, else left out]",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    form: Annotated[str | None, file_format(FORMATS)] = None,
    to: To = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the messages of a conversation, oldest first. Times are in UTC; text on a terminal has local times."""
    from cli.output.progress import with_progress

    found = actions.conversations.transcript(conversation, **vars(part))
    chosen = format_of(form, to, FORMATS)
    note = output.say if chosen != "json" else output.silent
    note_if_slow(note)
    invocation = Invocation.of(ctx.meta)
    shown = masking.may_show(invocation, note, [found.place.id])
    rows = found.rows() if shown else masking.masked_rows(found.rows(), masking.PRIVATE)
    on_screen = to in {None, *output.STANDARD_OUTPUT} and chosen == "text" and streams.is_terminal(sys.stdout)
    if on_screen and ids is not False:
        rows = actions.conversations.with_short_ids(rows)
    if for_file := to not in {None, *output.STANDARD_OUTPUT}:
        rows = with_progress(rows, found.count)
    if chosen not in FOR_PEOPLE:
        output.write_rows(rows, [column.key for column in views.MESSAGES], chosen, to or "-", overwrite=overwrite)
        return
    pieces = _layouts(for_file=for_file, zone=None if for_file else output.zone_of(invocation))[chosen]
    with output.paged(), output.writing(to or "-", overwrite=overwrite) as write:
        for piece in pieces(found, rows, ids=on_screen if ids is None else ids):
            write(piece)


def _layouts(*, for_file: bool, zone: str | None) -> dict[str, Pieces]:
    from cli.conversations.chat import html, markdown, terminal

    text = partial(terminal.pieces, for_file=for_file, zone=zone)
    return {"text": text, "markdown": markdown.pieces, "html": html.pieces}
