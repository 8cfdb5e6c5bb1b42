"""The rules for new names, and for other new texts of users, like e-mail addresses."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

LONGEST: Final = 200
"""The length limit of a name, in characters."""

LONGEST_EMAIL: Final = 254
"""The length limit of an e-mail address, in characters. This is the limit of mail servers (RFC 5321)."""

EASY: Final = re.compile(r"(?!-)[A-Za-z0-9_.@+-]{1,64}")
"""Matches a name that is easy to type: it has no special characters of a shell, and does not look like an option."""

HOW_EASY: Final = "use up to 64 characters (a-z, A-Z, 0-9, _ . @ + -); the first one cannot be -"

READ_AS: Final = (
    ("would be read as an id", re.compile("[0-9a-fA-F]{24}|id:.*", re.DOTALL)),
    ("cannot begin with name: or username:", re.compile("(user)?name:.*", re.DOTALL)),
    ("means standard input in a command", re.compile("-")),
)
USER_READ_AS: Final = (*READ_AS, ("would be read as an e-mail address", re.compile("email:.*|.*@.*", re.DOTALL)))
"""The texts that commands do not read as a username, for example because they look like an id.

Each item is (why such a text is not a valid username, pattern). A new username must not match any of the patterns.
"""

_PREFIXED: Final = re.compile("(id|email|username):")
JOINER: Final = re.compile("(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
"""Matches an invisible character that joins the characters before and after it.

Names may have this character between two letters that are not ASCII (Persian, Hindi), or inside an emoji.
"""

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def flaw(name: str) -> str | None:
    """Say why a text is not a valid name: `begins or ends with a space`. Return None if the name is valid.

    Only new names are checked, because the application accepts any string and existing names can be invalid. A space at
    the end or an invisible character in a new name is always a mistake.
    """
    if not name:
        return "cannot be empty"
    if len(name) > LONGEST:
        return f"is {len(name):,} characters long; a name has at most {LONGEST}"
    if name != name.strip():
        return "begins or ends with a space"
    return _unseen(name)


def user_flaw(field: str, text: str) -> str | None:
    """Say why a text is not valid in a field of a new user: `is not a valid e-mail address`.

    `field` must be in `USER_TEXTS`. Return None if the text is valid. Only new values are checked, because the texts of
    existing users may be invalid.
    """
    return USER_TEXTS[field](text)


def _unseen(text: str, allowed: str = "") -> str | None:
    for character in "" if text.isprintable() else text:
        if unicodedata.category(character) in _UNSEEN and character not in allowed:
            return f"contains an invisible character (U+{ord(character):04X})"
    return None


def _email(email: str) -> str | None:
    local, at, domain = email.partition("@")
    if not (at and local and domain) or "@" in domain or len(email) > LONGEST_EMAIL or email.split() != [email]:
        return "is not a valid e-mail address"
    if _PREFIXED.match(email):
        return "cannot begin with id:, email: or username:"
    return _unseen(email)


def _username(name: str) -> str | None:
    return flaw(name) or next((problem for problem, shape in USER_READ_AS if shape.fullmatch(name)), None)


def _display_name(name: str) -> str | None:
    return flaw(JOINER.sub("", name))


def _url(text: str) -> str | None:
    return _unseen(text) if text.strip() == text else "begins or ends with a space"


def _address(text: str) -> str | None:
    """Say why a text is not a valid postal address, which can have several lines. Return None if it is valid."""
    return _unseen(JOINER.sub("", text), "\t\r\n") if text.strip() else "cannot be blank"


USER_TEXTS: Final[dict[str, Callable[[str], str | None]]] = {
    "email": _email,
    "username": _username,
    "name": _display_name,
    "phoneNumber": _display_name,
    "address": _address,
    "imageUrl": _url,
}
"""Text field of a user or profile → the function that says what is wrong with a new value."""
