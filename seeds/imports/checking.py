"""Holds a row against the rules of an import: a person, or all that is wrong with it."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from actions import passwords
from actions.users.importing import FIELDS, Person
from models import cells, times
from models.names import did_you_mean, email_flaw, nearest, shown
from models.user import UserStatus
from seeds.imports.row import ERROR, Row

REQUIRED: Final = ("email", "username")
HIGHEST_COST: Final = 14
LONGEST_NEAR: Final = 100
"""Characters of a word that a person may have misspelt."""

_HASH: Final = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}")
_BROKEN: Final = re.compile("[\ud800-\udfff]")
_KINDS: Final = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}

Found = tuple[str | None, str]
"""A column, none for the row as a whole, and what is wrong with it."""


class BadCellError(Exception):
    """What stands in a cell cannot be what the column is for."""


def unknown_columns(names: list[str]) -> Iterator[Found]:
    """Say which names of columns are none, or stand there twice."""
    for place, name in enumerate(names):
        if name in names[:place]:
            yield name, f"the column {shown(name)} stands here twice"
        elif name not in KNOWN:
            near = did_you_mean(name, FIELDS) if len(name) <= LONGEST_NEAR else None
            yield name, f"there is no column {shown(name)}" + (f"; {near}" if near else "")


def check(row: Row) -> tuple[Person | None, list[Found]]:
    """Make a person of a row, and say what is wrong with it.

    Of a row at fault the person has what is right: it can be at fault for what is in the database, too.
    """
    found: list[Found] = [(None, flaw) for flaw in row.flaws]
    values: dict[str, Any] = dict.fromkeys(REQUIRED)
    for column, value in (row.cells or {}).items():
        try:
            values[column] = _READ[column](value)
        except BadCellError as error:
            found.append((column, str(error)))
        except KeyError:
            found += unknown_columns([column])
    if row.cells is not None:
        found += [(column, "nothing stands here") for column in REQUIRED if column not in row.cells]
        found += _password_flaws(values)
    values.pop(ERROR, None)
    if row.cells is None:
        return None, found
    if any(column == "emailVerified" for column, _ in found):
        values.pop("status", None)  # which may need that time
    return Person(row.number, **values), found


def _password_flaws(values: dict[str, Any]) -> Iterator[Found]:
    password = values.get("password")
    if password is None:
        return
    if "hashedPassword" in values:
        yield "password", "a password and a hash stand in one row: leave one of them out"
    if flaw := passwords.flaw(password, [values.get(field) for field in ("email", "username", "name")]):
        yield "password", flaw


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadCellError(f"{_KINDS[type(value)]} stands here, where a text belongs")
    if not value.isascii() and _BROKEN.search(value):
        raise BadCellError("what stands here is not UTF-8")
    if "\0" in value:
        raise BadCellError("a NUL character stands here")
    return value


def _email(value: Any) -> str:
    text = _text(value)
    if flaw := email_flaw(text):
        raise BadCellError(flaw)
    return text.lower()


def _hash(value: Any) -> str:
    text = _text(value)
    match = _HASH.fullmatch(text)
    if match is None:
        raise BadCellError("no bcrypt hash: it has 60 characters and begins with $2a$, $2b$ or $2y$")
    if int(match[1]) > HIGHEST_COST:
        raise BadCellError(f"the cost of the hash is over {HIGHEST_COST}: every sign-in would take seconds")
    return text.replace("$2y$", "$2b$", 1)


def _status(value: Any) -> str:
    text = _text(value)
    try:
        return UserStatus(text.upper()).value
    except ValueError:
        near = nearest(text, UserStatus) if len(text) <= LONGEST_NEAR else None
        hint = f'; did you mean "{near}"?' if near else ""
        raise BadCellError(f"{shown(text)} is none of {', '.join(UserStatus)}{hint}") from None


def _time(value: Any) -> Any:
    if value is True or (isinstance(value, str) and value.lower() == "true"):
        return True
    time = times.moment(_text(value))
    if time is None:
        raise BadCellError(f"{shown(value)} is no time such as 2026-03-01T10:00Z, nor true")
    return time


def _names(value: Any) -> tuple[str, ...]:
    names = cells.divided(value) if isinstance(value, str) else value
    if not isinstance(names, list):
        raise BadCellError(f"{_KINDS[type(value)]} stands here, where a list of names belongs")
    return tuple(dict.fromkeys(_text(name) for name in names))


_READ: Final[dict[str, Callable[[Any], Any]]] = dict.fromkeys(FIELDS, _text) | {
    "email": _email,
    "hashedPassword": _hash,
    "status": _status,
    "emailVerified": _time,
    "roles": _names,
    ERROR: lambda _: None,
}
KNOWN: Final = frozenset(_READ)
