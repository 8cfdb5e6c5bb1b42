"""What a name may be, how a message shows it, and the nearest right name to a wrong one."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

LONGEST: Final = 200
"""Characters in a name."""

LONGEST_EMAIL: Final = 254
"""Characters, as mail servers have it (RFC 5321)."""

NAMED: Final = 10
"""Names that somebody reads."""

EASY: Final = re.compile(r"(?!-)[A-Za-z0-9_.@+-]{1,64}")
"""A name that anybody can type on any keyboard: no option, and nothing that means something to a shell."""

HOW_EASY: Final = "take up to 64 of a-z, A-Z, 0-9 and _ . @ + -, the first not -"

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789._-"

_SHOWN: Final = 60
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def flaw(name: str) -> str | None:
    """Say what keeps a text from being a name, if anything does.

    The application takes any string, so names on disk are read as they are; a new one with a stray blank or an
    invisible character in it is never what somebody meant.
    """
    if not name:
        return "a name cannot be empty"
    if len(name) > LONGEST:
        return f"{shown(name)} is {len(name):,} characters long; a name has at most {LONGEST}"
    if name != name.strip():
        return f"{shown(name)} begins or ends with a blank"
    return _unseen(name)


def _unseen(text: str) -> str | None:
    for character in "" if text.isprintable() else text:
        if unicodedata.category(character) in _UNSEEN:
            return f"{shown(text)} holds a character that cannot be seen (U+{ord(character):04X})"
    return None


def email_flaw(email: str) -> str | None:
    """Say what keeps a text from being an e-mail address, if anything does."""
    local, at, domain = email.partition("@")
    if not (at and local and domain) or "@" in domain or len(email) > LONGEST_EMAIL or email.split() != [email]:
        return f"{shown(email)} is no e-mail address"
    return _unseen(email)


def shown(text: str) -> str:
    """Put a text in quotes for a message, cut to a length that a line can hold."""
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[: _SHOWN - 1]}…"'


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Find the choice that was probably meant, in any case of letters; None where none is near."""
    if len(word) > LONGEST_EMAIL:
        return None
    from difflib import get_close_matches

    folded = {choice.casefold(): choice for choice in choices}
    matches = get_close_matches(word.casefold(), folded, n=1)
    return folded[matches[0]] if matches else None


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """Ask it as the hint of an error, or have no hint."""
    name = nearest(word, choices)
    return None if name is None else f'did you mean "{name}"?'


def one_edit_away(word: str) -> Iterator[str]:
    """Yield what a word may have been meant to be: a letter too few, too many, another, or two in the wrong order.

    A word that no name is as long as was meant to be none.
    """
    for place in range(len(word) + 1 if len(word) <= LONGEST_EMAIL else 0):
        before, after = word[:place], word[place:]
        yield before + after[1:]
        yield before + after[1:2] + after[:1] + after[2:]
        for letter in _LETTERS:
            yield before + letter + after
            yield before + letter + after[1:]


def in_words(names: Sequence[str]) -> str:
    """Write names one behind the other, many of them as the first and how many more there are."""
    more = [f"and {len(names) - NAMED:,} more"] if len(names) > NAMED else []
    return " ".join([*names[:NAMED], *more])


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: `1 role`, `1,000 roles`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
