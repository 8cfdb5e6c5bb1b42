"""Write Markdown in which texts of users are escaped, so that they cannot make links, mentions or formatting."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

# Many viewers make links of web and e-mail addresses, even if some of their characters are escaped.
_LINKED: Final = re.compile(r"@|//|www\.", re.IGNORECASE)
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>#|~&$^]|\.(?=\S)")
_BEGINS: Final = re.compile(r"^(?:\d+(?=[.)])|(?=[-+=:]))")
"""Matches the beginning of a line that Markdown would read as a list item, a heading, or a part of a table."""
_BLANKS: Final = re.compile(r"(\s+)")
_SIGN: Final = re.compile(r"^( *)([+~-])(?= )")
_SIGNS: Final = {"~": "!"}
"""Sign of a line in chatctl's own lists of changes → the sign for it in a code block of the language `diff`."""
LONGEST: Final = 50_000
"""The most characters of a list, table or diff in a report. A comment on GitHub has at most 65,536 characters."""


def text(shown: str) -> str:
    """Escape a text, so that Markdown shows exactly this text in a paragraph."""
    return "\\\n".join(map(_line, shown.rstrip().split("\n")))


def code(shown: str) -> str:
    """Return a line as inline code, also for a table. In code, GitHub does not link users, issues or commits."""
    return r"\|".join(map(_code, shown.split("|")))


def rows(headings: Sequence[str], cells: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table of any length. The cells must be Markdown already."""
    yield f"| {' | '.join(headings)} |"
    yield "|---" * len(headings) + "|"
    for row in cells:
        yield f"| {' | '.join(row)} |"


def table(headings: Sequence[str], cells: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table that fits into a comment. If there are no rows, return an empty text."""
    first, second, *lines = rows(headings, cells)
    shown, more = fitting(lines)
    return "".join(f"{line}\n" for line in [first, second, *shown, *(["", more] if more else [])]) if lines else ""


def diff(lines: Iterable[str]) -> str:
    """Return lines as a code block that is coloured as a diff."""
    signed = [_SIGN.sub(lambda found: _SIGNS.get(found[2], found[2]) + found[1], line) for line in lines]
    shown, more = fitting(signed)
    fence = "`" * max(3, 1 + max((len(run) for line in shown for run in re.findall("`+", line)), default=0))
    return "".join(f"{line}\n" for line in [f"{fence}diff", *shown, *([more] if more else []), fence])


def fitting(lines: Sequence[str]) -> tuple[Sequence[str], str]:
    """Return the first lines, as many as fit into a comment, and a text like `… 12 more lines` (empty if all fit)."""
    ends = accumulate(len(line) + 1 for line in lines)
    shown = sum(end <= LONGEST for end in ends)
    return lines[:shown], f"… {len(lines) - shown:,} more lines" if shown < len(lines) else ""


def _line(line: str) -> str:
    rest = line.lstrip()
    indent = ("&nbsp;" if blank in " \t" else f"&#{ord(blank)};" for blank in line[: len(line) - len(rest)])
    written = "".join(map(_word, _BLANKS.split(rest)))
    return "".join(indent) + _BEGINS.sub(r"\g<0>\\", written)


def _word(word: str) -> str:
    return _code(word) if _LINKED.search(word) else _SPECIAL.sub(r"\\\g<0>", word)


def _code(shown: str) -> str:
    if not shown:
        return ""
    fence = "`" * (1 + max(map(len, re.findall("`*", shown))))
    space = " " if "`" in {shown[0], shown[-1]} else ""
    return f"{fence}{space}{shown}{space}{fence}"
