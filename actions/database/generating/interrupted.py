"""Continue an interrupted `db generate`: find when it began, and which batches are left."""

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, takewhile
from typing import Final

from actions import audit
from actions.errors import StillRunningError
from changes import Batch, Insert
from changes.events import LEASE_SECONDS
from database import connection
from database.listing import Row

OFTEN: Final = 0.5
"""Seconds between two checks of a lease."""


def begun(command: str) -> datetime | None:
    """Return when an interrupted command began; None if there is no such event.

    A killed program keeps its lease for some seconds: wait until it has expired. Raises `StillRunningError`.
    """
    until = time.monotonic() + LEASE_SECONDS + OFTEN
    while (events := _events(command)) and events[0]["state"] == "running":
        if time.monotonic() > until:
            raise StillRunningError(f"event {events[0]['id']} is still running", "repeat the command when it has ended")
        time.sleep(OFTEN)
    stopped = list(takewhile(lambda event: event["state"] == "interrupted", events))
    return stopped[-1]["at"] if stopped else None


def left(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Return the batches that are not written yet; a batch is written as a whole or not at all."""
    for batch in batches:
        if not any(map(_is_there, batch[:1])):
            return chain([batch], batches)
    return iter(())


def _is_there(change: object) -> bool:
    found = isinstance(change, Insert) and connection.database()[change.collection].find_one(
        {"_id": change.document["_id"]}, ["_id"]
    )
    return bool(found)


def _events(command: str) -> list[Row]:
    """Return the events of exactly this command, the newest first."""
    events = (event for event in audit.find(command=command).rows() if event["command"] == command)
    return sorted(
        events, key=lambda event: event["at"], reverse=True
    )  # the ids of two processes are not in the order of time
