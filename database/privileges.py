"""The rights that each MongoDB command needs, as listed under "privilege actions" in the MongoDB documentation.

A server that refuses a command does not name the missing rights. So chatctl derives them from the command.
"""

from collections.abc import Mapping
from typing import Any, Final

from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from database.errors import is_refusal

Privilege = tuple[str, str]
"""The right to an action: the name of a collection, and the action. An empty name means the whole database."""

ACTIONS: Final = {
    "aggregate": "find",
    "collStats": "collStats",
    "count": "find",
    "create": "createCollection",
    "createIndexes": "createIndex",
    "delete": "remove",
    "distinct": "find",
    "find": "find",
    "insert": "insert",
    "listIndexes": "listIndexes",
    "update": "update",
}
OF_THE_DATABASE: Final = frozenset({"listCollections"})
FREE: Final = frozenset(
    {
        *("abortTransaction", "commitTransaction", "endSessions", "getMore", "killCursors"),
        *("buildInfo", "connectionStatus", "hello", "ping", "saslContinue", "saslStart"),
    }
)
"""Commands of MongoDB that need no right.

They sign in, ask about the server, or continue or end work of the same client.
"""


def needed(command: Mapping[str, Any]) -> set[Privilege]:
    """Return the rights that a MongoDB command needs.

    The set is empty for unknown commands, and for commands that need no right.
    """
    name = next(iter(command), "")
    if name in OF_THE_DATABASE:
        return {("", name)}
    if name not in ACTIONS:
        return set()
    rights = {(command[name], ACTIONS[name])}
    if name == "update" and any(update.get("upsert") for update in command.get("updates", ())):
        rights.add((command[name], "insert"))
    for stage in command.get("pipeline", ()) if name == "aggregate" else ():
        if "$changeStream" in stage:
            rights.add((command[name], "changeStream"))
        if "$lookup" in stage:
            rights.add((stage["$lookup"]["from"], "find"))
    return rights


class MissingPrivileges(CommandListener):
    """Remember the missing rights. The driver calls this listener for each command of MongoDB.

    `missing` has the rights that the last refused command needs.
    """

    def __init__(self) -> None:
        self.missing: set[Privilege] = set()
        self._sent: dict[int, CommandStartedEvent] = {}

    def started(self, event: CommandStartedEvent) -> None:
        self._sent[event.request_id] = event

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._sent.pop(event.request_id, None)

    def failed(self, event: CommandFailedEvent) -> None:
        sent = self._sent.pop(event.request_id, None)
        if sent and is_refusal(event.failure.get("code"), event.failure.get("errmsg")):
            self.missing = needed(sent.command)
