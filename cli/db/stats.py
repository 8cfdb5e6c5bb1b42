"""The command that counts."""

from typing import Annotated, Final

import typer

import actions
from cli import views
from cli.group import part
from cli.output import reports
from cli.output.charts import Figure
from cli.params import FiguresOut, Since, choice

app = part()

CURVES: Final = (
    Figure("users", "sign-ups"),
    Figure("messages", "messages"),
    Figure("conversations", "active conversations", sums=False),
)
PERIODS: Final = ("day", "week", "month")

By = Annotated[
    str, typer.Option("--by", metavar="|".join(PERIODS), parser=choice(PERIODS), help="The length of a period, in UTC.")
]


@app.command(example="chatctl db stats --since 12w --by week")
def stats(out: FiguresOut, *, since: Since = None, by: By = "day") -> None:
    """Count sign-ups, messages and active conversations.

    Unless --since says otherwise these are the last 30 days, 12 weeks or 12 months; weeks begin on Monday. Users are
    counted by status and role as they are now, messages by sender in that time.
    """
    found = actions.database.stats.stats(since, by)
    status = [{"status": name, "users": users} for name, users in found["status"].items()]
    tables = (status, views.STATUSES), (found["roles"], views.MEMBERS), (found["topSenders"], views.SENDERS)
    reports.figures(out, found, CURVES, tables)
