"""Commands for users who leave, and for those who want to know what is stored of them."""

from typing import Annotated

import typer

import actions
from cli import output
from cli.group import Revealing, part
from cli.output import bodies
from cli.params import AllowLastMember, Confirm, Forever, LinesOut, Out, Overwrite, SkipMissing, User, Users
from database.errors import UsageError

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


@app.command("export-data", example="chatctl users export-data ada --to ada.zip", cls=Revealing)
def export_data(
    user: User,
    out: LinesOut,
    *,
    to: Annotated[
        str,
        typer.Option("--to", metavar="FILE", help="The zip, private to you; - is stdout.", show_default=False),
    ],
    with_names: Annotated[
        bool, typer.Option("--with-names", help="Name other people; else they are numbered.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Write all that is stored of a person into a zip.

    It is for them to have, and holds their own data and messages as JSON and as a page to read: no hash, no token,
    nothing that others wrote.
    """
    from cli.users import personal_data

    data = actions.users.export_data(user, with_names=with_names)
    show = (lambda row: row) if out.may_show_bodies(data.id) else bodies.masked_message
    with output.opened(to, overwrite=overwrite) as file:
        if file.isatty():
            raise UsageError("a zip is nothing for a terminal", "name a file with --to")
        counts = personal_data.write(data, file, show)
    said = personal_data.summary(data.label, counts)
    if to in output.STANDARD_OUTPUT:
        out.note(said)
    else:
        out.document({"id": data.id, "to": to, **counts}, [f"{said}, written to {to}"])
