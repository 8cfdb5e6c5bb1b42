"""Times as people write them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?")


def moment(text: str) -> datetime | None:
    """Read ISO 8601 (UTC where it says nothing else) or an age such as `7d`, in milliseconds, as stored; else None."""
    if age := re.fullmatch(r"([0-9]+)([mhdw])", text):
        try:
            return _in_milliseconds(datetime.now(UTC) - timedelta(**{UNITS[age[2]]: int(age[1])}))
        except OverflowError:
            return None
    return iso(text)


def iso(text: str) -> datetime | None:
    """Read ISO 8601, in UTC where it names no zone, in milliseconds; None for anything else."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        time = datetime.fromisoformat(text)
        return _in_milliseconds(time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def _in_milliseconds(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
