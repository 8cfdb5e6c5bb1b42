"""chatctl demo."""

from typing import Any

from cli.group import Command, part
from cli.invocation import Invocation
from database.errors import UsageError

app = part()


class _OnEmbedded(Command):
    """A command that works on the embedded database, whatever else the environment names."""

    def invoke(self, ctx: Any) -> Any:
        said = Invocation.of(ctx.meta)
        if said.url is not None or said.context is not None:
            raise UsageError("the tour is on the embedded database alone", "name no other database")
        said.local = True
        return super().invoke(ctx)


@app.command(
    cls=_OnEmbedded, example="chatctl demo\nchatctl demo 2>/dev/null | less      the tour alone, to read at leisure"
)
def demo() -> None:
    """Show what chatctl does, on people who are made up.

    The first time it fills the embedded database: roles and permissions, some eighty people, what they write to each
    other, and faults to find. Then commands are shown with all they print, among them the suspension of a user and its
    undo. The data stay, to try things out; where the database holds data of your own the tour is refused.
    """
    from actions.database import server
    from cli.demo import stage, tour
    from cli.output import say

    with server.take_turn(lambda: say("another tour is going on: waiting for its end")):
        stage.prepare()
        tour.show()
