"""What the tour is shown on: made once, all of it or nothing, and never among data of somebody's own."""

import io
from contextlib import redirect_stdout
from typing import Final

import actions
import seeds
from cli.demo import typed
from cli.output import say
from database import connection
from database.errors import RefusedError

GENERATE: Final = (
    *("db", "generate", "--users", "50", "--conversations", "30", "--messages", "360"),
    *("--seed", "1", "--broken", "1"),
)
"""Few enough for one transaction, and as the trail has it: by that the tour knows its own."""


ANOTHER: Final = 'give the tour one of its own: export CHATCTL_LOCAL_DIR="$HOME/chatctl-demo", and again chatctl demo'


def prepare() -> None:
    """Fill the embedded database, unless the tour has done so before.

    Raises `RefusedError` where it has other data, and where it is protected: the tour would stop at its first write.
    """
    if marker := connection.marker():
        raise RefusedError(f'the embedded database is protected as "{marker.name}", and the tour writes', ANOTHER)
    if _is_made():
        return
    if _has_other_data():
        raise RefusedError("the embedded database has data that the tour did not make", ANOTHER)
    say("Nothing is there yet: first roles and permissions from the seed that ships, and people who are made up.")
    for line in (("seeds", "apply"), (*GENERATE, "--yes")):
        say(f"$ {typed.written(line)}")
        with redirect_stdout(io.StringIO()):
            typed.run(line)


def _is_made() -> bool:
    return actions.audit.find(command=" ".join(GENERATE)).count() > 0


def _has_other_data() -> bool:
    """Tell whether there is anything but the roles that ship, as they ship."""
    found = (actions.users.find(), actions.conversations.find(), actions.messages.find())
    if any(True for listing in found for _ in listing.ids(limit=1)):
        return True
    seed = seeds.reading.read([])
    there = {row["name"] for row in actions.roles.find().rows()}
    return bool(there) and (there != {role.name for role in seed.roles} or seeds.planning.plan(seed).differs)
