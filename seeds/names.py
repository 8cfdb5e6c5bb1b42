"""What a name in a seed may be, how it is shown in a message, and what a pattern over names means.

The application takes any string for a name, so what is in a database already is read liberally; a seed is strict,
because a name with a stray blank or an invisible character in it is never what somebody meant.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

from models import names

LONGEST: Final = 200
"""Characters in a name."""

_SHOWN: Final = 60
_VARIABLE: Final = re.compile(r"\$(?P<escaped>\$)?\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)\})?")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_PATTERN_PARTS: Final = re.compile(r"\\(.)|(\*)|(.)", re.DOTALL)


def flaw(name: str) -> str | None:
    """Say what keeps a text from being a name in a seed, if anything does."""
    if not name:
        return "a name cannot be empty"
    if len(name) > LONGEST:
        return f"{shown(name)} is {len(name):,} characters long; a name has at most {LONGEST}"
    if name != name.strip():
        return f"{shown(name)} begins or ends with a blank"
    for character in "" if name.isprintable() else name:
        if unicodedata.category(character) in _UNSEEN:
            return f"{shown(name)} holds a character that cannot be seen (U+{ord(character):04X})"
    return None


def shown(text: str) -> str:
    """Put a text in quotes for a message, cut to a length that a line can hold."""
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[: _SHOWN - 1]}…"'


def nearest(word: str, words: Iterable[str]) -> str:
    """Return ` (did you mean "…"?)` for the closest of the right words, or nothing."""
    close = names.nearest(word, words) if len(word) <= LONGEST else None
    return f" (did you mean {shown(close)}?)" if close else ""


def variables(text: str) -> list[str | None]:
    """List the variables in a text, `None` for one that is not written as `${NAME}`."""
    return [found["name"] for found in _VARIABLE.finditer(text) if not found["escaped"]]


def expand(text: str, values: dict[str, str]) -> str:
    """Put values in the place of variables, and `${` in the place of `$${`."""

    def value(found: re.Match[str]) -> str:
        if found["escaped"]:
            return found[0][1:]
        return values[found["name"]]

    return _VARIABLE.sub(value, text)


def escape(text: str) -> str:
    """Write a text so that `expand` gives it back."""
    return text.replace("${", "$${")


class Pattern(NamedTuple):
    r"""A name where `*` stands for any characters and `\` takes the meaning from what follows it."""

    parts: tuple[str, ...]
    """What stands between the stars: a single part is a plain name."""

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        parts = [""]
        if "*" not in text and "\\" not in text:
            return cls((text,))
        for escaped, star, plain in _PATTERN_PARTS.findall(text):
            if star:
                parts.append("")
            else:
                parts[-1] += escaped or plain
        return cls(tuple(parts))

    @property
    def name(self) -> str | None:
        """The one name this is, if it is no pattern at all."""
        return self.parts[0] if len(self.parts) == 1 else None

    def matches(self, name: str) -> bool:
        """Match in linear time: the leftmost place for each part is as good as any, and no pattern can make it slow."""
        first, *middle, last = self.parts
        if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
            return False
        at, end = len(first), len(name) - len(last)
        for part in middle:
            at = name.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


def literal(name: str) -> str:
    """Write a name so that `Pattern.parse` takes it for nothing but itself."""
    return name.replace("\\", "\\\\").replace("*", "\\*")
