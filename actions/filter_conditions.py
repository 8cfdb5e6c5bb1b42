"""Conditions for the filters of lists: times, texts and patterns."""

import re
from datetime import datetime
from typing import Final

from changes import Document
from database.errors import UsageError
from database.listing import PRESENT

LONGEST: Final = 200
"""The most characters to search for: some servers refuse longer patterns."""


def time_range(since: datetime | None, before: datetime | None) -> Document:
    """Match times from `since` on and before `before`; empty if neither is given."""
    bounds = {"$gte": since, "$lt": before}
    given = {operator: time for operator, time in bounds.items() if time is not None}
    return given and {**given, **PRESENT}


def contains_text(option: str, text: str) -> Document:
    """Match texts that contain a text, in any case; raise `UsageError` if it is empty or too long."""
    return matches_pattern(literal_pattern(option, text))


def literal_pattern(option: str, text: str) -> str:
    """Return the pattern that matches exactly a text; raise `UsageError` if it is empty or too long."""
    if len(text) > LONGEST:
        raise UsageError(f"{option} is {len(text):,} characters long; it may have {LONGEST}")
    return re.escape(require_text(option, text))


def matches_pattern(pattern: str) -> Document:
    """Match texts by a regular expression, in any case."""
    return {"$regex": pattern, "$options": "i"}


def require_text(option: str, value: str) -> str:
    """Return a text; raise `UsageError` if it is empty: an unset shell variable must not match everything."""
    if not value:
        raise UsageError(f"{option} cannot be empty")
    return value
