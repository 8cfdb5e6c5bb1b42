"""Messages, found by what they say."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final

from pymongo.errors import ExecutionTimeout, OperationFailure

from actions.errors import BadPatternError
from actions.filter_conditions import matches_pattern, require_text
from actions.messages.filters import Filters
from actions.messages.listing import NEWEST, SORTABLE, where
from actions.messages.rows import FIELDS, Rows
from database.errors import TimedOutError
from database.listing import Document, Listing, Row
from database.wording import shown

if TYPE_CHECKING:
    import regex

LONGEST: Final = 200
"""Characters of a pattern."""
SECONDS: Final = 10
"""How long a server looks for one part of what is asked."""
PATIENCE: Final = 0.1
"""Seconds that it may take to find again in one message what the server has found in it."""
BEFORE: Final = 20
AFTER: Final = 60
"""Characters that are shown around what was found."""
LARGEST: Final = 100_000
"""What the counts in a pattern (`a{1,300}`) may come to together: nested ones make it as large in memory."""
_REPEATED: Final = re.compile(r"\{(\d*),?(\d*)\}")
REFUSED: Final = {2, 51091}
"""Codes of a server that cannot read a pattern."""


def search(text: str, filters: Filters | None = None, *, pattern: bool = False) -> Listing:
    """List the messages that hold a text, or match a pattern, in any case: rows of `find` with a `match`.

    A match is `{before, found, after}`: what was found, and a little of what stands around it. Raises `UsageError`
    where there is nothing to search for, and `BadPatternError`.
    """
    given = require_text("what to search for", text)
    if pattern and len(given) > LONGEST:
        raise BadPatternError(f"the pattern is {len(given):,} characters long; it may have {LONGEST}")
    expression = given if pattern else re.escape(given)
    matches = _Matches(expression)
    condition = {**where(filters or Filters()), "body": matches_pattern(expression)}
    return _Search("Message", condition, matches, SORTABLE, NEWEST, FIELDS, SECONDS * 1000)


@dataclass(frozen=True)
class _Search(Listing):
    """A list that a server may take too long to find, or refuse to look for."""

    def count(self) -> int:
        with _explained():
            return super().count()

    def _found(self, *asked: Any) -> Iterator[Document]:
        with _explained():
            yield from super()._found(*asked)


class _Matches:
    """Make rows of messages with what matches in each."""

    def __init__(self, expression: str) -> None:
        self._rows = Rows()
        self._expression = _compiled(expression)

    def __call__(self, messages: Sequence[dict[str, Any]], columns: Collection[str] = ()) -> Iterator[Row]:
        for row in self._rows(messages, columns):
            yield {**row, "match": self._excerpt(row["body"])}

    def _excerpt(self, body: Any) -> Row:
        """Cut out what matches; nothing is found where the server and this machine are not of one mind."""
        text = body if isinstance(body, str) else str(body)
        start, end = self._place(text)
        before = text[max(0, start - BEFORE) : start]
        if start > BEFORE:  # a word that is cut is hard to read
            before = before.partition(" ")[2] or before
        return {"before": before, "found": text[start:end], "after": text[end : end + AFTER]}

    def _place(self, text: str) -> tuple[int, int]:
        try:
            found = self._expression and self._expression.search(text, timeout=PATIENCE)
        except TimeoutError:
            self._expression = found = None  # the next message would take as long
        return found.span() if found else (0, 0)


def _compiled(expression: str) -> "regex.Pattern[str] | None":
    """Read a pattern; None for one that would grow too large in memory, about which the server has to decide."""
    import regex

    counts = (max(1, int(least or 1), int(most or 1)) for least, most in _REPEATED.findall(expression))
    if prod(counts) > LARGEST:
        return None
    try:
        return regex.compile(expression, regex.IGNORECASE)
    except regex.error as error:
        why = f"{shown(expression)} is no pattern: {error}"
        raise BadPatternError(why, "without --regex it is looked for as it is written") from None


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ExecutionTimeout:
        raise TimedOutError(
            f"the search was given up after {SECONDS} seconds",
            "narrow it with --conversation, --sender or --since; chatctl db indexes --apply makes those fast",
        ) from None
    except OperationFailure as error:
        if error.code not in REFUSED:
            raise
        raise BadPatternError("the server cannot read the pattern", "it takes those of PCRE") from None
