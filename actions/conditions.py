"""What filters are made of: conditions that fields of a document have to meet."""

import re
from datetime import datetime

from models.changes import Document
from models.errors import UsageError
from models.listing import PRESENT


def between(since: datetime | None, before: datetime | None) -> Document:
    """Match times from one on and before another; nothing at all where neither is given."""
    bounds = {"$gte": since, "$lt": before}
    given = {operator: time for operator, time in bounds.items() if time is not None}
    return given and {**given, **PRESENT}


def containing(option: str, text: str) -> Document:
    """Match texts that hold another, literally, in any case; raises `UsageError` where it is empty."""
    return matching(re.escape(said(option, text)))


def matching(pattern: str) -> Document:
    """Match texts by a pattern, in any case."""
    return {"$regex": pattern, "$options": "i"}


def said(option: str, value: str) -> str:
    """Refuse nothing at all: a variable that was not set must not mean everything."""
    if not value:
        raise UsageError(f"{option} cannot be empty")
    return value
