"""The columns of an import: the values that each column accepts, and the check of a row."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from actions import csv_cells
from actions.rules import passwords
from actions.users.importing import OAUTH, Person
from actions.users.listing import ACCOUNT, TOKENS
from database import times
from database.wording import nearest
from imports.formats import Row
from models.values import UserStatus

COLUMNS: Final[dict[str, str]] = {
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

MAX_GUESSED: Final = 100
"""For an unknown name with more characters than this, no similar column is suggested."""

NOT_UTF8: Final = "this is not UTF-8 text"
SAVE_AS_UTF8: Final = (
    'save the file as UTF-8: "CSV UTF-8" in Excel, "Unicode (UTF-8)" in LibreOffice, or iconv -f WINDOWS-1252 -t UTF-8'
)

_DATA: Final = re.compile(r"@|\d{4}|\$|==|^\s*(true|false|null|-?[\d.,]+)\s*$|\S{40}|.{80}", re.IGNORECASE | re.DOTALL)
"""Matches a text that is probably a value of a user and not a header."""


def is_data(name: str) -> bool:
    """Tell whether a name looks like personal data, which messages must not quote."""
    return bool(_DATA.search(name))


HIGHEST_COST: Final = 14
MISSING: Final = "a value is required"

_HASH: Final = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
_BROKEN: Final = re.compile("[\ud800-\udfff]")
_BYTES: Final = re.compile("[\udc80-\udcff]")
_KIND_NAMES: Final = {
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}
_YES: Final = frozenset({"true", "yes", "1"})
_NO: Final = frozenset({"false", "no", "0"})
_INT64: Final = range(-(2**63), 2**63)

ColumnFault = tuple[str | None, str]
"""A fault: the column (None for the whole row), and a description, which never quotes the value."""


class BadCellError(Exception):
    """The error for a cell with a value that its column does not accept."""


def check(row: Row, required: Sequence[str] = REQUIRED) -> tuple[Person | None, list[ColumnFault]]:
    """Check a row. Return a `Person` with the values of the row, and the list of its faults.

    If some values are invalid, the `Person` has only the valid values, which can still be compared with the database.
    If the row could not be read at all, return None instead of a `Person`.
    """
    found: list[ColumnFault] = [(None, fault) for fault in row.faults]
    values: dict[str, Any] = dict.fromkeys(REQUIRED)
    for column, value in (row.cells or {}).items():
        try:
            values[column] = _PARSERS[column](value)
        except BadCellError as error:
            found.append((column, str(error)))
    if row.cells is None:
        return None, found
    found += [(column, MISSING) for column in required if column not in row.cells]
    found += _password_faults(values)
    if any(column == "emailVerified" for column, _ in found):
        values.pop("status", None)  # The status may be valid only together with the time of the verification.
    return Person(row.number, **values), found


def _password_faults(values: dict[str, Any]) -> Iterator[ColumnFault]:
    password = values.get("password")
    if password is None:
        return
    if "hashedPassword" in values:
        yield "password", "a row cannot have both a password and a hash. Remove one of them"
    if scheme := passwords.scheme_of(password):
        yield "password", f"this is a hash ({scheme}), not a password: {_ADVICE[scheme == passwords.BCRYPT]}"
    elif fault := passwords.flaw(password, [values.get(field) for field in ("email", "username", "name")]):
        yield "password", fault


_ADVICE: Final = {
    True: "put it in the column hashedPassword",
    False: "the application checks only bcrypt hashes. Leave it empty; the user needs a new password",
}


def is_bcrypt(text: Any) -> bool:
    """Tell whether a value is a bcrypt hash. The application can check no other kind of hash."""
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadCellError(f"expected a text, found {_KIND_NAMES[type(value)]}")
    if not value.isascii() and _BROKEN.search(value):
        raise BadCellError(
            f"{NOT_UTF8}; {SAVE_AS_UTF8}" if _BYTES.search(value) else "this contains invalid characters (not UTF-8)"
        )
    if "\0" in value:
        raise BadCellError("this contains a NUL character")
    return value


def _email(value: Any) -> str:
    return _text(value).lower()


def _hash(value: Any) -> str:
    text = _text(value)
    match = _HASH.fullmatch(text)
    if match is None:
        scheme = passwords.scheme_of(text)
        if scheme and scheme != passwords.BCRYPT:
            raise BadCellError(f"this is a hash ({scheme}) that the application cannot check: {_ADVICE[False]}")
        raise BadCellError("this is not a bcrypt hash (60 characters that begin with $2a$, $2b$ or $2y$)")
    if int(match[1]) > HIGHEST_COST:
        raise BadCellError(f"the cost of the hash is over {HIGHEST_COST}: every sign-in would take seconds")
    return text.replace("$2y$", "$2b$", 1)


def _status(value: Any) -> str:
    text = _text(value)
    try:
        return UserStatus(text.upper()).value
    except ValueError:
        near = nearest(text, UserStatus) if len(text) <= MAX_GUESSED else None
        hint = f'; did you mean "{near}"?' if near else ""
        *others, last = UserStatus
        raise BadCellError(f"use {', '.join(others)} or {last}{hint}") from None


def _time(value: Any) -> Any:
    time = value if isinstance(value, datetime) else times.moment(_text(value))
    if time is None:
        raise BadCellError("this is not a valid time. Use for example 2026-03-01 or 2026-03-01T10:00Z")
    return time


def _verified(value: Any) -> Any:
    word = str(value).casefold() if isinstance(value, (bool, int, str)) else ""
    if word in _YES | _NO:
        return word in _YES
    try:
        return _time(value)
    except BadCellError:
        raise BadCellError("use true, false or a time like 2026-03-01T10:00Z") from None


def _names(value: Any) -> tuple[str, ...]:
    names = csv_cells.split_list(value) if isinstance(value, str) else value
    if not isinstance(names, list):
        raise BadCellError(f"expected a list of names, found {_KIND_NAMES[type(value)]}")
    return tuple(dict.fromkeys(_text(name) for name in names))


def _accounts(value: Any) -> tuple[dict[str, Any], ...]:
    """Read linked sign-ins from a list of objects, or from a cell like `google:123; github:45`.

    Each part of the cell has a provider, and the id of the user at this provider.
    """
    given = _in_cell(_text(value)) if isinstance(value, str) else value
    if not isinstance(given, list):
        raise BadCellError(f"expected a list of accounts, found {_KIND_NAMES[type(given)]}")
    accounts: dict[tuple[str, str], dict[str, Any]] = {}
    for account in map(_account, given):
        pair = account["provider"], account["providerAccountId"]
        if accounts.setdefault(pair, account) != account:
            raise BadCellError("the same account is listed twice")
    return tuple(accounts.values())


def _in_cell(text: str) -> Any:
    if text.startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise BadCellError("this is not a JSON list of accounts") from None
    pairs = (item.partition(":") for item in csv_cells.split_list(text))
    return [{"provider": provider, "providerAccountId": identifier} for provider, _, identifier in pairs]


def _account(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BadCellError(f"expected an account, found {_KIND_NAMES[type(given)]}")
    if tokens := _named(given.keys() & TOKENS):
        raise BadCellError(f"tokens are never imported: remove {tokens}")
    if unknown := _named(given.keys() - set(ACCOUNT)):
        raise BadCellError(f"unknown keys in an account: {unknown}. Use only {', '.join(ACCOUNT)}")
    account = {"type": OAUTH} | {key: _part(key, value) for key, value in given.items() if value is not None}
    if missing := [key for key in ("provider", "providerAccountId") if not account.get(key)]:
        raise BadCellError(f"an account requires {' and '.join(missing)}; in CSV write provider:providerAccountId")
    return account


def _part(key: str, value: Any) -> Any:
    if key == "expires_at":
        if isinstance(value, bool) or not isinstance(value, int) or value not in _INT64:
            raise BadCellError("expires_at must be a whole number of seconds since 1970")
        return value
    if key == "providerAccountId" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # Some providers write this id as a number.
    return _text(value)


def _named(keys: Iterable[str]) -> str:
    """Return the names of keys for a message. Keys that may be personal data are not quoted."""
    return ", ".join(sorted("a key that looks like personal data (not shown)" if is_data(key) else key for key in keys))


_PARSERS: Final[dict[str, Callable[[Any], Any]]] = dict.fromkeys(COLUMNS, _text) | {
    "email": _email,
    "hashedPassword": _hash,
    "status": _status,
    "emailVerified": _verified,
    "roles": _names,
    "createdAt": _time,
    "lastLogin": _time,
    "accounts": _accounts,
}
