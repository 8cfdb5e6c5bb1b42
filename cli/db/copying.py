"""The command `chatctl db copy`: it copies a database without the people in it."""

from typing import Annotated, Any

import typer

import actions
from cli.group import FILTERS, Revealing, part
from cli.params import Confirm, Out, Since, number
from database.errors import UsageError

app = part()


def _one_of(given: dict[str, Any], *, required: bool = False) -> None:
    """Raise `UsageError` if several of the options are given, or none of them although one is required."""
    options = [name for name, value in given.items() if value]
    if len(options) > 1:
        raise UsageError(f"{' and '.join(options[:2])} cannot be combined", "use only one of them")
    if required and not options:
        raise UsageError(f"{' or '.join(given)} is required")


@app.command(
    example="chatctl db copy --local-as play --users 500\n"
    "chatctl db copy --local-as night --conversation 'Night shift' --dry-run",
    cls=Revealing,
)
def copy(
    out: Out,
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="CONTEXT", help="Copy into the empty database of this context.")
    ] = None,
    local_as: Annotated[
        str | None,
        typer.Option(
            "--local-as", metavar="NAME", help="Copy into a new database of the embedded server, and add context NAME."
        ),
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(
            "--users",
            metavar="N",
            parser=number(1),
            help="Only N users, and the conversations in which only they are.",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    since: Since = None,
    conversation: Annotated[
        list[str],
        typer.Option(
            "--conversation",
            metavar="CONVERSATION",
            help="Only this conversation: id, or exact name of a group (repeatable).",
            show_default=False,
            rich_help_panel=FILTERS,
        ),
    ] = [],  # noqa: B006 - the list is only read
    anonymize: Annotated[
        bool, typer.Option("--anonymize", help="Replace everything that tells something about people (the default).")
    ] = False,
    as_is: Annotated[
        str | None,
        typer.Option("--as-is", metavar="NAME", help="Copy all personal data. NAME is the name of this database."),
    ] = None,
    password: Annotated[
        str | None,
        typer.Option("--password", metavar="TEXT", help="Password of all users of the copy.  [default: no password]"),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete an unfinished copy in the target, and start again.")
    ] = False,
    confirm: Confirm,
) -> None:
    """Copy the database into an empty one, without the people in it.

    Names, e-mail addresses, usernames, telephone numbers, addresses, URLs, messages, names of groups and unknown fields
    become made-up ones of the same script, length and form. The same value always becomes the same in one copy. Roles,
    permissions, links and short numbers stay. All times are shifted by the same time, and ids are replaced. Password
    hashes, tokens and the ids of providers are not copied. With --users, --since or --conversation, only a part is
    copied, with everything that belongs to it. In the source, nothing is changed.
    """
    copying = actions.database.copying
    _one_of({"--to": to is not None, "--local-as": local_as is not None}, required=True)
    _one_of({"--users": users, "--since": since, "--conversation": conversation})
    _one_of({"--as-is": as_is is not None, "--anonymize": anonymize, "--password": password is not None and as_is})
    target = copying.local_context(local_as) if local_as is not None else copying.named_context(to or "")
    if as_is is not None:
        copying.check_as_is(as_is, reveal=out.invocation.reveal or confirm.dry_run)
    wanted = copying.wanted(users, since, conversation)
    style = copying.Style(as_is is not None, password)
    with copying.planned(target, wanted, style, replace=replace, writes=not confirm.dry_run) as change:
        out.apply(change, confirm)
