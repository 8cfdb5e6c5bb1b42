"""The command `chatctl whoami`: it shows the user of the database connection."""

import actions
from cli import views
from cli.group import part
from cli.params import LinesOut

app = part()


@app.command(example="chatctl whoami\nchatctl whoami -o json")
def whoami(out: LinesOut) -> None:
    """Show who you are in which database, and how it is protected.

    The audit trail records the same names with every change. CHATCTL_ACTOR adds a name of your choice.
    """
    row = actions.database.server.whoami()
    out.record(row, views.IDENTITY)
    if not row["roles"]:
        out.note("this connection has no role on the server: it has only the rights that the server gives to all users")
