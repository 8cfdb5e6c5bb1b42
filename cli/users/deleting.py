"""Commands that delete users, or erase personal data."""

from typing import Annotated

import typer

import actions
from cli.group import Revealing, part
from cli.params import AllowLastMember, Confirm, Forever, Out, SkipMissing, User, Users

app = part()

KeepConversations = Annotated[
    bool,
    typer.Option(
        "--keep-conversations", help="Keep one-to-one conversations, which the application can no longer show."
    ),
]


@app.command(example="chatctl users delete ada --dry-run", cls=Revealing)
def delete(
    users: Users,
    out: Out,
    *,
    keep_conversations: KeepConversations = False,
    forever: Forever = False,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
) -> None:
    """Delete users and everything that depends on them.

    Their messages, one-to-one conversations, profiles and linked sign-ins are deleted too. To keep the conversations of
    other people complete, use erase. To only block sign-ins, use suspend.
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
        bool, typer.Option("--with-messages", help="Also remove the text and images of all their messages.")
    ] = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
) -> None:
    """Erase the personal data of a user. This cannot be undone.

    Removed: e-mail, names, password, roles, profile and linked sign-ins, also from the audit trail. Events that held
    them can no longer be undone. Kept: a suspended placeholder user (erased-ID), so that the conversations of other
    people stay complete, and the user's messages unless --with-messages is given. Image files are stored elsewhere:
    their URLs are printed, so that you can delete them there. Backups are not changed, and the text of --reason is
    kept. If the command is interrupted, run it again to finish the work.

    To delete the conversations too, use delete, which can be undone. To only block sign-ins, use suspend.
    """
    change = actions.users.erase(user, with_messages=with_messages, allow_last_member=allow_last_member)
    out.apply(change, confirm)
