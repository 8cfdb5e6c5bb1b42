"""Commands that send messages, and take them away."""

from typing import Annotated

import typer

import actions
from cli.group import Revealing, part
from cli.messages import body as bodies
from cli.params import (
    Before,
    DryRun,
    Forever,
    FromSender,
    InConversation,
    Max,
    Messages,
    Out,
    Reason,
    SkipMissing,
    Yes,
    number,
)

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
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Send a message in the name of a participant.

    Without --body and --image the text is read from standard input.
    """
    if body is None and image is None:
        actions.messages.destination(conversation, sender)  # nobody types a message that cannot be sent
        body = bodies.typed()
    change = actions.messages.send(conversation, sender, body=body, image=image)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


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
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Take away what messages say; the messages stay.

    Their images go too. Images lie elsewhere: their addresses are printed, to be deleted there.
    """
    change = actions.messages.redact(messages, text=text, forever=forever, skip_missing=skip_missing)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


@app.command(example="chatctl messages delete 66a1f0c2d4e5f60718293a4b --dry-run", cls=Revealing)
def delete(
    messages: Messages,
    out: Out,
    *,
    forever: Forever = False,
    skip_missing: SkipMissing = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Delete messages.

    They go out of their conversations, and of the lists of those who have seen them. Interrupted, it is finished by the
    same command with --skip-missing.
    """
    change = actions.messages.delete(messages, skip_missing=skip_missing, forever=forever)
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)


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
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Delete the messages from before a time.

    The last N of a conversation are those of everybody, also with --sender. Interrupted, it is finished by the same
    command. --max counts messages.
    """
    change = actions.messages.purge(
        before, conversation=conversation, sender=sender, keep_last=keep_last, forever=forever
    )
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)
