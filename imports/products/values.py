"""Find values in a record of another product, and read texts, times and booleans as these products write them."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from database import times

Record = Mapping[str, Any]
Getter = Callable[[Record], Any]

_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[([^=\[\]]+)=(@?)([^\[\]]*)\]")
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_YES: Final = frozenset({"true", "yes", "1", "t"})
_NO: Final = frozenset({"false", "no", "0", "f"})
_EXTENDED: Final = frozenset({"$date", "$oid", "$numberLong", "$numberInt", "$numberDouble"})
"""Keys of MongoDB's Extended JSON, like `{"$oid": "…"}`. The value is inside an object with one of these keys."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_SECONDS: Final = 10**11
"""Numbers above this one are milliseconds since 1970. As seconds they would mean a time after the year 5138."""
_NUMBER: Final = re.compile(r"-?\d{1,14}(\.\d+)?")
_ZONED: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) (?:UTC|([+-]\d{4})(?: \S{1,6})?)")
"""Matches times as Ruby and Go write them: `2021-03-04 08:15:30 UTC`, `2023-11-20 19:30:00.5 +0100 CET`."""
_SLASHES: Final = re.compile(r"(\d{4})/(\d\d)/(\d\d)( \d\d:\d\d(?::\d\d)?)?")


def steps(path: str) -> list[tuple[str, ...]] | None:
    """Split a path like `profile.email`, `emails[0].address` or `Attributes[Name=email].Value` into its steps.

    Return None if the path is not valid.
    """
    found = list(_STEP.finditer(path))
    return [one.groups("") for one in found] if "".join(one[0] for one in found) == path and path else None


def getter(path: str) -> Getter:
    """Return a function that finds the value of a path in a record.

    If a key of the record is equal to the whole path, the value of this key is returned. `[key=value]` finds the first
    object in a list whose key has this value. `[key=@path]` compares with the value of another path in the record.
    """
    way = steps(path) or [(path,)]
    if len(way) == 1 and way[0][0] == path:
        return lambda record: record.get(path)

    def get(record: Record) -> Any:
        value: Any = record
        if path in record:
            return record[path]
        for step in way:
            value = _next(value, step, record)
            if value is None:
                return None
        return value

    return get


def _next(value: Any, step: tuple[str, ...], record: Record) -> Any:
    name, place, key, at, wanted = step
    value = parsed(value)
    if name:
        return value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    if place:
        return value[int(place)] if int(place) < len(value) else None
    sought = getter(wanted)(record) if at else wanted
    return next((one for one in value if isinstance(one, dict) and one.get(key) == sought), None)


def parsed(value: Any) -> Any:
    """Parse a text that begins like a JSON object or list. Return None if it is not valid.

    Return other values unchanged.
    """
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value


def filled(value: Any) -> bool:
    """Tell whether a value is not empty and does not mean zero, no or false."""
    return value not in _EMPTY and truth(value) is not False


def truth(value: Any) -> bool | None:
    """Read a boolean in any spelling, like yes, 1 or t. Return None for other values."""
    word = plain(value).strip().casefold() if isinstance(plain(value), str) else ""
    return True if word in _YES else False if word in _NO else None


def plain(value: Any) -> Any:
    """Return a number, a boolean or a value of MongoDB's Extended JSON as text. Return other values unchanged."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1 and (key := next(iter(value))) in _EXTENDED:
        return plain(value[key])
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def text(value: Any) -> Any:
    """Return a value as text, without spaces and quotation marks around it. Return None if it is empty.

    Lists and objects are returned unchanged.
    """
    if not isinstance(value, str):
        value = plain(value)
        if not isinstance(value, str):
            return None if value in _EMPTY else value
    value = value.strip()
    if value[:1] == '"' and len(value) > 1 and value[-1] == '"':
        value = value[1:-1].strip()
    return value or None


def time(value: Any) -> Any:
    """Read a time in any of the forms that products write. Other values are returned as `text` returns them."""
    value = text(value)
    if not isinstance(value, str):
        return value
    if value[4:5] == "-" and (found := times.iso(value)):
        return found
    if _NUMBER.fullmatch(value):  # The number has at most 14 digits, so the year is at most 9999.
        return _since_1970(float(value))
    return _odd_time(value) or value


def _odd_time(value: str) -> datetime | None:
    if zoned := _ZONED.fullmatch(value):
        return times.iso(zoned[1] + (zoned[2] or ""))
    if slashes := _SLASHES.fullmatch(value):
        return times.iso("-".join(slashes.group(1, 2, 3)) + (slashes[4] or ""))
    try:
        return datetime.strptime(value, "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
    except ValueError:
        return None


def _since_1970(number: float) -> datetime | None:
    """Convert seconds or milliseconds since 1970 to a time. Zero means never, and becomes None."""
    milliseconds = number if abs(number) > _MOST_SECONDS else number * 1000
    return _EPOCH + timedelta(milliseconds=round(milliseconds)) if number else None
