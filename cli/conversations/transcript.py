"""The transcript of a conversation."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Annotated, Final

import typer

import actions
from cli import output, views
from cli.conversations.reading import note_if_slow
from cli.group import FILTERS, Revealing, part
from cli.invocation import Invocation
from cli.output import masking
from cli.params import Conversation, Overwrite, Since, To, Until, file_format, format_of, number

app = part()

Pieces = Callable[..., Iterable[str]]

FOR_PEOPLE: Final = ("text", "markdown", "html")
FORMATS: Final = (*FOR_PEOPLE, "json", "ndjson", "csv")


@app.command(
    example="chatctl conversations transcript lobby --last 50\nchatctl conversations transcript lobby --to lobby.html",
    cls=Revealing,
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
    form: Annotated[str | None, file_format(FORMATS)] = None,
    to: To = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the messages of a conversation, oldest first. Times are in UTC."""
    from cli.conversations.chat import html, markdown, terminal
    from cli.output.progress import with_progress

    found = actions.conversations.transcript(conversation, since=since, until=until, last=last, around=around)
    chosen = format_of(form, to, FORMATS)
    note = output.say if chosen != "json" else output.silent
    note_if_slow(note)
    shown = masking.may_show(Invocation.of(ctx.meta), note, [found.place.id])
    rows = found.rows() if shown else masking.masked_rows(found.rows(), masking.PRIVATE)
    if for_file := to not in {None, *output.STANDARD_OUTPUT}:
        rows = with_progress(rows, found.count)
    if chosen not in FOR_PEOPLE:
        output.write_rows(rows, [column.key for column in views.MESSAGES], chosen, to or "-", overwrite=overwrite)
        return
    text = partial(terminal.pieces, for_file=for_file)
    pieces: dict[str, Pieces] = {"text": text, "markdown": markdown.pieces, "html": html.pieces}
    with output.writing(to or "-", overwrite=overwrite) as write:
        for piece in pieces[chosen](found, rows):
            write(piece)
