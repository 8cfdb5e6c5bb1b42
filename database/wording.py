"""Write names and numbers in messages, and suggest the correct name for a misspelt one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from models import names
from models.names import LONGEST_EMAIL

NAMED: Final = 10
"""The largest number of names that a message lists."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789._-"

_SHOWN: Final = 60


def shown(text: str) -> str:
    """Put a text in quotation marks for a message. A long text is cut, so that it fits into a line."""
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[: _SHOWN - 1]}…"'


def name_flaw(name: str) -> str | None:
    """Say why a text is not a valid name: `"x " begins or ends with a space`. Return None if it is valid."""
    found = names.flaw(name)
    return found and (f"{shown(name)} {found}" if name else f"a name {found}")


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that is most similar to a word. Upper and lower case are ignored.

    Return None if no choice is similar.
    """
    if len(word) > LONGEST_EMAIL:
        return None
    from difflib import get_close_matches

    folded = {choice.casefold(): choice for choice in choices}
    matches = get_close_matches(word.casefold(), folded, n=1)
    return folded[matches[0]] if matches else None


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """Return the hint `did you mean "…"?` with the most similar choice. Return None if no choice is similar."""
    name = nearest(word, choices)
    return None if name is None else f'did you mean "{name}"?'


def one_edit_away(word: str) -> Iterator[str]:
    """Yield the words that differ from a word by one mistake: a missing, extra or wrong letter, or two swapped letters.

    For a word that is longer than any name, yield nothing.
    """
    for place in range(len(word) + 1 if len(word) <= LONGEST_EMAIL else 0):
        before, after = word[:place], word[place:]
        yield before + after[1:]
        yield before + after[1:2] + after[:1] + after[2:]
        for letter in _LETTERS:
            yield before + letter + after
            yield before + letter + after[1:]


def in_words(words: Sequence[str]) -> str:
    """Join names with spaces. If the list is long, write only the first names: `ada grace … and 5 more`."""
    more = [f"and {len(words) - NAMED:,} more"] if len(words) > NAMED else []
    return " ".join([*words[:NAMED], *more])


def enumerated(words: Sequence[str]) -> str:
    """Join names with commas. If the list is long, write only the first names: `ada, grace, … and 5 more`."""
    return ", ".join(words[:NAMED]) + (f" and {len(words) - NAMED:,} more" if len(words) > NAMED else "")


def counted(number: int, noun: str) -> str:
    """Write a number with its noun: `1 role`, `1,000 roles`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
