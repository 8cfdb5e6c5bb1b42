"""Questions to the person at the terminal."""

import getpass
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from cli.invocation import Invocation
from cli.output import for_people, masking, say, streams, text
from database.errors import CancelledError
from database.own_collections import AUDIT
from database.wording import counted

if TYPE_CHECKING:
    from changes import Changeset
    from cli.output import Output
    from database.own_collections import Marker

Row = dict[str, Any]

MESSAGE_OF: Final = "the message of "
LONGEST_BODY: Final = 200
"""Characters of a message that a question shows."""


def confirm(out: "Output", changeset: "Changeset", notes: Iterable[str], marker: "Marker | None") -> None:
    """Show what would happen, to whom, and ask; raises `CancelledError` for a no.

    In a protected database the answer is its name.
    """
    import actions
    from changes import effects

    rows = actions.question_items.describe(changeset)
    if changeset.asked.of == "Message" and not out.may_show_bodies(*(row["id"] for row in rows if "id" in row)):
        rows = [masking.masked_message(row) for row in rows]
    for line in (*_above(changeset, rows, out.screen.zone), *effects(changeset), *notes):
        say(f"  {out.pasteable(line)}")
    question = _question(changeset, rows, out.screen.zone)
    if marker is None:
        agreed = ask(f"{question}? [y/N] ").lower() in {"y", "yes"}
    else:
        say(f"{question}? This database is protected.")
        agreed = ask(f'Type "{marker.name}" to confirm: ') == marker.name
    if not agreed:
        raise CancelledError


def _question(changeset: "Changeset", rows: Sequence[Row], zone: str | None) -> str:
    """Say what is done to what: `Suspend ada (Ada Lovelace, ada@example.org)`, `Delete 12 roles`."""
    verb, of, rest = changeset.asked
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
    """List the first of many items; a single one is named in the question, but for the text of a message."""
    of, number = changeset.asked.of, changeset.changed
    for row in rows if of else ():
        body = [_body(row["body"])] if "body" in row else []
        yield from body if number == 1 else [": ".join([_name(of or "", row, zone).removeprefix(MESSAGE_OF), *body])]
    if of and number > len(rows):
        yield f"and {number - len(rows):,} more"


def _name(of: str, row: Row, zone: str | None) -> str:
    """Name an item so that people see which is meant; times are those of a zone, or of UTC."""
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
    """Show the text of a message on one line."""
    shown = text.cell(body) or "(no text)"
    return shown if len(shown) <= LONGEST_BODY else f"{shown[:LONGEST_BODY]}… ({len(shown):,} characters)"


def can_ask(invocation: Invocation) -> bool:
    """Tell whether a question can be seen and answered, and is allowed."""
    if invocation.no_input or invocation.items_from_stdin:
        return False
    return streams.is_terminal(sys.stdin) and streams.is_terminal(sys.stderr)


def can_pick(invocation: Invocation) -> bool:
    """Tell whether a person can choose from a menu: on a whole terminal, and never in a CI job."""
    on_screen = streams.is_terminal(sys.stdout) and os.environ.get("TERM", "dumb") != "dumb"
    return on_screen and can_ask(invocation) and not os.environ.get("CI")


def ask(question: str) -> str:
    """Ask a question on the terminal, and return the answer without the blanks around it."""
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
    """Ask for a secret on the terminal, unseen; None where nothing more can be typed."""
    typed = None
    try:
        typed = getpass.getpass(prompt, sys.stderr)
    except EOFError:
        return None
    finally:
        if typed is None:
            say("")
    return typed
