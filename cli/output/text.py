"""Make text from the database safe to print, and write values (times, lists, people) for people."""

import math
import re
import shlex
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from cli.output import streams
from database import times

# Characters that control a terminal or are invisible: control characters except newline and tab, characters that change
# the writing direction, line separators, surrogates, and those that Unicode calls default-ignorable.
_HARMFUL = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_PICTURE = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
VIRAMA = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0c4d\u0ccd\u0d4d\u0dca"
# Places in which invisible joiners are a correct part of a text: emoji sequences, Persian word parts, Indic conjuncts.
_LEGITIMATE = (
    f"(?<=[{_PICTURE}])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=[{_PICTURE}\ufe0f])\u200d(?=[{_PICTURE}])"
    f"|(?<=[\u0620-\u06ff])\u200c(?=[\u0620-\u06ff])|(?<=[{VIRAMA}])[\u200c\u200d]"
)
_UNSAFE = re.compile(f"({_LEGITIMATE})|([{_HARMFUL}])")
_BREAKS = re.compile("[\n\t]")
_JOB_COMMAND: Final = re.compile(r"#(?=#\[)|(?<![^\n])([^\S\n]*):(?=:)")
"""Matches the beginning of a command for GitHub Actions: `##[` anywhere, or `::` at the beginning of a line.

GitHub Actions obeys such commands in the output of a job.
"""

BEGIN, END = "\x02", "\x03"
"""The marks around the match of a search in a table cell.

Texts of users cannot contain them, because `safe` escapes them.
"""
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
LONGEST_DATA = 60
"""The most characters that are shown of a `data:` URL, which contains the image itself."""
WEB: Final = re.compile(r"https?://[!-~]+", re.IGNORECASE)
"""Matches the URLs that can become links: http or https, with visible ASCII characters only."""

# The types that `plain` does not change. Most values have such a type, so a check of the type saves a call.
_AS_IT_IS = frozenset({str, bool, int, type(None)})


def safe(text: str, *, lines: bool = False) -> str:
    r"""Escape characters that could control a terminal: ESC becomes `\x1b`. With `lines`, keep newlines and tabs.

    In a job of GitHub Actions, also escape what would be a command of the job: `::error::` becomes `\x3a:error::`.
    """
    shown = text
    if not text.isascii() or not text.isprintable():
        shown = _UNSAFE.sub(lambda match: match[1] or escape(match[2]), text)
        shown = shown if lines else _BREAKS.sub(lambda match: escape(match[0]), shown)
    if ("::" in shown or "##[" in shown) and streams.on_github():
        return _JOB_COMMAND.sub(lambda match: rf"{match[1] or ''}\x{ord(match[0][-1]):x}", shown)
    return shown


def escape(character: str) -> str:
    r"""Return a character as an escape sequence of Python and C, like `\n`, `\x1b`, `\u202e`, `\U000e0001`."""
    return character.encode("unicode_escape").decode()


def plain(value: Any) -> Any:
    """Convert a database value for JSON, YAML and CSV. Ids become texts of 24 digits, times become RFC 3339 in UTC."""
    return _CONVERTERS[type(value)](value)


def _converter(kind: type) -> Callable[[Any], Any]:  # noqa: PLR0911 - one for each kind of value
    """Return the function that converts values of a type."""
    if kind in _AS_IT_IS:
        return lambda value: value
    if issubclass(kind, str):
        return lambda value: str(value.value if isinstance(value, Enum) else value)
    if issubclass(kind, (int, float)):
        return _number
    if issubclass(kind, datetime) or hasattr(kind, "as_datetime"):
        return times.rfc3339
    if issubclass(kind, dict):
        return lambda value: {str(key): item if type(item) in _AS_IT_IS else plain(item) for key, item in value.items()}
    if hasattr(kind, "as_doc"):  # a reference to another document (DBRef)
        return lambda value: plain(value.as_doc())
    if hasattr(kind, "__iter__") and not issubclass(kind, bytes):
        return lambda value: [item if type(item) in _AS_IT_IS else plain(item) for item in value]
    from database import ids

    return ids.id_text


class _Converters(dict[type, Callable[[Any], Any]]):
    """Type → the function that converts its values. In long lists, it is faster to choose it only once."""

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        self[kind] = _converter(kind)
        return self[kind]


_CONVERTERS: Final = _Converters()


def _number(value: float) -> Any:
    number = float(value) if isinstance(value, float) else int(value)
    return number if math.isfinite(number) else str(number)


