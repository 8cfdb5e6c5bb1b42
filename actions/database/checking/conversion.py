"""Convert a value of a wrong type to the right type, if only one answer is possible."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bson import Int64, ObjectId

from database.references import referred
from database.times import iso

FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""A number is read as a date only between this day and now."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
WRAPPED: Final = ("$date", "$numberLong", "$numberInt", "$numberDouble")
"""Keys of Extended JSON that was stored without being read as such."""
LARGEST: Final = 2**63
DIGITS: Final = len(str(-LARGEST))


def convert(wanted: type, value: Any) -> Any:
    """Return the `wanted` value that a value of another type stands for; None if that is not certain.

    A text in ISO 8601 is a date, in UTC if it has no zone. A number between the year 2000 and now, in milliseconds or
    seconds since 1970, is a date too. A text of digits is a number, a text of 24 hex digits an id.
    """
    if wanted is ObjectId:
        found = referred(value)
        return found if isinstance(found, ObjectId) else None
    inner = _unwrapped(value)
    if wanted is datetime:
        return _date(inner, explicit=inner is not value)
    return _number(inner) if wanted is int else None


def _unwrapped(value: Any) -> Any:
    while isinstance(value, dict) and len(value) == 1 and next(iter(value)) in WRAPPED:
        [value] = value.values()
    return value


def _date(value: Any, *, explicit: bool) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and (time := iso(value)):
        return time
    number = _number(value) if explicit or not isinstance(value, str) else None
    if number is None:
        return None
    for milliseconds in (number, number * 1000):
        try:
            time = EPOCH + timedelta(milliseconds=milliseconds)
        except OverflowError:
            continue
        if explicit or FIRST <= time <= datetime.now(UTC):
            return time
    return None


def _number(value: Any) -> Int64 | None:
    if isinstance(value, str) and len(value) <= DIGITS and value.removeprefix("-").isdecimal() and value.isascii():
        value = int(value)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return Int64(value) if whole and not isinstance(value, bool) and -LARGEST <= value < LARGEST else None
