"""Markdown in which nothing that people wrote is more than text: no link, no mention, no markup."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

# What many readers turn into a link by itself, whatever is escaped in it: e-mail addresses and those of the web.
_LINKED: Final = re.compile(r"@|//|www\.", re.IGNORECASE)
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]<>#|~&$^]|\.(?=\S)")
_BEGINS: Final = re.compile(r"^(?:\d+(?=[.)])|(?=[-+=:]))")
"""What would make a line an item of a list, a heading's underline, or part of a table."""
_BLANKS: Final = re.compile(r"(\s+)")
_SIGN: Final = re.compile(r"^( *)([+~-])(?= )")
_SIGNS: Final = {"~": "!"}
"""How a block of the language `diff` marks a line as changed."""
LONGEST: Final = 50_000
"""Characters of a list: a comment on GitHub has at most 65,536."""


def text(shown: str) -> str:
    """Write a text that is safe to show as a paragraph that says just this."""
    return "\\\n".join(map(_line, shown.rstrip().split("\n")))


def code(shown: str) -> str:
    """Write one safe line as code, in a table too. Names in code mention nobody and refer to no issue or commit."""
    return r"\|".join(map(_code, shown.split("|")))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; the cells are Markdown already. Without rows there is no table."""
    lines, more = fitting([f"| {' | '.join(row)} |" for row in rows])
    head = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"] if lines or more else []
    return "".join(f"{line}\n" for line in [*head, *lines, *(["", more] if more else [])])


def diff(lines: Iterable[str]) -> str:
    """Write safe lines as a block with the colours of a diff."""
    signed = [_SIGN.sub(lambda found: _SIGNS.get(found[2], found[2]) + found[1], line) for line in lines]
    shown, more = fitting(signed)
    fence = "`" * max(3, 1 + max((len(run) for line in shown for run in re.findall("`+", line)), default=0))
    return "".join(f"{line}\n" for line in [f"{fence}diff", *shown, *([more] if more else []), fence])


def fitting(lines: Sequence[str]) -> tuple[Sequence[str], str]:
    """Return the first lines, as many as a comment has room for, and how many more there are, if any."""
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
