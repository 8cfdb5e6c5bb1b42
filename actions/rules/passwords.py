"""What a password may be, and how it is kept."""

import re
import secrets
import string
from collections.abc import Iterable
from threading import Lock
from typing import Final

from database.errors import InvalidInputError

SHORTEST: Final = 15
"""Characters."""

LONGEST: Final = 72
"""Bytes: of a longer one bcrypt would read no more."""

LONGEST_HASH: Final = 500
"""In characters; the hashes of all schemes are shorter."""

BCRYPT: Final = "bcrypt"

FEWEST_DIFFERENT: Final = 5
"""Characters that are not the same."""

ROUNDS = 12
"""The cost the application uses; tests lower it."""

_LOADING: Final = Lock()
"""Held while the library makes its module in steps of its own: another thread would find half of it."""

_LEGIBLE: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike."""

_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
)
"""Rows of keys and letters: a piece of one, from either end, is as common as a word."""

_COMMON: Final = frozenset(
    """
    admin administrator adminadmin changeit changeme chatctl chatctladmin correcthorse
    correcthorsebatterystaple default dragon football guest hunter iloveyou incorrecthorse letmein
    letmeinletmein login master masterkey messenger mongodb monkey opensesame passphrase password
    passwordforgot princess qwerty root secret secretpassword shadow sunshine superman superuser support
    test testing thequickbrownfox thequickbrownfoxjumps
    thequickbrownfoxjumpsoverthelazydog thisisapassword thisismypassword trustno
    welcome welcometothejungle whatever whoami yourpasswordhere mypassword mypasswordis
    myverysecurepassword averylongpassword averysecurepassword supersecretpassword supersecurepassword
    neverguessthis youshallnotpass maytheforcebewithyou tobeornottobe
    """.split()  # noqa: SIM905 - a list this long is read best as words
)
"""Words and phrases, without digits and punctuation at their ends."""

_HASHES: Final = tuple(
    (scheme, re.compile(shape, re.IGNORECASE))
    for scheme, shape in (
        (BCRYPT, r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}"),
        (BCRYPT, r"(bcrypt(_sha256)?\$|\{bcrypt\})\S*\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}"),
        ("argon2", r"(argon2|\{argon2\})?\$argon2(id|i|d)\$\S+"),
        ("scrypt", r"(\$scrypt\$|\$s[01]\$|\$7\$|scrypt[:$]\d+[:$]|\{scrypt\})\S{20,}"),
        ("yescrypt", r"\$g?y\$\S+\$\S+\$\S{20,}"),
        ("PBKDF2", r"(\$pbkdf2|pbkdf2[_:]|\{pbkdf2|\{x-pbkdf2)\S{20,}"),
        ("crypt", r"\$(1|5|6|md5|sha1|apr1)\$\S*\$[./A-Za-z0-9]{22,}"),
        ("phpass", r"\$[PHS]\$[./A-Za-z0-9]{31,}"),
        ("Django", r"(sha1|md5|unsalted_md5|unsalted_sha1|crypt)\$\S*\$\S{13,}"),
        ("LDAP", r"\{(ssha|sha|smd5|md5|crypt)-?\d*\}\S{11,}"),
    )
)
"""Schemes of hashes, and the pattern of each. Plain hex digits are not listed: they may be a real password."""

_LOOKALIKES: Final = str.maketrans("0134578@$!", "oleastbasi")
_REPEATED: Final = re.compile(r"(.+?)\1+", re.DOTALL)


class BadPasswordError(InvalidInputError):
    """A password that the rules do not allow; the message never holds it."""


def check(password: str, own: Iterable[str | None] = ()) -> None:
    """Raise `BadPasswordError` for a password that is too short, too long, common, or one of the user's `own` texts."""
    if problem := flaw(password, own):
        hint = f"use at least {SHORTEST} characters that nobody would guess, for example several words"
        if scheme_of(password):
            hint = "use the password itself; import bcrypt hashes with chatctl users import, column hashedPassword"
        raise BadPasswordError(problem, hint)


def scheme_of(text: str) -> str | None:
    """Return the scheme of a text that is a hash of a password, and None for any other text."""
    if len(text) > LONGEST_HASH:
        return None
    return next((scheme for scheme, shape in _HASHES if shape.fullmatch(text)), None)


def flaw(password: str, own: Iterable[str | None] = ()) -> str | None:
    """Say what keeps a text from being a password, if anything does, without saying the text.

    `own` are the user's name, username and e-mail, in any case and punctuation.
    """
    if problem := _malformed(password):
        return problem
    words = {_plain(part) for text in own if text for part in (text, text.partition("@")[0])} - {""}
    plain = _plain(password)
    if plain in words or _unit(plain) in words or plain[::-1] in words:
        return "the password is the user's own name or e-mail"
    return "the password is a common one" if _is_common(password) else None


def _malformed(password: str) -> str | None:
    if scheme := scheme_of(password):
        return f"the password is a hash ({scheme}), not a password"
    if len(password) < SHORTEST:
        return f"the password has fewer than {SHORTEST} characters"
    if any("\ud800" <= character <= "\udfff" for character in password):
        return "the password is not valid text"
    if len(password.encode()) > LONGEST:
        return f"the password has more than {LONGEST} bytes"
    return "the password holds a NUL character" if "\0" in password else None


def generated() -> str:
    """Make a password up that nobody can guess and everybody can type: 25 letters and digits, over 120 bits."""
    return "-".join("".join(secrets.choice(_LEGIBLE) for _ in range(5)) for _ in range(5))


def hashed(password: str, salt: str | None = None) -> str:
    """Hash a password as the application does: 60 characters of `$2b$`. It must have passed `check`.

    The salt is random unless somebody wants the same hash again, of what is no secret.
    """
    with _LOADING:
        from passlib.hash import bcrypt

    return str(bcrypt.using(rounds=ROUNDS, ident="2b", salt=salt).hash(password))


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _unit(text: str) -> str:
    """Return what a text is made of by repeating it, or the text."""
    repeated = _REPEATED.fullmatch(text)
    return repeated[1] if repeated else text


def _is_common(password: str) -> bool:
    unit = _unit(_plain(password))
    if len(set(unit)) < FEWEST_DIFFERENT or any(unit in row or unit in row[::-1] for row in _ROWS):
        return True
    word = password.casefold().strip(string.digits + string.punctuation)
    return any(
        part.strip(string.digits) in _COMMON
        for text in (word, word.translate(_LOOKALIKES))
        for part in (_plain(text), _unit(_plain(text)))
    )
