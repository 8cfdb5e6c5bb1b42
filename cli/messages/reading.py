"""Commands that show messages, and change nothing."""

from typing import Annotated

import typer

import actions
from cli import views
from cli.group import Options, TimedRevealing, part
from cli.output import masking, silent
from cli.params import FromSender, InConversation, Message, Page, ReadOut, Since, Until
from database.errors import RefusedError

app = part()


class Filters(Options):
    """Which messages a command lists or searches."""

    conversation: InConversation = None
    sender: FromSender = None
    since: Since = None
    until: Until = None
    with_image: Annotated[bool, typer.Option("--with-image", help="With an image.")] = False
    unseen_by: Annotated[
        str | None, typer.Option("--unseen-by", metavar="USER", help="In this user's conversations, but not seen yet.")
    ] = None


@app.command("list", example="chatctl messages list --conversation 'Night shift' --since 7d", cls=TimedRevealing)
def list_(out: ReadOut, filters: Filters, page: Page) -> None:
    """List messages, newest first. Of several filters all have to hold."""
    found = actions.messages.find(actions.messages.Filters(**vars(filters)))
    out.rows(found, views.MESSAGES, page)


@app.command(example="chatctl messages search 'see you' --sender ada --since 4w", cls=TimedRevealing)
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for, in any case.", show_default=False)],
    out: ReadOut,
    *,
    regex: Annotated[bool, typer.Option("--regex", help="TEXT is a regular expression, as PCRE has them.")] = False,
    filters: Filters,
    page: Page,
) -> None:
    """Search what messages say, newest first. The server gives up after ten seconds; filters make it quicker."""
    found = actions.messages.search(text, actions.messages.Filters(**vars(filters)), pattern=regex)
    if not masking.may_show(out.invocation, silent):  # counts and ids would tell as well
        hint = "search with --reveal --reason TEXT"
        raise RefusedError("what people wrote is masked in this database, and a search would tell", hint)
    out.rows(found, views.MATCHES, page)


@app.command(example="chatctl messages show 66a1f0c2d4e5f60718293a4b", cls=TimedRevealing)
def show(message: Message, out: ReadOut) -> None:
    """Show a message, and who has seen it."""
    row = actions.messages.show(message)
    out.record(row, views.MESSAGE, passage="body")
