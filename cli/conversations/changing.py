"""The commands that create, change and delete conversations."""

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
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Create a group with this name.")] = None,
    confirm: Confirm,
) -> None:
    """Create a conversation of two users, or a group with --name.

    Two users can have only one conversation with each other. If it already exists, nothing changes.
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
    """Add users to a group. They can read earlier messages."""
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
    """Remove users from a conversation. Their messages and read marks are kept."""
    change = actions.conversations.remove(conversation, users, skip_missing=skip_missing)
    out.apply(change, confirm)


@app.command(example="chatctl conversations rename engines 'Analytical engines'")
def rename(
    conversation: Conversation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="New name.", show_default=False)],
    out: Out,
    confirm: Confirm,
) -> None:
    """Rename a group."""
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

    If the command is interrupted, run it again to finish the work, with --skip-missing if some conversations are
    already deleted.
    """
    change = actions.conversations.delete(conversations, skip_missing=skip_missing, forever=forever)
    out.apply(change, confirm)
