"""The rights that each MongoDB command needs, as listed under "privilege actions" in the MongoDB documentation."""

from collections.abc import Mapping
from typing import Any, Final

Privilege = tuple[str, str]
"""A collection and an action on it. An empty collection means the whole database."""

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
"""Commands that need no right: they sign in, continue or end the client's own work, or ask about the server."""


def needed(command: Mapping[str, Any]) -> set[Privilege]:
    """Return the rights that a command needs. The set is empty if it needs none, or if the command is unknown."""
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
