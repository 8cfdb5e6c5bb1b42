"""Commands that send, redact and delete messages."""

import sys
from typing import Annotated

import typer

import actions
from cli.group import FILTERS, Revealing, part
from cli.output import say, streams
from cli.params import Before, Confirm, Forever, FromSender, InConversation, Messages, Out, SkipMissing, number
from database.errors import InvalidInputError, UsageError

app = part()


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
        actions.messages.destination(conversation, sender)  # refuse before the text is typed
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

    They are also removed from their conversations and from the lists of seen messages. If the command is interrupted,
    run it again with --skip-missing to finish the work.
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
    """Read a message from standard input, but not more bytes than a message may have."""
    from actions.messages.changing import LARGEST_BODY, refuse_size

    if streams.is_terminal(sys.stdin):
        if out.invocation.no_input:
            raise UsageError("--no-input: the text of the message cannot be typed", "give it with --body")
        say("type the message; Ctrl-D on an empty line sends it, Ctrl-C cancels")
    data = sys.stdin.buffer.read(LARGEST_BODY + len(b"\r\n") + 1) if sys.stdin else b""
    line = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    refuse_size(len(line))
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise InvalidInputError("standard input is not UTF-8") from None
