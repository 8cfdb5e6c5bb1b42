"""The columns of an import: what each accepts, and which one an unknown header probably means."""

import re
from collections.abc import Collection
from typing import Final

from database.wording import nearest

COLUMNS: Final = {
    "email": "An e-mail address. Required.",
    "username": "A unique name. Required.",
    "name": "The name that others see.",
    "password": "A password of at least 15 characters. It is hashed.",
    "hashedPassword": "A bcrypt hash ($2a$, $2b$ or $2y$), instead of a password.",
    "status": "ACTIVE, SUSPENDED or EMAIL_VERIFIED.",
    "emailVerified": "true, false or the time of the verification.",
    "roles": "Names of roles. In CSV with ; between them.",
    "phoneNumber": "A telephone number.",
    "address": "A postal address.",
    "imageUrl": "The URL of a picture.",
    "createdAt": "The time of the sign-up, for example 2026-03-01T10:00Z.",
    "lastLogin": "The time of the last sign-in.",
    "accounts": "Linked sign-ins: objects with provider, providerAccountId and type. "
    "In CSV provider:providerAccountId, with ; between them.",
}
REQUIRED: Final = ("email", "username")
LISTED: Final = f"The columns are {', '.join(COLUMNS)}."

LONGEST_NEAR: Final = 100
"""The most characters of a name that is compared with the columns."""

_WORD: Final = re.compile("[A-Z]?[a-z0-9]+|[A-Z]+")
_E_MAIL: Final = re.compile("e[-_ ]mail", re.IGNORECASE)
_HASH: Final = re.compile("(hash|digest|crypt).*(pass|pwd|pw)|(pass|pwd|pw).*(hash|digest|crypt)")
_ALSO: Final = {
    "mail": "email",
    "login": "username",
    "phone": "phoneNumber",
    "mobile": "phoneNumber",
    "telephone": "phoneNumber",
    "avatar": "imageUrl",
    "picture": "imageUrl",
    "photo": "imageUrl",
    "verified": "emailVerified",
    "created": "createdAt",
    "joined": "createdAt",
    "identities": "accounts",
}
"""Other words for columns."""
_PARTS: Final = frozenset({"first", "last", "given", "family", "middle", "nick"})
"""Words of headers for only a part of a name, for example "first name"."""


def fold(name: str) -> str:
    """Return a column name in lower case and without blanks around it, so that names can be compared."""
    return name.strip().casefold()


def meant(name: str, free: Collection[str]) -> str | None:
    """Find the free column that an unknown name probably means; None if no column is similar."""
    if len(name) > LONGEST_NEAR:
        return None
    words = [word.casefold() for word in _WORD.findall(_E_MAIL.sub("email", name))]
    if _HASH.search(joined := "".join(words)):
        return "hashedPassword" if "hashedPassword" in free else None
    return _among([joined, *words], free) or nearest(joined, free)


def _among(words: Collection[str], free: Collection[str]) -> str | None:
    by_word = _ALSO | {column.casefold(): column for column in COLUMNS}
    known = (by_word[word] for word in words if word in by_word)
    return None if _PARTS.intersection(words) else next((column for column in known if column in free), None)
