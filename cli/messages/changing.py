"""Commands that send, redact and delete messages."""

import sys
from typing import Annotated

import typer

import actions
from cli.group import Revealing, part
from cli.output import say, streams
from cli.params import Before, Confirm, Forever, FromSender, InConversation, Messages, Out, SkipMissing, number
from database.errors import InvalidInputError

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
            "--conversation", metavar="CONVERSATION", help="Into this one, by id or name.", show_default=False
        ),
    ],
    sender: Annotated[str, typer.Option("--from", metavar="USER", help="Who sends it.", show_default=False)],
    body: Annotated[str | None, typer.Option("--body", metavar="TEXT", help="The text.")] = None,
    image: Annotated[str | None, typer.Option("--image", metavar="URL", help="An image, https:// or http://.")] = None,
    confirm: Confirm,
) -> None:
    """Send a message in the name of a participant.

    Without --body and --image the text is read from standard input.
    """
    if body is None and image is None:
        actions.messages.destination(conversation, sender)  # nobody types a message that cannot be sent
        body = _typed_body()
    change = actions.messages.send(conversation, sender, body=body, image=image)
    out.apply(change, confirm)


@app.command(example="chatctl messages redact 66a1f0c2d4e5f60718293a4b --reason 'a telephone number'", cls=Revealing)
def redact(
    messages: Messages,
    out: Out,
    *,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="Instead of [removed by an administrator].")
    ] = None,
    forever: Forever = False,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Take away what messages say; the messages stay.

    Their images go too. Images lie elsewhere: their addresses are printed, to be deleted there.
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

    They go out of their conversations, and of the lists of those who have seen them. Interrupted, it is finished by the
    same command with --skip-missing.
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
            "--keep-last", metavar="N", parser=number(1), help="Keep the last N messages of each conversation."
        ),
    ] = None,
    forever: Forever = False,
    confirm: Confirm,
) -> None:
    """Delete the messages from before a time.

    The last N of a conversation are those of everybody, also with --sender. Interrupted, it is finished by the same
    command. --max counts messages.
    """
    change = actions.messages.purge(
        before, conversation=conversation, sender=sender, keep_last=keep_last, forever=forever
    )
    out.apply(change, confirm)


def _typed_body() -> str:
    """Read a message from standard input, never much more of it than a message may be long."""
    from actions.messages.changing import LARGEST_BODY, refuse_size

    if streams.is_terminal(sys.stdin):
        say("type the message; Ctrl-D on a line of its own ends it, Ctrl-C sends nothing")
    data = sys.stdin.buffer.read(LARGEST_BODY + len(b"\r\n") + 1) if sys.stdin else b""
    line = data.removesuffix(b"\n").removesuffix(b"\r") if data.endswith(b"\n") else data
    refuse_size(len(line))
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise InvalidInputError("standard input is not UTF-8") from None
