"""What filters are made of: conditions that fields of a document have to meet."""

import re
from datetime import datetime
from typing import Final

from changes import Document
from database.errors import UsageError
from database.listing import PRESENT

LONGEST: Final = 200
"""Characters that are looked for inside others: some servers take no pattern that is much longer."""


def between(since: datetime | None, before: datetime | None) -> Document:
    """Match times from one on and before another; nothing at all where neither is given."""
    bounds = {"$gte": since, "$lt": before}
    given = {operator: time for operator, time in bounds.items() if time is not None}
    return given and {**given, **PRESENT}


def containing(option: str, text: str) -> Document:
    """Match texts that hold another, literally, in any case; raises `UsageError` where it is empty or too long."""
    return matching(literal(option, text))


def literal(option: str, text: str) -> str:
    """Return the pattern of a text alone; raises `UsageError` where it is empty or too long."""
    if len(text) > LONGEST:
        raise UsageError(f"{option} is {len(text):,} characters long; it may have {LONGEST}")
    return re.escape(said(option, text))


def matching(pattern: str) -> Document:
    """Match texts by a pattern, in any case."""
    return {"$regex": pattern, "$options": "i"}


def said(option: str, value: str) -> str:
    """Refuse nothing at all: a variable that was not set must not mean everything."""
    if not value:
        raise UsageError(f"{option} cannot be empty")
    return value
