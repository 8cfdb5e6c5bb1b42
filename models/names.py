"""What a name may be, how a message shows it, and the nearest right name to a wrong one."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
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

READ_AS: Final = (
    ("an id", re.compile("[0-9a-fA-F]{24}|id:.*", re.DOTALL)),
    ("the part after the colon", re.compile("(user)?name:.*", re.DOTALL)),
    ("names on standard input", re.compile("-")),
)
USER_READ_AS: Final = (*READ_AS, ("an e-mail address", re.compile("email:.*|.*@.*", re.DOTALL)))
"""What commands read a text as, and the pattern of such a text; no new name may match one."""

_PREFIXED: Final = re.compile("(id|email|username):")
_JOINER: Final = re.compile("(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
"""A joiner is allowed between two letters, as in Persian or Hindi, and between two parts of an emoji."""

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789._-"

_SHOWN: Final = 60
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def flaw(name: str) -> str | None:
    """Say what keeps a text from being a name, if anything does.

    The application takes any string, so names on disk are read as they are; a new one with a stray blank or an
    invisible character in it is never what somebody meant.
    """
    found = _name(name)
    return found and (f"{shown(name)} {found}" if name else f"a name {found}")


def user_flaw(field: str, text: str) -> str | None:
    """Say why a new user cannot have a text in a field, in words that follow the text: `begins or ends with a blank`.

    The fields are those in `USER_TEXTS`. Only new values are checked: existing users may have such texts.
    """
    return USER_TEXTS[field](text)


def _name(name: str) -> str | None:
    if not name:
        return "cannot be empty"
    if len(name) > LONGEST:
        return f"is {len(name):,} characters long; a name has at most {LONGEST}"
    if name != name.strip():
        return "begins or ends with a blank"
    return _unseen(name)


def _unseen(text: str, allowed: str = "") -> str | None:
    for character in "" if text.isprintable() else text:
        if unicodedata.category(character) in _UNSEEN and character not in allowed:
            return f"holds a character that cannot be seen (U+{ord(character):04X})"
    return None


def _email(email: str) -> str | None:
    local, at, domain = email.partition("@")
    if not (at and local and domain) or "@" in domain or len(email) > LONGEST_EMAIL or email.split() != [email]:
        return "is not an e-mail address"
    if _PREFIXED.match(email):
        return "would be read as the part after the colon"
    return _unseen(email)


def _username(name: str) -> str | None:
    return _name(name) or next(
        (f"would be read as {kind}" for kind, shape in USER_READ_AS if shape.fullmatch(name)), None
    )


def _display_name(name: str) -> str | None:
    return _name(_JOINER.sub("", name))


def _url(text: str) -> str | None:
    return _unseen(text) if text.strip() == text else "begins or ends with a blank"


def _address(text: str) -> str | None:
    """Check an address, which may have several lines."""
    return _unseen(_JOINER.sub("", text), "\t\r\n") if text.strip() else "cannot be blank"


USER_TEXTS: Final[dict[str, Callable[[str], str | None]]] = {
    "email": _email,
    "username": _username,
    "name": _display_name,
    "phoneNumber": _display_name,
    "address": _address,
    "imageUrl": _url,
}
"""The fields of a user that hold a text, with the check of each."""


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
