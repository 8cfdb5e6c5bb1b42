"""Read times that users type, and write times for users and for programs."""

import re
import time as clock
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any, Final

UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
DAYS_OF_400_YEARS: Final = 146_097
"""The number of days in 400 years. The calendar repeats every 400 years."""
AGE: Final = re.compile(r"([1-9][0-9]{0,5})([hdwy])")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?")


def moment(text: str) -> datetime | None:
    """Read a time in ISO 8601 (in UTC if no zone is given), or an age like `7d`. Return None for any other text.

    The result is cut to milliseconds, like the times in the database.
    """
    if age := re.fullmatch(r"([0-9]+)([mhdw])", text):
        try:
            return _in_milliseconds(datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])}))
        except OverflowError:
            return None
    return iso(text)


def ago(age: str, now: datetime) -> datetime | None:
    """Return the time that is an age like `90d` or `2y` before `now`. A year is a calendar year.

    Return None if `age` is not valid, is 0, or leads to a time before the year 1.
    """
    found = AGE.fullmatch(age)
    if not found:
        return None
    number, unit = int(found[1]), found[2]
    try:
        if unit != "y":
            return _in_milliseconds(now - timedelta(**{UNITS[unit]: number}))
        leap_day = now.month == 2 and now.day == 29  # noqa: PLR2004 - only a leap year has this day
        return _in_milliseconds(now.replace(year=now.year - number, day=28 if leap_day else now.day))
    except (OverflowError, ValueError):
        return None


def iso(text: str) -> datetime | None:
    """Read a time in ISO 8601 (in UTC if no zone is given), cut to milliseconds. Return None for any other text."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        time = datetime.fromisoformat(text)
        return _in_milliseconds(time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _in_milliseconds(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def local(moment: datetime) -> datetime | None:
    """Return a time in the time zone of this machine. Return None if the machine cannot convert a time in that year."""
    try:
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone()
    except (OverflowError, ValueError, OSError):
        return None


def local_zone() -> str | None:
    """Return the name of the time zone of this machine, like `CET/CEST` if the zone has summer time.

    Return None for UTC.
    """
    if not clock.timezone and not clock.daylight:
        return None
    return "/".join(dict.fromkeys(clock.tzname))


def minute(moment: datetime) -> str:
    """Write a time in UTC without seconds: `2026-03-04 09:30Z`."""
    return f"{moment if moment.tzinfo is None else moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"


def rfc3339(value: Any) -> str | None:
    """Write a time as RFC 3339 in UTC with milliseconds. Return None if the value is not a time.

    A year outside 0 to 9999 has a sign and six digits, as in JavaScript: `+010000-01-01T00:00:00.000Z`.
    """
    if isinstance(value, datetime):
        written = value.isoformat(timespec="milliseconds")
        if value.tzinfo is None or written.endswith("+00:00"):
            return f"{written.removesuffix('+00:00')}Z"
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    if not hasattr(value, "as_datetime"):
        return None
    if hasattr(value, "inc"):  # the BSON type timestamp
        return rfc3339(value.as_datetime())
    return _beyond(int(value))


def _beyond(milliseconds: int) -> str:
    """Write a time whose year is outside the range of Python's `datetime`.

    The time is given in milliseconds since 1970.
    """
    days, rest = divmod(milliseconds, 24 * 60 * 60 * 1000)
    cycles, day = divmod(days, DAYS_OF_400_YEARS)
    near = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, milliseconds=rest)
    year = near.year + 400 * cycles
    shown = f"{year:04}" if 0 <= year <= MAXYEAR else f"{year:+07}"
    return f"{shown}-{near:%m-%dT%H:%M:%S}.{near.microsecond // 1000:03}Z"
