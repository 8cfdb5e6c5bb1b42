"""Commands by which users go."""

from typing import Annotated

import typer

import actions
from cli.group import part
from cli.params import AllowLastMember, DryRun, Max, Out, Reason, SkipMissing, Users, Yes

app = part()

KeepConversations = Annotated[
    bool, typer.Option("--keep-conversations", help="Also one-to-one ones, which the application cannot show any more.")
]
Forever = Annotated[bool, typer.Option("--forever", help="Keep nothing to undo it with.")]


@app.command(example="chatctl users delete ada --dry-run")
def delete(
    users: Users,
    out: Out,
    *,
    keep_conversations: KeepConversations = False,
    forever: Forever = False,
    skip_missing: SkipMissing = False,
    allow_last_member: AllowLastMember = False,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    max_items: Max = None,
) -> None:
    """Delete users and all that depends on them: messages, one-to-one conversations, profile, linked sign-ins.

    To keep other people's conversations whole, erase them instead; to keep them from signing in, suspend them.
    """
    change = actions.users.delete(
        users,
        skip_missing=skip_missing,
        keep_conversations=keep_conversations,
        forever=forever,
        allow_last_member=allow_last_member,
    )
    out.apply(change, dry_run=dry_run, yes=yes, max_items=max_items, reason=reason)
