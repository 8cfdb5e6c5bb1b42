"""Read times that users type, and write times for users and programs."""

import re
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any, Final

UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
DAYS_OF_400_YEARS: Final = 146_097
"""The calendar repeats after this many days."""
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?")


def moment(text: str) -> datetime | None:
    """Read ISO 8601 (UTC if it has no zone) or an age like `7d`, in milliseconds, as stored; None for anything else."""
    if age := re.fullmatch(r"([0-9]+)([mhdw])", text):
        try:
            return _in_milliseconds(datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])}))
        except OverflowError:
            return None
    return iso(text)


def iso(text: str) -> datetime | None:
    """Read ISO 8601 with milliseconds, in UTC if it has no zone; None for anything else."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        time = datetime.fromisoformat(text)
        return _in_milliseconds(time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _in_milliseconds(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def rfc3339(value: Any) -> str | None:
    """Write a time as RFC 3339 in UTC with milliseconds; None for any other value.

    Years outside 0 to 9999 have a sign and six digits, as in JavaScript: `+010000-01-01T00:00:00.000Z`.
    """
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if not hasattr(value, "as_datetime"):
        return None
    if hasattr(value, "inc"):  # a timestamp of BSON
        return rfc3339(value.as_datetime())
    return _beyond(int(value))


def _beyond(milliseconds: int) -> str:
    """Write a time, given in milliseconds since 1970, that may be outside the years of Python's datetime."""
    days, rest = divmod(milliseconds, 24 * 60 * 60 * 1000)
    cycles, day = divmod(days, DAYS_OF_400_YEARS)
    near = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, milliseconds=rest)
    year = near.year + 400 * cycles
    shown = f"{year:04}" if 0 <= year <= MAXYEAR else f"{year:+07}"
    return f"{shown}-{near:%m-%dT%H:%M:%S}.{near.microsecond // 1000:03}Z"
