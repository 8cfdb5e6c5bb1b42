"""The rules for passwords, and how passwords are generated and hashed."""

import re
import secrets
import string
from collections.abc import Iterable
from threading import Lock
from typing import Final

from database.errors import InvalidInputError

SHORTEST: Final = 15
"""The smallest number of characters in a password."""

LONGEST: Final = 72
"""The largest number of bytes in a password. bcrypt ignores all later bytes."""

LONGEST_HASH: Final = 500
"""The largest number of characters in a password hash, in any scheme."""

RULE: Final = f"At least {SHORTEST} characters. Common passwords and the user's own name or e-mail are refused."
"""The rules for passwords in one text, which is shown before a user types a password."""

BCRYPT: Final = "bcrypt"

FEWEST_DIFFERENT: Final = 5
"""The smallest number of different characters in a password."""

ROUNDS = 12
"""The cost of bcrypt that the application uses. Tests use a lower cost, because it is faster."""

_LOADING: Final = Lock()
"""A lock for the import of passlib.

Without the lock, another thread could use the module before it is imported completely.
"""

_LEGIBLE: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""The letters and digits of generated passwords. Characters that look alike, like 1 and l, are left out."""

_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
)
"""Rows of letters and keys. A password that is part of a row, forwards or backwards, is easy to guess."""

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
"""Common words and phrases. Digits and punctuation at their ends are already removed."""

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
"""Scheme of a hash → pattern of its hashes.

Hashes that have only hex digits are not included, because such a text may be a real password.
"""

_LOOKALIKES: Final = str.maketrans("0134578@$!", "oleastbasi")
_REPEATED: Final = re.compile(r"(.+?)\1+", re.DOTALL)


class BadPasswordError(InvalidInputError):
    """The error if the rules do not allow a password. The message never contains the password."""


def validate(password: str, own: Iterable[str | None] = ()) -> None:
    """Raise `BadPasswordError` if the rules do not allow a password. See `flaw`."""
    if problem := flaw(password, own):
        hint = f"use at least {SHORTEST} characters that are hard to guess, for example several words"
        if scheme_of(password):
            hint = "use the password itself; import bcrypt hashes with chatctl users import, column hashedPassword"
        raise BadPasswordError(problem, hint)


def scheme_of(text: str) -> str | None:
    """Return the scheme of a password hash, or None if the text is not a hash."""
    if len(text) > LONGEST_HASH:
        return None
    return next((scheme for scheme, shape in _HASHES if shape.fullmatch(text)), None)


def flaw(password: str, own: Iterable[str | None] = ()) -> str | None:
    """Return the reason why a text is not a valid password, or None if it is valid. The reason never quotes the text.

    `own` are the name, username and e-mail of the user. A password must not be equal to one of them. Upper and
    lower case, and punctuation, do not matter.
    """
    if problem := _malformed(password):
        return problem
    words = {_letters_and_digits(part) for text in own if text for part in (text, text.partition("@")[0])} - {""}
    plain = _letters_and_digits(password)
    if plain in words or _repeated_part(plain) in words or plain[::-1] in words:
        return "the password is the user's own name or e-mail"
    return "the password is too common" if _is_common(password) else None


def _malformed(password: str) -> str | None:
    if scheme := scheme_of(password):
        return f"the password is a hash ({scheme}), not a password"
    if len(password) < SHORTEST:
        return f"the password has fewer than {SHORTEST} characters"
    if any("\ud800" <= character <= "\udfff" for character in password):
        return "the password contains invalid characters (not UTF-8)"
    if len(password.encode()) > LONGEST:
        return f"the password has more than {LONGEST} bytes"
    return "the password contains a NUL character" if "\0" in password else None


def generate() -> str:
    """Generate a password that is easy to type. It has 25 letters and digits, which are over 120 random bits."""
    return "-".join("".join(secrets.choice(_LEGIBLE) for _ in range(5)) for _ in range(5))


def bcrypt_hash(password: str, salt: str | None = None) -> str:
    """Hash a valid password in the same way as the application: 60 characters, beginning with `$2b$`.

    The salt is random by default. With the same `salt`, a password always has the same hash. Give a `salt` only for a
    password that is not secret.
    """
    with _LOADING:
        from passlib.hash import bcrypt

    return str(bcrypt.using(rounds=ROUNDS, ident="2b", salt=salt).hash(password))


def _letters_and_digits(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _repeated_part(text: str) -> str:
    """Return the part that a text repeats, like `abc` for `abcabc`.

    If the text does not repeat a part, return the whole text.
    """
    repeated = _REPEATED.fullmatch(text)
    return repeated[1] if repeated else text


def _is_common(password: str) -> bool:
    unit = _repeated_part(_letters_and_digits(password))
    if len(set(unit)) < FEWEST_DIFFERENT or any(unit in row or unit in row[::-1] for row in _ROWS):
        return True
    word = password.casefold().strip(string.digits + string.punctuation)
    return any(
        part.strip(string.digits) in _COMMON
        for text in (word, word.translate(_LOOKALIKES))
        for part in (_letters_and_digits(text), _repeated_part(_letters_and_digits(text)))
    )
