"""The transcript of a conversation."""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Annotated, Final

import typer

import actions
from cli import output, views
from cli.conversations.reading import note_if_slow
from cli.group import FILTERS, TimedRevealing, part
from cli.invocation import Invocation
from cli.output import masking, streams
from cli.params import Conversation, Overwrite, Since, To, Until, file_format, format_of, number

app = part()

Pieces = Callable[..., Iterable[str]]

FOR_PEOPLE: Final = ("text", "markdown", "html")
FORMATS: Final = (*FOR_PEOPLE, "json", "ndjson", "csv")


@app.command(
    example="chatctl conversations transcript lobby --last 50\nchatctl conversations transcript lobby --to lobby.html",
    cls=TimedRevealing,
)
def transcript(
    conversation: Conversation,
    ctx: typer.Context,
    *,
    since: Since = None,
    until: Until = None,
    last: Annotated[
        int | None,
        typer.Option(
            "--last", metavar="N", parser=number(1), help="Only the last N messages.", rich_help_panel=FILTERS
        ),
    ] = None,
    around: Annotated[
        str | None,
        typer.Option(
            "--around",
            metavar="MESSAGE",
            help="Only this message, ten messages before it and ten after it.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    ids: Annotated[
        bool | None,
        typer.Option("--ids/--no-ids", help="Show message ids. The default on a terminal, with their first digits."),
    ] = None,
    form: Annotated[str | None, file_format(FORMATS)] = None,
    to: To = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the messages of a conversation, oldest first. Times are in UTC; text on a terminal has local times."""
    from cli.output.progress import with_progress

    found = actions.conversations.transcript(conversation, since=since, until=until, last=last, around=around)
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
