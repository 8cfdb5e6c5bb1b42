"""Ask the user at the terminal for confirmations and passwords, and tell whether questions are possible."""

import getpass
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cli.invocation import Invocation
from cli.output import for_people, masking, say, streams, text
from database.errors import CancelledError, LeftError
from database.own_collections import AUDIT
from database.wording import counted

if TYPE_CHECKING:
    from changes import Changeset
    from cli.output import Output
    from database.own_collections import Marker

Row = dict[str, Any]

MESSAGE_OF: Final = "the message of "
LONGEST_BODY: Final = 200
"""The most characters of a message that a question shows."""


def confirm(out: "Output", changeset: "Changeset", notes: Iterable[str], marker: "Marker | None") -> None:
    """Print the items and effects of a write, and ask for confirmation. Raises `CancelledError` if the user says no.

    Ctrl-C raises `LeftError`. In a protected database, the user must type the name of the protection (`marker.name`)
    instead of y. In other databases, a few questions demand a text (`changeset.asked.typed`) instead of y.
    """
    import actions
    from changes import effects

    rows = actions.question_items.describe(changeset)
    if changeset.asked.of == "Message" and not out.may_show_bodies(*(row["id"] for row in rows if "id" in row)):
        rows = [masking.masked_message(row) for row in rows]
    for line in (*_above(changeset, rows, out.screen.zone), *effects(changeset), *notes):
        say(f"  {out.pasteable(line)}")
    question = _question(changeset, rows, out.screen.zone)
    try:
        if marker is not None:
            say(f"{question}? This database is protected.")
            agreed = ask(f'Type "{marker.name}" to confirm: ') == marker.name
        elif changeset.asked.typed:
            say(f"{question}?")
            agreed = ask(f'Type "{changeset.asked.typed}" to confirm: ') == changeset.asked.typed
        else:
            agreed = ask(f"{question}? [y/N] ").lower() in {"y", "yes"}
    except KeyboardInterrupt:
        raise LeftError from None
    if not agreed:
        raise CancelledError


def _question(changeset: "Changeset", rows: Sequence[Row], zone: str | None) -> str:
    """Return the text of the question, like `Suspend ada (Ada Lovelace, ada@example.org)` or `Delete 12 roles`."""
    verb, of, rest, _ = changeset.asked
    if of is None:
        return verb
    number = changeset.changed
    thing = (
        _name(of, rows[0], zone)
        if number == len(rows) == 1
        else counted(number, "event" if of == AUDIT else of.lower())
    )
    return f"{verb} {thing} {rest}".rstrip()


def _above(changeset: "Changeset", rows: Sequence[Row], zone: str | None) -> Iterator[str]:
    """Yield the lines above the question: the first items if there are several, or the text of a single message.

    For any other single item there is no line, because the question names this item.
    """
    of, number = changeset.asked.of, changeset.changed
    for row in rows if of else ():
        body = [_body(row["body"])] if "body" in row else []
        yield from body if number == 1 else [": ".join([_name(of or "", row, zone).removeprefix(MESSAGE_OF), *body])]
    if of and number > len(rows):
        yield f"and {number - len(rows):,} more"


def _name(of: str, row: Row, zone: str | None) -> str:
    """Return the name of an item with details, like `ada (Ada Lovelace)`. If `zone` is None, times are in UTC."""
    if "sender" in row:
        return f"{MESSAGE_OF}{text.cell(row['sender'])}, {_time(row['createAt'], zone) or 'without a date'}"
    title = text.cell(row.get("username") or row["ref"])
    known = [text.cell(row[key]) for key in ("name", "email", "actor") if row.get(key)]
    details = ", ".join([*known, *([_time(row["at"], zone)] if row.get("at") else [])])
    return f"{title} ({details})" if details else title if of in {"User", AUDIT} else f"{of.lower()} {title}"


def _time(value: Any, zone: str | None) -> str:
    shown = text.cell(value, local=zone is not None)
    return f"{shown} {zone}" if zone and isinstance(value, datetime) else shown


def _body(body: Any) -> str:
    """Return the text of a message on one line. A long text is cut."""
    shown = text.cell(body) or "(no text)"
    return shown if len(shown) <= LONGEST_BODY else f"{shown[:LONGEST_BODY]}… ({len(shown):,} characters)"


def can_ask(invocation: Invocation) -> bool:
    """Tell whether the user can be asked.

    Questions need a terminal. They are not possible with `--no-input`, or if the names for the command come from
    standard input.
    """
    if invocation.no_input or invocation.items_from_stdin:
        return False
    return streams.is_terminal(sys.stdin) and streams.is_terminal(sys.stderr)


def can_pick(invocation: Invocation) -> bool:
    """Tell whether a menu is possible: only if input and output are a terminal that is not `dumb`, and never in CI."""
    on_screen = streams.is_terminal(sys.stdout) and os.environ.get("TERM", "dumb") != "dumb"
    return on_screen and can_ask(invocation) and not os.environ.get("CI")


def ask(question: str) -> str:
    """Ask a question on the terminal. Return the answer without spaces around it."""
    line = ""
    try:
        sys.stderr.write(for_people(question))
        sys.stderr.flush()
        line = sys.stdin.readline()
    finally:
        if not line.endswith("\n"):
            streams.say("")
    return line.strip()


def ask_hidden(prompt: str) -> str | None:
    """Ask for a secret. The typed text is not shown. Return None if the input has ended (Ctrl-D).

    Ctrl-C raises `LeftError`.
    """
    typed = None
    try:
        typed = getpass.getpass(prompt, sys.stderr)
    except EOFError:
        return None
    except KeyboardInterrupt:
        raise LeftError from None
    finally:
        if typed is None:
            say("")
    return typed
