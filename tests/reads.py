"""Record the commands that clients send to the server, and check that an index answers each query."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pymongo
import pytest
from pymongo import monitoring

from database import connection, privileges
from database.indexes import QUERIES
from database.privileges import Privilege


class Sent(monitoring.CommandListener):
    """Records the commands that read."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name in {"find", "aggregate", "distinct"}:
            self.commands.append(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Do nothing: the command is already recorded."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing: the command is already recorded."""


class Needs(monitoring.CommandListener):
    """Collects the rights that all sent commands need, and soon interrupts a command that follows a change stream."""

    def __init__(self) -> None:
        self.found: set[Privilege] = set()
        self._following = False

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        known = event.command_name in {*privileges.ACTIONS, *privileges.OF_THE_DATABASE, *privileges.FREE}
        self.found |= privileges.needed(event.command) if known else {("?", event.command_name)}
        self._following |= event.command_name == "aggregate" and "$changeStream" in event.command["pipeline"][0]

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if self._following and event.command_name == "getMore":
            self._following = False
            signal.raise_signal(signal.SIGINT)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing: the rights of the command are already collected."""


@contextmanager
def heard(listener: monitoring.CommandListener) -> Iterator[None]:
    """In the `with` block, pass the commands of all new clients to a listener."""
    make = pymongo.MongoClient

    def client(*args: Any, event_listeners: Sequence[Any] = (), **options: Any) -> Any:
        return make(*args, event_listeners=[*event_listeners, listener], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pymongo, "MongoClient", client)
        yield


@contextmanager
def listening(url: str) -> Iterator[Sent]:
    """In the `with` block, record the commands that actions send to a database."""
    listener = Sent()
    with heard(listener):
        connection.choose(url)
        yield listener
        connection.choose()


def conditions(where: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for field, condition in where.items():
        if field == "$and":
            for part in condition:
                yield from conditions(part)
        elif field != "$or":
            yield field, condition


def is_served(command: dict[str, Any], keys: tuple[tuple[str, int], ...], partial_over: str | None) -> bool:
    """Tell whether an index finds the documents of a query in the right order, so that the server need not sort.

    The filter must require one value for each of the first keys of the index. The query must sort by the other keys.
    """
    said: dict[str, dict[str, Any]] = {}
    for field, condition in conditions(command["filter"]):
        said.setdefault(field, {}).update(condition)
    if partial_over is not None and not said.get(partial_over, {}).get("$exists"):
        return False
    fields = [field for field, _ in keys]
    while fields and "$eq" in said.get(fields[0], {}):
        fields.pop(0)
    order = command["sort"]
    ways = {way * order.get(field, way) for field, way in keys if field in order}
    return list(order) == fields and len(ways) == 1


def assert_served(command: dict[str, Any], name: str) -> None:
    assert "skip" not in command
    if name == "_id_":
        assert is_served(command, (("_id", 1),), None), command
        return
    [index] = [index for index in QUERIES if (index.collection, index.name) == (command["find"], name)]
    [over] = index.options["partialFilterExpression"]
    assert is_served(command, index.keys, over), command
