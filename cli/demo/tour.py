"""The tour: command lines, each with a heading, and with what they print."""

import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import actions
from cli.demo import typed
from cli.demo.typed import Line
from cli.output import streams, table

HELPERS: Final = "support"
"""The role of the person whom the tour is about."""
REASON: Final = "stolen laptop"
RULES: Final = ("unknown-status", "one-sided-link", "stale-last-message")


class Somebody(NamedTuple):
    """Whom the tour is about, and a conversation of theirs."""

    username: str
    conversation: str


class Step(NamedTuple):
    heading: str
    line: Line


def show() -> None:
    """Run the tour, and say how to go on."""
    somebody = _somebody()
    for step in _steps(somebody):
        _write(f"\n{table.folded(step.heading, 0)}\n")
        _command(step.line)
        typed.run(step.line)
    _write("\n" + table.folded("Now you. The people are made up: nothing can go wrong that matters.", 0) + "\n")
    for line in _next(somebody):
        _command(line)


def _steps(somebody: Somebody | None) -> Iterator[Step]:
    yield Step("Who is there: the first five of some sixty people.", ("users", "list", "--limit", "5"))
    yield Step("What each role allows.", ("roles", "matrix"))
    if somebody:
        name, conversation = somebody
        yield Step("All about one of them, and which role allows what.", ("users", "show", name))
        yield Step("What was said.", ("conversations", "transcript", conversation, "--last", "6"))
        suspend = ("users", "suspend", name, "--reason", REASON, "--yes")
        yield Step("A laptop was stolen. Without --yes it would show what it does, and ask.", suspend)
        yield Step("Every write leaves an event, who did it and why.", ("audit", "list", "--target", name))
        if event := _last(" ".join(suspend[:3])):
            yield Step("The laptop is found. Whatever was written can be undone.", ("audit", "undo", event, "--yes"))
    check = ("db", "check", *(word for rule in RULES for word in ("--rule", rule)))
    yield Step("Faults as they gather in real data: what each does, and how to mend it.", check)


def _next(somebody: Somebody | None) -> Iterator[Line]:
    if somebody:
        yield ("users", "suspend", somebody.username)
    yield ("audit", "list", "--sort", "-at", "--limit", "5")
    yield ("messages", "search", "tomorrow")
    yield ("db", "repair", "--dry-run")


def _somebody() -> Somebody | None:
    """Find one who helps others, may sign in and talks with somebody: they may all have been changed since."""
    for user in actions.users.find().rows(columns=["roles"]):
        if user["roles"] == [HELPERS] and user["status"] in {"ACTIVE", "EMAIL_VERIFIED"}:
            talks = actions.conversations.find(actions.conversations.Filters(user=f"id:{user['id']}"))
            for conversation in talks.rows(limit=1):
                return Somebody(str(user["username"]), str(conversation["id"]))
    return None


def _last(command: str) -> str | None:
    rows = actions.audit.find(command=command).rows("-at", limit=1)
    return next((str(row["id"]) for row in rows), None)


def _command(line: Line) -> None:
    shown = f"$ {typed.written(line)}"
    _write(f"\x1b[1m{shown}\x1b[0m\n" if streams.has_colour(sys.stdout) else f"{shown}\n")
    streams.flush()


def _write(text: str) -> None:
    streams.write(text)
