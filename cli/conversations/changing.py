"""Commands that change conversations."""

from typing import Annotated

import typer

import actions
from cli.group import Revealing, part
from cli.params import Confirm, Conversation, Conversations, Forever, Out, SkipMissing, Users

app = part()


@app.command(example="chatctl conversations create ada grace\nchatctl conversations create ada grace alan --name tea")
def create(
    users: Users,
    out: Out,
    *,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Make it a group of this name.")] = None,
    confirm: Confirm,
) -> None:
    """Begin a conversation: of two people, or with --name a group.

    Two people have one conversation with each other: where it is there already, nothing changes.
    """
    change = actions.conversations.create(users, name=name)
    out.apply(change, confirm)


@app.command(example="chatctl conversations add engines ada grace@example.org")
def add(
    conversation: Conversation,
    users: Users,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Let users into a group. They can read what was written before."""
    change = actions.conversations.add(conversation, users, skip_missing=skip_missing)
    out.apply(change, confirm)


@app.command(example="chatctl conversations remove engines ada --dry-run")
def remove(
    conversation: Conversation,
    users: Users,
    out: Out,
    *,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Take users out of a conversation. Their messages stay, and what they have seen."""
    change = actions.conversations.remove(conversation, users, skip_missing=skip_missing)
    out.apply(change, confirm)


@app.command(example="chatctl conversations rename engines 'Analytical engines'")
def rename(
    conversation: Conversation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.", show_default=False)],
    out: Out,
    confirm: Confirm,
) -> None:
    """Give a group another name."""
    change = actions.conversations.rename(conversation, name)
    out.apply(change, confirm)


@app.command(example="chatctl conversations delete engines --dry-run", cls=Revealing)
def delete(
    conversations: Conversations,
    out: Out,
    *,
    forever: Forever = False,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
) -> None:
    """Delete conversations with all their messages.

    Interrupted, it is finished by the same command, with --skip-missing where some of several are gone.
    """
    change = actions.conversations.delete(conversations, skip_missing=skip_missing, forever=forever)
    out.apply(change, confirm)
