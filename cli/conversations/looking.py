"""Commands that show conversations, and change nothing."""

import actions
from cli import views
from cli.conversations.filters import Filters
from cli.conversations.indexes import note_if_slow
from cli.group import Revealing, part
from cli.params import Conversation, Page, ReadOut

app = part()


@app.command("list", example="chatctl conversations list --between ada bob --active-since 7d")
def list_(out: ReadOut, filters: Filters, page: Page) -> None:
    """List conversations, the latest activity first. Of several filters all have to hold."""
    found = actions.conversations.find(actions.conversations.Filters(**vars(filters)))
    if not page.count and out.form != "ids":
        note_if_slow(out.note)
    out.rows(found, views.CONVERSATIONS, page)


@app.command(example="chatctl conversations show 'Night shift'", cls=Revealing)
def show(conversation: Conversation, out: ReadOut) -> None:
    """Show a conversation and its people. Unread are the messages after the last one that each has seen or written."""
    below = {"people": views.PARTICIPANTS, "ends": views.ENDS}
    found = actions.conversations.show(conversation)
    out.record(found, views.CONVERSATION, below=below)
    out.notes(actions.odd_references.notes("Conversation", found["id"]))
