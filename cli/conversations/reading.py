"""Commands that show conversations, and change nothing."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final

import typer

import actions
from cli import views
from cli.group import FILTERS, Options, Timed, TimedRevealing, part
from cli.params import TIME_FORMS, Conversation, Page, ReadOut, moment

app = part()


SLOW: Final = (
    "the index for the messages of a conversation is missing, so all messages are read, which is slow; "
    "create it with: chatctl db indexes --apply"
)


class Filters(Options, heading=FILTERS):
    """Which conversations a command lists."""

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
        typer.Option("--search", metavar="TEXT", help="Only groups whose name contains this text, in any case."),
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
    """Print a note if the index for messages of a conversation is missing."""
    if actions.conversations.lacks_index():
        say(SLOW)
