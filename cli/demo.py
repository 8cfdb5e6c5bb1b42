"""The command `chatctl demo`: a tour that runs commands on an embedded database with generated people."""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from functools import cache
from typing import Annotated, Any, Final, NamedTuple

import typer

import actions
import seeds
from cli.group import Command, part
from cli.invocation import Invocation
from cli.output import questions, say, streams, table, text
from cli.params import choice
from database import connection
from database.errors import RefusedError, UsageError

app = part()

Line = tuple[str, ...]


GENERATE: Final = (
    *("db", "generate", "--users", "50", "--conversations", "30", "--messages", "360"),
    *("--seed", "1", "--broken", "1"),
)
"""The command that generates the data of the tour. The numbers are small, so that one transaction is enough.

The audit trail records exactly these words. A later tour finds the event by these words. Then it knows that an earlier
tour generated the data.
"""
USE_ANOTHER_FOLDER: Final = 'use another folder: export CHATCTL_LOCAL_DIR="$HOME/chatctl-demo", then run chatctl demo'
TOPICS: Final = ("all", "users", "roles", "conversations", "undo", "check")
SUPPORT_ROLE: Final = "support"
"""The role that the person in the tour should have. If nobody has this role, the tour shows another person."""
SUSPENDED: Final = "SUSPENDED"
MOST_USERS: Final = 1_000
SHOWN_RULES: Final = ("unknown-status", "one-sided-link", "stale-last-message")
"""The rules of `db check` that the tour shows. The faults of all rules would fill six screens."""
ENDS: Final = frozenset({"q", "quit", "exit"})
CLOSING_LINES: Final = (
    "Now try it yourself: all this data is generated, so you cannot damage anything.",
    "After `export CHATCTL_LOCAL=true` you can omit --local.",
)


class Person(NamedTuple):
    """The person in the tour: a username, and the id of one of the person's conversations."""

    username: str
    conversation: str


class Step(NamedTuple):
    heading: str
    line: Line


class _OnEmbedded(Command):
    """A command that always uses the embedded database, even if the environment names another database."""

    def invoke(self, ctx: Any) -> Any:
        invocation = Invocation.of(ctx.meta)
        if invocation.url is not None or invocation.context is not None:
            raise UsageError("the tour works only on the embedded database", "remove --url and --context")
        invocation.local = True
        return super().invoke(ctx)


@app.command(
    cls=_OnEmbedded,
    example="chatctl demo\nchatctl demo undo\nchatctl demo 2>/dev/null | less      only the tour, to read at leisure",
)
def demo(
    ctx: typer.Context,
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="|".join(TOPICS),
            parser=choice(TOPICS),
            show_default=False,
            help="One part of the tour. Default: all.",
        ),
    ] = None,
) -> None:
    """Show what chatctl does, on generated data.

    The first run fills the embedded database with roles, permissions, users, messages and some faults. Then it runs
    commands and shows their output. One command suspends a user, and another undoes that. On a terminal the tour asks
    for a topic and waits after each step. The data is kept, so that you can try more commands. If the embedded database
    has other data, the tour is refused.
    """
    from actions.database import server

    waits = questions.can_pick(Invocation.of(ctx.meta))
    with server.take_turn(lambda: say("another tour is running: waiting until it ends")):
        _prepare()
        with streams.unpaged():
            _show(topic or (_ask_topic() if waits else TOPICS[0]), waits=waits)


def _prepare() -> None:
    """Fill the embedded database, unless an earlier tour has filled it.

    Raises `RefusedError` if the database has other data, or if it is protected: the tour would stop at its first write.
    """
    if marker := connection.marker():
        raise RefusedError(
            f'the embedded database is protected as "{marker.name}", and the tour changes it', USE_ANOTHER_FOLDER
        )
    if _was_filled():
        return
    if _has_other_data():
        raise RefusedError("the embedded database has data that the tour did not create", USE_ANOTHER_FOLDER)
    say("The embedded database is empty. First the tour adds roles and permissions, then generated people.")
    for line in (("seeds", "apply"), (*GENERATE, "--yes")):
        say(f"$ {_as_typed(line)}")
        with redirect_stdout(io.StringIO()):
            _run(line)


def _was_filled() -> bool:
    return actions.audit.find(command=" ".join(GENERATE)).count() > 0


def _has_other_data() -> bool:
    """Tell whether the database has other data than the built-in roles, or whether these roles were changed."""
    found = (actions.users.find(), actions.conversations.find(), actions.messages.find())
    if any(True for listing in found for _ in listing.ids(limit=1)):
        return True
    seed = seeds.reading.read([])
    there = {row["name"] for row in actions.roles.find().rows()}
    return bool(there) and (there != {role.name for role in seed.roles} or seeds.planning.plan(seed).differs)


