"""Commands that show messages, and change nothing."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import FILTERS, Options, TimedRevealing, part
from cli.output import masking, silent
from cli.params import FromSender, InConversation, Message, Page, ReadOut, Since, Until
from database.errors import RefusedError

app = part()


class Filters(Options, heading=FILTERS):
    """Which messages a command lists or searches."""

    conversation: InConversation = None
    sender: FromSender = None
    since: Since = None
    until: Until = None
    with_image: Annotated[bool, typer.Option("--with-image", help="Only messages with an image.")] = False
    unseen_by: Annotated[
        str | None,
        typer.Option("--unseen-by", metavar="USER", help="Only messages that this participant has not seen."),
    ] = None


@app.command(
    "list",
    columns=views.MESSAGES,
    sortable=actions.SORTABLE["messages"],
    example="chatctl messages list --conversation 'Night shift' --since 7d",
    cls=TimedRevealing,
)
def list_(out: ReadOut, filters: Filters, page: Page) -> None:
    """List messages, newest first. Filters are combined with AND."""
    found = actions.messages.find(actions.messages.Filters(**vars(filters)))
    out.rows(found, views.MESSAGES, page)


@app.command(
    columns=views.MATCHES,
    sortable=actions.SORTABLE["messages"],
    example="chatctl messages search 'see you' --sender ada --since 4w",
    cls=TimedRevealing,
)
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Text to search for, in any case.", show_default=False)],
    out: ReadOut,
    *,
    regex: Annotated[bool, typer.Option("--regex", help="Read TEXT as a regular expression (PCRE).")] = False,
    filters: Filters,
    page: Page,
) -> None:
    """Search the text of messages, newest first. Filters are combined with AND.

    The server stops the search after ten seconds. Filters make it faster.
    """
    found = actions.messages.search(text, actions.messages.Filters(**vars(filters)), pattern=regex)
    if not masking.may_show(out.invocation, silent):  # counts and ids would reveal texts too
        hint = "to search, add --reveal --reason TEXT"
        raise RefusedError("Search is blocked here because messages are masked.", hint)
    out.rows(found, views.MATCHES, page)


@app.command(example="chatctl messages show 66a1f0c2d4e5f60718293a4b", cls=TimedRevealing)
def show(message: Message, out: ReadOut) -> None:
    """Show a message and who has seen it."""
    row = actions.messages.show(message)
    out.record(row, views.MESSAGE, passage="body")
