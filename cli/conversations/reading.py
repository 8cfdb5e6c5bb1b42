"""Commands that show conversations, and change nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

import typer

import actions
from cli import views
from cli.group import Options, Timed, TimedRevealing, part
from cli.params import Conversation, Page, ReadOut, moment

app = part()


SLOW: Final = (
    "there is no index for the messages of a conversation: all messages are gone through, which takes long; "
    "make it with: chatctl db indexes --apply"
)


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


@app.command("list", example="chatctl conversations list --between ada bob --active-since 7d", cls=Timed)
def list_(out: ReadOut, filters: Filters, page: Page) -> None:
    """List conversations, the latest activity first. Of several filters all have to hold."""
    found = actions.conversations.find(actions.conversations.Filters(**vars(filters)))
    if not page.count and out.form != "ids":
        note_if_slow(out.note)
    out.rows(found, views.CONVERSATIONS, page)


@app.command(example="chatctl conversations show 'Night shift'", cls=TimedRevealing)
def show(conversation: Conversation, out: ReadOut) -> None:
    """Show a conversation and its people. Unread are the messages after the last one that each has seen or written."""
    below = {"people": views.PARTICIPANTS, "ends": views.ENDS}
    found = actions.conversations.show(conversation)
    out.record(found, views.CONVERSATION, below=below)
    out.notes(actions.wrong_id_types.notes("Conversation", found["id"]))


def note_if_slow(say: Callable[[str], None]) -> None:
    """Say that an index is missing, and how it is made."""
    if actions.conversations.lacks_index():
        say(SLOW)
