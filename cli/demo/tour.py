"""The tour: command lines, each with a heading, and with what they print."""

import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import actions
from cli.demo import typed
from cli.demo.typed import Line
from cli.output import streams, table

HELPERS: Final = "support"
"""The role of the person whom the tour is about, as long as somebody has it."""
SUSPENDED: Final = "SUSPENDED"
LOOKED_AT: Final = 1_000
RULES: Final = ("unknown-status", "one-sided-link", "stale-last-message")
"""Of the faults that are there some; all of them would fill six screens."""
ONWARD: Final = (
    "Now you: all of this is made up, so nothing can go wrong.",
    "What chatctl says to type leaves --local out; after `export CHATCTL_LOCAL=1` you can, too.",
)


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
        streams.write(f"\n{table.folded(step.heading, 0)}\n{_bold(f'$ {typed.written(step.line)}')}\n")
        streams.flush()
        typed.run(step.line)
    streams.write("\n" + "".join(f"{table.folded(line, 0)}\n" for line in ONWARD))
    for line in _next(somebody):
        streams.write(f"  {_bold(typed.written(line))}\n")


def _steps(somebody: Somebody | None) -> Iterator[Step]:
    columns = ("--columns", "username,name,roles,lastLogin")
    yield Step("Who signed in last.", ("users", "list", "--sort", "-lastLogin", "--limit", "6", *columns))
    yield Step("What each role allows.", ("roles", "matrix"))
    if somebody:
        yield from _steps_about(*somebody)
    check = ("db", "check", *(word for rule in RULES for word in ("--rule", rule)))
    yield Step("Faults as they gather in real data: what each does, and how to mend it.", check)


def _steps_about(name: str, conversation: str) -> Iterator[Step]:
    """Show somebody, and what is said and done; the event is there once the suspension was run."""
    yield Step("All about one of them, and which role allows what.", ("users", "show", name))
    yield Step("What was said.", ("conversations", "transcript", conversation, "--last", "6"))
    suspend = ("users", "suspend", name)
    why = ("--reason", "stolen laptop", "--yes")
    yield Step("Their laptop was stolen. Without --yes it would show what it does, and ask.", (*suspend, *why))
    yield Step("Every write leaves an event: who did it, when and why.", ("audit", "list", "--target", name))
    events = actions.audit.find(command=" ".join(suspend)).rows("-at", limit=1)
    for event in [str(row["id"]) for row in events]:
        yield Step("The laptop is found: what was written can be undone.", ("audit", "undo", event, "--yes"))


def _next(somebody: Somebody | None) -> Iterator[Line]:
    if somebody:
        yield ("users", "suspend", somebody.username)
    yield ("audit", "list", "--sort", "-at", "--limit", "5")
    yield ("messages", "search", "cake")
    yield ("db", "repair", "--dry-run")


def _somebody() -> Somebody | None:
    """Choose one who may be suspended and talks with somebody; whoever it was last time may have been changed since."""
    protected = {row["name"] for row in actions.roles.find().rows() if row["protected"]}
    people = [
        user
        for user in actions.users.find().rows(limit=LOOKED_AT, columns=["roles"])
        if user["lastLogin"] and user["status"] != SUSPENDED and protected.isdisjoint(user["roles"])
    ]
    for user in sorted(people, key=lambda user: (user["roles"] != [HELPERS], not user["roles"])):
        talks = actions.conversations.find(actions.conversations.Filters(user=f"id:{user['id']}"))
        for conversation in talks.rows(limit=1):
            return Somebody(str(user["username"]), str(conversation["id"]))
    return None


def _bold(shown: str) -> str:
    return f"\x1b[1m{shown}\x1b[0m" if streams.has_colour(sys.stdout) else shown
