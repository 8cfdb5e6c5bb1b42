"""The commands of `chatctl messages`. Start reading at `list_`."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

import actions
from cli import views
from cli.errors import quiet_interrupt
from cli.group import FILTERS, Options, Revealing, TimedRevealing, part
from cli.output import masking, say, silent, streams, text
from cli.params import (
    Before,
    Confirm,
    Forever,
    FromSender,
    InConversation,
    Message,
    Messages,
    Out,
    Page,
    ReadOut,
    Since,
    SkipMissing,
    StreamOut,
    Until,
    number,
)
from database.errors import InvalidInputError, RefusedError, UsageError

if TYPE_CHECKING:
    from database.listing import Row


app = part()


class Filters(Options, heading=FILTERS):
    """Options that choose the messages that a command lists or searches."""

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
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="Text to search for, in upper or lower case.", show_default=False)
    ],
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
    # Without messages, the number or the ids of matches would still show which texts exist.
    if not masking.may_show(out.invocation, silent):
        hint = "to search, add --reveal --reason TEXT"
        raise RefusedError("Search is blocked here because messages are masked.", hint)
    out.rows(found, views.MATCHES, page)


@app.command(example="chatctl messages show 66a1f0c2d4e5f60718293a4b", cls=TimedRevealing)
def show(message: Message, out: ReadOut) -> None:
    """Show a message and who has seen it."""
    row = actions.messages.show(message)
    out.record(row, views.MESSAGE, passage="body")


@app.command(
    example="chatctl messages send --conversation engines --from ada --body 'Hello.'\n"
    "fortune | chatctl messages send --conversation engines --from ada",
    cls=Revealing,
)
def send(
    out: Out,
    *,
    conversation: Annotated[
        str,
        typer.Option(
            "--conversation",
            metavar="CONVERSATION",
            help="Id of a conversation, or exact name of a group.",
            show_default=False,
        ),
    ],
    sender: Annotated[
        str,
        typer.Option("--from", metavar="USER", help="Sender, a participant of the conversation.", show_default=False),
    ],
    body: Annotated[str | None, typer.Option("--body", metavar="TEXT", help="Text of the message.")] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="URL", help="URL of an image (https:// or http://).")
    ] = None,
    confirm: Confirm,
) -> None:
    """Send a message as a participant.

    Without --body and --image, the text is read from standard input.
    """
    if body is None and image is None:
        # An invalid conversation or sender raises an error here, before the user types the text.
        actions.messages.destination(conversation, sender)
        body = _typed_body(out)
    change = actions.messages.send(conversation, sender, body=body, image=image)
    out.apply(change, confirm)


@app.command(example="chatctl messages redact 66a1f0c2d4e5f60718293a4b --reason 'a telephone number'", cls=Revealing)
def redact(
    messages: Messages,
    out: Out,
    *,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="New text.  [default: [removed by an administrator]]")
    ] = None,
    forever: Forever = False,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Replace the text of messages, and remove their images.

    Image files are stored elsewhere: their URLs are printed, so that you can delete them there.
    """
    change = actions.messages.redact(messages, text=text, forever=forever, skip_missing=skip_missing)
    out.apply(change, confirm)


@app.command(example="chatctl messages delete 66a1f0c2d4e5f60718293a4b --dry-run", cls=Revealing)
def delete(
    messages: Messages,
    out: Out,
    *,
    forever: Forever = False,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Delete messages.

    The messages are also removed from their conversations and from the lists of seen messages. If the command is
    interrupted, run it again with --skip-missing to finish the work.
    """
    change = actions.messages.delete(messages, skip_missing=skip_missing, forever=forever)
    out.apply(change, confirm)


@app.command(example="chatctl messages purge --before 2024-01-01 --keep-last 50 --dry-run -o json", cls=Revealing)
def purge(
    out: Out,
    *,
    before: Before,
    conversation: InConversation = None,
    sender: FromSender = None,
    keep_last: Annotated[
        int | None,
        typer.Option(
            "--keep-last",
            metavar="N",
            parser=number(1),
            help="Keep the last N messages of each conversation.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    forever: Forever = False,
    confirm: Confirm,
) -> None:
    """Delete messages that were sent before a time.

    --keep-last counts the messages of all senders, also with --sender. --max counts messages. If the command is
    interrupted, run it again to finish the work.
    """
    change = actions.messages.purge(
        before, conversation=conversation, sender=sender, keep_last=keep_last, forever=forever
    )
    out.apply(change, confirm)


def _typed_body(out: Out) -> str:
    """Read the text of a message from standard input. Reading stops as soon as the text is too long."""
    from actions.messages.changing import LARGEST_BODY, refuse_size

    if streams.is_terminal(sys.stdin):
        if out.invocation.no_input:
            raise UsageError(
                "--no-input: chatctl does not ask for the text of the message",
                "add --body, or write the text to standard input",
            )
        say("type the message; Ctrl-D on an empty line sends it, Ctrl-C cancels")
    data = sys.stdin.buffer.read(LARGEST_BODY + len(b"\r\n") + 1) if sys.stdin else b""
    line = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    refuse_size(len(line))
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise InvalidInputError("standard input is not UTF-8") from None


@app.command(example="chatctl messages tail --conversation Lunch -o ndjson | jq -r .body", cls=TimedRevealing)
def tail(out: StreamOut, *, conversation: InConversation = None, sender: FromSender = None) -> None:
    """Show messages when they are sent, changed, redacted or deleted. Ctrl-C stops it.

    The server reports only the id of a deleted message. The command knows the newest 10,000 messages from before its
    start, and all messages sent while it runs. With --conversation or --sender, only deletions of these messages are
    shown. Without these filters, all deletions are shown; for older messages, only the id is shown.

    The command continues after a lost connection, but ends when the embedded server stops. If the server has no change
    streams, new messages are read every second, and redactions and deletions are not shown.
    """
    with quiet_interrupt():
        out.note_zone()
        rows = actions.messages.follow(conversation, sender, out.note)
        out.follow(rows, views.EVENTS_OF_MESSAGES, partial(_line, local=out.screen.zone is not None))


def _line(row: "Row", *, local: bool) -> str:
    """Return the line for an event of a message, like `sent` or `deleted`.

    The kind of the event comes before any text of users, so that no message can look like an event.
    """
    from actions.display_names import person_label

    time = text.cell(row.get("createAt"), local=local)
    where = text.cell(row.get("conversation"))
    who = text.safe(person_label(row["sender"])) if row.get("sender") else ""
    parts = [text.cell(row[key]) for key in ("body", "image") if row.get(key) is not None]
    content = f"message {text.cell(row['id'])}" if row["event"] == "deleted" else "  ".join(parts)
    message = f"{who}: {content}" if who else content
    return "  ".join(filter(None, [f"{time:17}", f"{row['event']:8}", where, message]))
