"""The tour: an embedded database with generated people, and commands with all that they print."""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from functools import cache
from typing import Any, Final, NamedTuple

import actions
import seeds
from cli.group import Command, part
from cli.invocation import Invocation
from cli.output import say, streams, table, text
from database import connection
from database.errors import RefusedError, UsageError

app = part()

Line = tuple[str, ...]


GENERATE: Final = (
    *("db", "generate", "--users", "50", "--conversations", "30", "--messages", "360"),
    *("--seed", "1", "--broken", "1"),
)
"""Few enough for one transaction, and as the trail has it: by that the tour knows its own."""


USE_ANOTHER_FOLDER: Final = (
    'give the tour one of its own: export CHATCTL_LOCAL_DIR="$HOME/chatctl-demo", and again chatctl demo'
)


SUPPORT_ROLE: Final = "support"
"""The role of the person whom the tour is about, as long as somebody has it."""
SUSPENDED: Final = "SUSPENDED"
MOST_USERS: Final = 1_000
SHOWN_RULES: Final = ("unknown-status", "one-sided-link", "stale-last-message")
"""Of the faults that are there some; all of them would fill six screens."""
CLOSING_LINES: Final = (
    "Now you: all of this is made up, so nothing can go wrong.",
    "After `export CHATCTL_LOCAL=true` you can leave --local out.",
)


class Person(NamedTuple):
    """Whom the tour is about, and a conversation of theirs."""

    username: str
    conversation: str


class Step(NamedTuple):
    heading: str
    line: Line


class _OnEmbedded(Command):
    """A command that works on the embedded database, whatever else the environment names."""

    def invoke(self, ctx: Any) -> Any:
        invocation = Invocation.of(ctx.meta)
        if invocation.url is not None or invocation.context is not None:
            raise UsageError("the tour is on the embedded database alone", "name no other database")
        invocation.local = True
        return super().invoke(ctx)


@app.command(
    cls=_OnEmbedded, example="chatctl demo\nchatctl demo 2>/dev/null | less      the tour alone, to read at leisure"
)
def demo() -> None:
    """Show what chatctl does, on generated data.

    The first run fills the embedded database with roles, permissions, users, messages and some faults. Then it runs
    commands and shows their output. One command suspends a user, and another undoes that. The data is kept, so that you
    can try more commands. If the embedded database has other data, the tour is refused.
    """
    from actions.database import server

    with server.take_turn(lambda: say("another tour is going on: waiting for its end")):
        _prepare()
        _show()


def _prepare() -> None:
    """Fill the embedded database, unless the tour has done so before.

    Raises `RefusedError` where it has other data, and where it is protected: the tour would stop at its first write.
    """
    if marker := connection.marker():
        raise RefusedError(
            f'the embedded database is protected as "{marker.name}", and the tour writes', USE_ANOTHER_FOLDER
        )
    if _was_filled():
        return
    if _has_other_data():
        raise RefusedError("the embedded database has data that the tour did not make", USE_ANOTHER_FOLDER)
    say("Nothing is there yet: first roles and permissions from the seed that ships, and people who are made up.")
    for line in (("seeds", "apply"), (*GENERATE, "--yes")):
        say(f"$ {_as_typed(line)}")
        with redirect_stdout(io.StringIO()):
            _run(line)


def _was_filled() -> bool:
    return actions.audit.find(command=" ".join(GENERATE)).count() > 0


def _has_other_data() -> bool:
    """Tell whether there is anything but the roles that ship, as they ship."""
    found = (actions.users.find(), actions.conversations.find(), actions.messages.find())
    if any(True for listing in found for _ in listing.ids(limit=1)):
        return True
    seed = seeds.reading.read([])
    there = {row["name"] for row in actions.roles.find().rows()}
    return bool(there) and (there != {role.name for role in seed.roles} or seeds.planning.plan(seed).differs)


def _show() -> None:
    """Run the tour, and say how to go on."""
    person = _choose_person()
    for step in _steps(person):
        streams.write(f"\n{table.wrapped(step.heading, 0)}\n{_bold(f'$ {_as_typed(step.line)}')}\n")
        streams.flush()
        _run(step.line)
    streams.write("\n" + "".join(f"{table.wrapped(line, 0)}\n" for line in CLOSING_LINES))
    for line in _next(person):
        streams.write(f"  {_bold(_as_typed(line))}\n")


def _steps(person: Person | None) -> Iterator[Step]:
    columns = ("--columns", "username,name,roles,lastLogin")
    yield Step("Who signed in last.", ("users", "list", "--sort", "-lastLogin", "--limit", "6", *columns))
    yield Step("What each role allows.", ("roles", "matrix"))
    if person:
        yield from _steps_about(*person)
    check = ("db", "check", *(word for rule in SHOWN_RULES for word in ("--rule", rule)))
    yield Step("Faults as they gather in real data: what each does, and how to mend it.", check)


def _steps_about(name: str, conversation: str) -> Iterator[Step]:
    """Show the person, and what is said and done; the event is there once the suspension was run."""
    yield Step("All about one of them, and which role allows what.", ("users", "show", name))
    yield Step("What was said.", ("conversations", "transcript", conversation, "--last", "6"))
    suspend = ("users", "suspend", name)
    why = ("--reason", "stolen laptop", "--yes")
    yield Step("Their laptop was stolen. Without --yes it would show what it does, and ask.", (*suspend, *why))
    yield Step("Every write leaves an event: who did it, when and why.", ("audit", "list", "--target", name))
    events = actions.audit.find(command=" ".join(suspend)).rows("-at", limit=1)
    for event in [str(row["id"]) for row in events]:
        yield Step("The laptop is found: what was written can be undone.", ("audit", "undo", event, "--yes"))


def _next(person: Person | None) -> Iterator[Line]:
    if person:
        yield ("users", "suspend", person.username)
    yield ("audit", "list", "--limit", "5")
    yield ("messages", "search", "cake")
    yield ("db", "repair", "--dry-run")


def _choose_person() -> Person | None:
    """Choose one who may be suspended and talks with somebody; whoever it was last time may have been changed since."""
    protected = {row["name"] for row in actions.roles.find().rows() if row["protected"]}
    people = [
        user
        for user in actions.users.find().rows(limit=MOST_USERS, columns=["roles"])
        if user["lastLogin"] and user["status"] != SUSPENDED and protected.isdisjoint(user["roles"])
    ]
    for user in sorted(people, key=lambda user: (user["roles"] != [SUPPORT_ROLE], not user["roles"])):
        talks = actions.conversations.find(actions.conversations.Filters(user=f"id:{user['id']}"))
        for conversation in talks.rows(limit=1):
            return Person(str(user["username"]), str(conversation["id"]))
    return None


def _bold(line: str) -> str:
    return f"\x1b[1m{line}\x1b[0m" if streams.has_colour(sys.stdout) else line


def _run(line: Line) -> None:
    """Run a command line; what goes wrong in it is raised."""
    _root().run(["--local", *line])


def _as_typed(line: Line) -> str:
    """Write a command line so that it can be typed where this run was: `uv run` leaves no chatctl behind."""
    through: Iterable[str] = ("uv", "run") if "UV_RUN_RECURSION_DEPTH" in os.environ else ()
    return text.quoted([*through, "chatctl", "--local", *line])


@cache
def _root() -> Any:
    from typer.main import get_command

    from cli.app import app

    return get_command(app)