def _ask_topic() -> str:
    """Ask for a topic, a part of the tour. If the user types nothing, the whole tour is shown."""
    while answer := questions.ask(f"Topic ({', '.join(TOPICS)}) [{TOPICS[0]}]: "):
        if answer in TOPICS:
            return answer
        if answer.lower() in ENDS:
            raise typer.Exit
        say(f"{text.quoted([answer])} is not a topic.")
    return TOPICS[0]


def _show(topic: str, *, waits: bool) -> None:
    """Run the tour, and print what to try next. With `waits`, wait for Enter before each step except the first."""
    person = _choose_person()
    for number, step in enumerate(_steps(topic, person)):
        if number and waits and not _goes_on():
            break
        streams.write(f"\n{table.wrapped(step.heading, 0)}\n{_bold(f'$ {_as_typed(step.line)}')}\n")
        streams.flush()
        _run(step.line)
    streams.write("\n" + "".join(f"{table.wrapped(line, 0)}\n" for line in CLOSING_LINES))
    for line in _next(person):
        streams.write(f"  {_bold(_as_typed(line))}\n")


def _goes_on() -> bool:
    """Wait until the user has read a step and presses Enter.

    Return False if the user types a word that ends the tour.
    """
    streams.flush()
    say("")
    return questions.ask("[Enter: next step, q: end] ").lower() not in ENDS


def _steps(topic: str, person: Person | None) -> Iterator[Step]:
    """Yield the steps of a topic. Each step is made only after the step before it has run."""
    parts = (_users, _roles, _conversations, _undo, _check)
    for name, steps in zip(TOPICS[1:], parts, strict=True):
        if topic in {TOPICS[0], name}:
            yield from steps(person)


def _users(person: Person | None) -> Iterator[Step]:
    columns = ("--columns", "username,name,roles,lastLogin")
    yield Step("Who signed in last.", ("users", "list", "--sort", "-lastLogin", "--limit", "6", *columns))
    if person:
        yield Step("All about one of them, and which role allows what.", ("users", "show", person.username))


def _roles(_: Person | None) -> Iterator[Step]:
    yield Step("What each role allows.", ("roles", "matrix"))


def _conversations(person: Person | None) -> Iterator[Step]:
    if person:
        yield Step("What was said.", ("conversations", "transcript", person.conversation, "--last", "6"))


def _undo(person: Person | None) -> Iterator[Step]:
    """Yield the steps that suspend the person, and undo the suspension.

    The second step needs the id of the event that the first one has written.
    """
    if not person:
        return
    name = person.username
    suspend = ("users", "suspend", name)
    why = ("--reason", "stolen laptop", "--yes")
    yield Step("A laptop was stolen. Without --yes, chatctl shows the change and asks.", (*suspend, *why))
    yield Step("Every write leaves an event: who did it, when and why.", ("audit", "list", "--target", name))
    events = actions.audit.find(command=" ".join(suspend)).rows("-at", limit=1)
    for event in [str(row["id"]) for row in events]:
        yield Step("The laptop was found: undo the change.", ("audit", "undo", event, "--yes"))


def _check(_: Person | None) -> Iterator[Step]:
    check = ("db", "check", *(word for rule in SHOWN_RULES for word in ("--rule", rule)))
    yield Step("Faults that occur in real data: what each of them does, and how to repair it.", check)


def _next(person: Person | None) -> Iterator[Line]:
    if person:
        yield ("users", "suspend", person.username)
    yield ("audit", "list", "--limit", "5")
    yield ("messages", "search", "cake")
    yield ("db", "repair", "--dry-run")


def _choose_person() -> Person | None:
    """Choose a person who is not suspended and has a conversation. Return None if there is nobody.

    Each tour chooses a person again. The user may have suspended or deleted the person of an earlier tour.
    """
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
    """Run a command line. Errors are not caught here."""
    _root().run(["--local", *line])


def _as_typed(line: Line) -> str:
    """Return a command line as the user can paste it. Add `uv run` if the tour was started with `uv run`."""
    through: Iterable[str] = ("uv", "run") if "UV_RUN_RECURSION_DEPTH" in os.environ else ()
    return text.quoted([*through, "chatctl", "--local", *line])


@cache
def _root() -> Any:
    from typer.main import get_command

    from cli.app import app

    return get_command(app)
