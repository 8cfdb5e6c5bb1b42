"""Search messages by their text."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import ExecutionTimeout, OperationFailure

from actions.errors import BadPatternError
from actions.filter_conditions import matches_pattern, require_text
from actions.messages.listing import MESSAGE_FIELDS, NEWEST, SORTABLE, Filters, MessageRows, query
from database.errors import TimedOutError
from database.listing import Listing, Row
from database.wording import shown

if TYPE_CHECKING:
    import regex

LONGEST_PATTERN: Final = 200
"""The most characters of a pattern."""
SECONDS_ON_SERVER: Final = 10
"""The longest time that the server may need for one part of the result."""
SECONDS_PER_MESSAGE: Final = 0.1
"""The longest time to find the match again in one message."""
CHARACTERS_BEFORE: Final = 20
CHARACTERS_AFTER: Final = 60
"""Characters that are shown before and after a match."""
LARGEST_COUNT: Final = 100_000
"""The largest product of all counts in a pattern (`a{1,300}`): nested counts multiply its size in memory."""
_COUNTS: Final = re.compile(r"\{(\d*),?(\d*)\}")
UNREADABLE_PATTERN: Final = {2, 51091}
"""Error codes of a server that cannot read a pattern."""


def search(text: str, filters: Filters | None = None, *, pattern: bool = False) -> Listing:
    """List the messages that contain a text or match a pattern, ignoring case: rows of `find` with a `match`.

    A match is `{before, found, after}`: the found text, and some characters around it. Raises `UsageError` for an
    empty text, and `BadPatternError`.
    """
    pattern_text = require_text("what to search for", text)
    if pattern and len(pattern_text) > LONGEST_PATTERN:
        raise BadPatternError(f"the pattern is {len(pattern_text):,} characters long; it may have {LONGEST_PATTERN}")
    expression = pattern_text if pattern else re.escape(pattern_text)
    matches = _MatchRows(expression)
    condition = {**query(filters or Filters()), "body": matches_pattern(expression)}
    return _Search("Message", condition, matches, SORTABLE, NEWEST, MESSAGE_FIELDS, SECONDS_ON_SERVER * 1000)


@dataclass(frozen=True)
class _Search(Listing):
    """A list for which the server may need too long, or which it may refuse."""

    def count(self) -> int:
        with _search_errors():
            return super().count()

    def _found(self, *asked: Any) -> Iterator[Mapping[str, Any]]:
        with _search_errors():
            yield from super()._found(*asked)


class _MatchRows:
    """Make rows of messages, each with the text around its match."""

    def __init__(self, expression: str) -> None:
        self._rows = MessageRows()
        self._expression = _compile(expression)

    def __call__(self, messages: Sequence[dict[str, Any]], columns: Collection[str] = ()) -> Iterator[Row]:
        for row in self._rows(messages, columns):
            yield {**row, "match": self._excerpt(row["body"])}

    def _excerpt(self, body: Any) -> Row:
        """Cut out the match; it is empty if the server found a match that Python does not find."""
        text = body if isinstance(body, str) else str(body)
        start, end = self._span(text)
        before = text[max(0, start - CHARACTERS_BEFORE) : start]
        if start > CHARACTERS_BEFORE:  # a word that is cut is hard to read
            before = before.partition(" ")[2] or before
        return {"before": before, "found": text[start:end], "after": text[end : end + CHARACTERS_AFTER]}

    def _span(self, text: str) -> tuple[int, int]:
        try:
            found = self._expression and self._expression.search(text, timeout=SECONDS_PER_MESSAGE)
        except TimeoutError:
            self._expression = found = None  # the next message would take as long
        return found.span() if found else (0, 0)


def _compile(expression: str) -> "regex.Pattern[str] | None":
    """Compile a pattern; None if it would need too much memory, so that only the server decides about it."""
    import regex

    counts = (max(1, int(least or 1), int(most or 1)) for least, most in _COUNTS.findall(expression))
    if prod(counts) > LARGEST_COUNT:
        return None
    try:
        return regex.compile(expression, regex.IGNORECASE)
    except regex.error as error:
        why = f"{shown(expression)} is no pattern: {error}"
        raise BadPatternError(why, "without --regex it is looked for as it is written") from None


@contextmanager
def _search_errors() -> Iterator[None]:
    try:
        yield
    except ExecutionTimeout:
        raise TimedOutError(
            f"the search was given up after {SECONDS_ON_SERVER} seconds",
            "narrow it with --conversation, --sender or --since; chatctl db indexes --apply makes those fast",
        ) from None
    except OperationFailure as error:
        if error.code not in UNREADABLE_PATTERN:
            raise
        raise BadPatternError("the server cannot read the pattern", "it takes those of PCRE") from None
