"""Commands that show conversations, and change nothing."""

import actions
from cli import views
from cli.conversations.filters import ActiveSince, Between, Direct, Empty, Group, IdleSince, Search, WithUser
from cli.conversations.indexes import note_if_slow
from cli.group import Revealing, part
from cli.params import After, All, Columns, Conversation, Count, Limit, ReadOut, Sort

app = part()


@app.command("list", example="chatctl conversations list --between ada bob --active-since 7d")
def list_(
    out: ReadOut,
    *,
    user: WithUser = None,
    between: Between = None,
    group: Group = False,
    direct: Direct = False,
    active_since: ActiveSince = None,
    idle_since: IdleSince = None,
    search: Search = None,
    empty: Empty = False,
    columns: Columns = None,
    sort: Sort = None,
    limit: Limit = None,
    all_: All = False,
    after: After = None,
    count: Count = False,
) -> None:
    """List conversations, the latest activity first. Of several filters all have to hold."""
    filters = actions.conversations.Filters(
        user=user,
        between=between,
        group=group,
        direct=direct,
        active_since=active_since,
        idle_since=idle_since,
        search=search,
        empty=empty,
    )
    found = actions.conversations.find(filters)
    if not count and out.form != "ids":
        note_if_slow(out.note)
    out.rows(found, views.CONVERSATIONS, columns=columns, sort=sort, limit=limit, all_=all_, after=after, count=count)


@app.command(example="chatctl conversations show 'Night shift'", cls=Revealing)
def show(conversation: Conversation, out: ReadOut) -> None:
    """Show a conversation and its people. Unread are the messages after the last one that each has seen or written."""
    below = {"people": views.PARTICIPANTS, "ends": views.ENDS}
    found = actions.conversations.show(conversation)
    out.record(found, views.CONVERSATION, below=below)
    out.notes(actions.wrong_id_types.notes("Conversation", found["id"]))
