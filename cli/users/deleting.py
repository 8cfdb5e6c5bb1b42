"""Commands that delete users, or erase what is stored of a person."""

from typing import Annotated

import typer

import actions
from cli.group import Revealing, part
from cli.params import AllowLastMember, Confirm, Forever, Out, SkipMissing, User, Users

app = part()

KeepConversations = Annotated[
    bool, typer.Option("--keep-conversations", help="Also one-to-one ones, which the application cannot show any more.")
]


@app.command(example="chatctl users delete ada --dry-run", cls=Revealing)
def delete(
    users: Users,
    out: Out,
    *,
    keep_conversations: KeepConversations = False,
    forever: Forever = False,
    skip_missing: SkipMissing = False,
    allow_last_member: AllowLastMember = False,
    confirm: Confirm,
) -> None:
    """Delete users and all that depends on them.

    That is their messages, one-to-one conversations, profiles and linked accounts. To keep other people's conversations
    whole, erase them instead; to keep them from signing in, suspend them.
    """
    change = actions.users.delete(
        users,
        skip_missing=skip_missing,
        keep_conversations=keep_conversations,
        forever=forever,
        allow_last_member=allow_last_member,
    )
    out.apply(change, confirm)


@app.command(example="chatctl users erase ada@example.org --with-messages --dry-run", cls=Revealing)
def erase(
    user: User,
    out: Out,
    *,
    with_messages: Annotated[
        bool, typer.Option("--with-messages", help="Also the text and images of all messages they sent.")
    ] = False,
    allow_last_member: AllowLastMember = False,
    confirm: Confirm,
) -> None:
    """Forget a person for good. It cannot be undone.

    E-mail, names, password, roles, profile and linked accounts go, and what the audit trail holds of them; events that
    held it can no longer be undone. What stays is a suspended user without a name (erased-ID), so that the
    conversations of others stay whole: with the messages, unless --with-messages blanks those too. Images lie
    elsewhere: their addresses are printed, to be deleted there. Backups are not reached, and a --reason is kept as it
    is. Interrupted, it is finished by the same command.

    delete takes the conversations too, and can be undone; suspend keeps everything and stops sign-ins.
    """
    change = actions.users.erase(user, with_messages=with_messages, allow_last_member=allow_last_member)
    out.apply(change, confirm)
