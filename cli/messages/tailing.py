"""The command that follows messages as they are sent."""

from functools import partial
from typing import TYPE_CHECKING

import actions
from cli import views
from cli.errors import quiet_interrupt
from cli.group import TimedRevealing, part
from cli.output import text
from cli.params import FromSender, InConversation, StreamOut

if TYPE_CHECKING:
    from database.listing import Row

app = part()


@app.command(example="chatctl messages tail --conversation Lunch -o ndjson | jq -r .body", cls=TimedRevealing)
def tail(out: StreamOut, *, conversation: InConversation = None, sender: FromSender = None) -> None:
    """Show messages when they are sent, changed, redacted or deleted. Ctrl-C stops it.

    The server reports only the id of a deleted message. With --conversation or --sender, deletions are therefore shown
    only for messages sent while this runs and for the newest 10,000 before that. Without these filters all deletions
    are shown, those of older messages only by id.

    The command continues after a lost connection, but ends when the embedded server stops. If the server has no change
    streams, new messages are read every second, and redactions and deletions are not shown.
    """
    with quiet_interrupt():
        out.note_zone()
        rows = actions.messages.follow(conversation, sender, out.note)
        out.follow(rows, views.EVENTS_OF_MESSAGES, partial(_line, local=out.screen.zone is not None))


def _line(row: "Row", *, local: bool) -> str:
    """Return the line for an event. Its kind comes before all text of users, so that no text can imitate an event."""
    from actions.display_names import person_label

    time = text.cell(row.get("createAt"), local=local)
    where = text.cell(row.get("conversation"))
    who = text.safe(person_label(row["sender"])) if row.get("sender") else ""
    parts = [text.cell(row[key]) for key in ("body", "image") if row.get(key) is not None]
    content = f"message {text.cell(row['id'])}" if row["event"] == "deleted" else "  ".join(parts)
    message = f"{who}: {content}" if who else content
    return "  ".join(filter(None, [f"{time:17}", f"{row['event']:8}", where, message]))
