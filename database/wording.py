"""How messages show names and numbers, and the nearest right name to a wrong one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from models import names
from models.names import LONGEST_EMAIL

NAMED: Final = 10
"""Names that somebody reads."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789._-"

_SHOWN: Final = 60


def shown(text: str) -> str:
    """Put a text in quotes for a message, cut to a length that a line can hold."""
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[: _SHOWN - 1]}…"'


def name_flaw(name: str) -> str | None:
    """Say what keeps a text from being a name, with the text."""
    found = names.flaw(name)
    return found and (f"{shown(name)} {found}" if name else f"a name {found}")


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


def in_words(words: Sequence[str]) -> str:
    """Write names one behind the other, many of them as the first and how many more there are."""
    more = [f"and {len(words) - NAMED:,} more"] if len(words) > NAMED else []
    return " ".join([*words[:NAMED], *more])


def enumerated(words: Sequence[str]) -> str:
    """Write names with commas, many of them as the first and how many more there are."""
    return ", ".join(words[:NAMED]) + (f" and {len(words) - NAMED:,} more" if len(words) > NAMED else "")


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: `1 role`, `1,000 roles`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