def id_text(identifier: Any) -> str:
    """Return an id of any type as text. Users can type this text as an argument."""
    from database import ids

    return ids.id_text(identifier)


def cell(value: Any, *, local: bool = False) -> str:
    """Return a value for people, on one line.

    Times are in UTC with a Z, or in the local time zone if `local` is true.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        there = _in_zone(value, local=local)
        return there.replace(tzinfo=None).isoformat(" ", "minutes") + "Z" * (there.tzinfo is UTC)
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return ", ".join(parts(value, local=local))
    return safe(str(plain(value)))


def excerpt(value: Any) -> str:
    """Return the match of a search with the text around it. `BEGIN` and `END` mark the match."""
    before, found, after = (safe(value[part]) for part in ("before", "found", "after"))
    return f"{before}{BEGIN}{found}{END}{after}" if found else before + after


def isolated(shown: str) -> str:
    """Isolate a right-to-left text (Hebrew, Arabic) with Unicode isolates, so that the text next to it keeps its place.

    The text must be safe already. The mark at the end helps on terminals that ignore isolates.
    """
    if shown.isascii() or not _RIGHT_TO_LEFT.search(shown):
        return shown
    return f"\u2068{shown}\u2069\u200e"


def passage(written: Any) -> str:
    """Return a text of a user with its line breaks, safe to print."""
    return safe(str(plain(written)).replace("\r\n", "\n"), lines=True)


def address(value: Any) -> str:
    """Return a URL for people. A long `data:` URL, which contains the image itself, is cut."""
    if not isinstance(value, str) or not value.startswith("data:") or len(value) <= LONGEST_DATA:
        return cell(value)
    return f"{safe(value.partition(',')[0][:LONGEST_DATA])} ({len(value):,} characters)"


def day(moment: Any, *, local: bool = False) -> str:
    """Return a heading for the day of a time, like `Monday, 2 March 2026`. Without a time, it is `Without a date`."""
    if not isinstance(moment, datetime):
        return (times.rfc3339(moment) or "Without a date").partition("T")[0]
    there = _in_zone(moment, local=local)
    return f"{there:%A}, {there.day} {there:%B %Y}"


def clock(moment: Any, *, local: bool = False) -> str:
    """Return the time of day, like `14:05`. A value that is not a time is returned as text."""
    if isinstance(moment, datetime):
        return f"{_in_zone(moment, local=local):%H:%M}"
    written = times.rfc3339(moment)
    return written.partition("T")[2][: len("00:00")] if written else cell(moment)


def ago(value: Any) -> str:
    """Return the age of a time, like `2 hours ago`."""
    if not isinstance(value, datetime):
        return cell(value)
    from humanize import naturaltime

    return str(naturaltime(datetime.now(UTC) - _utc(value)))


def parts(value: Any, *, local: bool = False) -> list[str]:
    """Return a value as texts: the items of a list, or the fields of an object that are not empty.

    A line can be broken between these texts.
    """
    if isinstance(value, dict):
        if value.keys() >= {"id", "username"}:
            return [_person(value)]
        name = next((value[key] for key in ("title", "name", "id") if value.get(key) is not None), None)
        if name is not None:
            return [cell(name)]
        return [f"{safe(str(key))} {shown}" for key, item in value.items() if (shown := cell(item, local=local))]
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return [cell(item, local=local) for item in value]
    return [cell(value, local=local)]


def _person(person: dict[str, Any]) -> str:
    from actions.display_names import person_label

    return safe(person_label(person))


def fault_text(found: dict[str, Any]) -> str:
    """Return the place of a fault and the wrong value, like `User 65… status: BANNED`."""
    field = f" {found['field']}" if found["field"] else ""
    return f"{found['collection']} {cell(found['id'])}{field}" + (
        f": {shown}" if (shown := cell(found["value"])) else ""
    )


def quoted(arguments: Iterable[str]) -> str:
    """Return a command line with the quotation marks of a shell, so that it can be pasted.

    Unsafe characters are escaped.
    """
    return " ".join(_argument(argument) for argument in arguments)


def _argument(text: str) -> str:
    shown = safe(text)
    if shown == text:
        return shlex.quote(text)
    escaped = _UNSAFE.sub(lambda match: match[1] or escape(match[2]), re.sub(r"['\\]", r"\\\g<0>", text))
    return f"$'{_BREAKS.sub(lambda match: escape(match[0]), escaped)}'"


def _in_zone(moment: datetime, *, local: bool) -> datetime:
    return (times.local(moment) if local else None) or _utc(moment)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
