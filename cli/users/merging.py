"""The commands that find duplicate users, and merge them."""

from typing import Annotated, Final

import typer

import actions
from cli import views
from cli.group import Revealing, Timed, part
from cli.params import AllowLastMember, Confirm, Out, Page, ReadOut, SkipMissing, choice, repeatable
from cli.users.changing import KeepConversations

app = part()

ROLES: Final = ("keep", "union")


@app.command(
    columns=views.DUPLICATES, sortable=actions.SORTABLE["users"], example="chatctl users duplicates", cls=Timed
)
def duplicates(out: ReadOut, page: Page) -> None:
    """List probable duplicates, and why.

    A user is listed if an older user is probably the same person. The column SAME AS has the older user. The reason is
    the same e-mail address (ignoring case, dots and parts after a plus), the same name and telephone number, or the
    same account at a provider.
    """
    found = actions.users.find_duplicates()
    out.rows(found.listing, views.DUPLICATES, page)
    out.notes(found.notes)


@app.command(example="chatctl users merge ada2 --into ada --dry-run", cls=Revealing)
def merge(
    users: Annotated[
        list[str], repeatable("FROM", "Usernames, e-mail addresses or ids (- reads them from standard input).")
    ],
    out: Out,
    *,
    into: Annotated[
        str,
        typer.Option("--into", metavar="USER", help="User who stays, and gets everything.", show_default=False),
    ],
    roles: Annotated[
        str,
        typer.Option(
            "--roles",
            metavar="|".join(ROLES),
            parser=choice(ROLES),
            help="Roles of USER after the merge: only the own ones (keep), or those of FROM too (union).",
        ),
    ] = ROLES[0],
    keep_conversations: KeepConversations = False,
    skip_missing: SkipMissing = False,
    confirm: Confirm,
    allow_last_member: AllowLastMember = False,
) -> None:
    """Merge duplicate users into one user.

    FROM are deleted. USER gets their messages, conversations and linked sign-ins, the earlier time of creation and the
    later sign-in. Name, profile and password are taken from FROM only where USER has none. E-mail, username and status
    of USER stay. Two one-to-one conversations with the same person become one. The conversation of FROM and USER with
    each other is deleted, unless --keep-conversations is given. If the command is interrupted, run it again to finish
    the work.
    """
    change = actions.users.merge(
        users,
        into,
        union=roles == "union",
        keep_conversations=keep_conversations,
        skip_missing=skip_missing,
        allow_last_member=allow_last_member,
    )
    out.apply(change, confirm)
