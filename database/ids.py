"""Convert ids to the text that users read and type, convert such text to ids, and match ids in filters.

An id is normally an ObjectId. In broken data it can be a value of any type.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import islice, product
from typing import Any, Final
from uuid import UUID

from bson import Binary, DatetimeMS, DBRef, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.binary import BINARY_SUBTYPE, MD5_SUBTYPE, OLD_UUID_SUBTYPE, USER_DEFINED_SUBTYPE, UUID_SUBTYPE

from database import times
from database.decoding import Code, Decimal128, Object


def is_literal(value: Any) -> bool:
    """Tell whether the MongoDB operators `$in`, `$nin` and `$all` compare fields with exactly this value.

    These operators do not compare a regex, or a document with a `$` key, but use it in another way. `$eq` compares
    every value exactly.
    """
    if isinstance(value, Mapping):
        return not any(key.startswith("$") for key in value)
    return not isinstance(value, (DBRef, Regex, re.Pattern))


def any_of(values: Iterable[Any]) -> dict[str, Any]:
    """Return a filter condition that matches any of these ids. Ids that `$in` does not compare exactly are left out."""
    return {"$in": [value for value in values if is_literal(value)]}


def equal(value: Any) -> Any:
    """Return a filter condition for a field that is this value, or is a list with this value."""
    return value if is_literal(value) else {"$eq": value}


Document = dict[str, Any]

OBJECT_ID: Final = re.compile("[0-9a-fA-F]{24}")
ID_PREFIX: Final = re.compile("[0-9a-fA-F]{6,23}")
"""Matches the first 6 to 23 digits of an id. Users can type only these digits if no other id begins with them."""
READINGS: Final = 200
"""The largest number of stored values that chatctl searches for one typed text.

A typed text can mean several stored values, for example the text `5` or the number 5.
"""

_WORDS: Final[dict[str, Any]] = {
    "true": True,
    "false": False,
    "null": None,
    "MinKey()": MinKey(),
    "MaxKey()": MaxKey(),
}
UUID_BYTES: Final = 16
SUBTYPES: Final = (BINARY_SUBTYPE, OLD_UUID_SUBTYPE, UUID_SUBTYPE, MD5_SUBTYPE, USER_DEFINED_SUBTYPE)
_TIMESTAMP: Final = re.compile(r"Timestamp\((\d{1,10}), (\d{1,10})\)")
_MOST: Final = 2**63


def id_text(value: Any) -> str:
    """Return an id as text, as lists print it and users type it.

    The text of an id that is a document is JSON without spaces.
    """
    if isinstance(value, (str, ObjectId)):
        return str(value)
    if value is None or isinstance(value, (dict, list, bool)):
        return json.dumps(value, default=id_text, separators=(",", ":"), ensure_ascii=False)
    if isinstance(value, (datetime, DatetimeMS)):
        return str(times.rfc3339(value))
    if isinstance(value, bytes):
        is_uuid = isinstance(value, Binary) and value.subtype == UUID_SUBTYPE and len(value) == UUID_BYTES
        return str(UUID(bytes=bytes(value))) if is_uuid else base64.b64encode(value).decode()
    if isinstance(value, DBRef):
        return id_text(value.as_doc())
    return f"/{value.pattern}/" if isinstance(value, Regex) else str(value)


def spellings(identifier: Any) -> list[str]:
    """Return the texts that users can type for an id.

    One text is the text that lists print. An id `{"$oid": digits}` has a second text, its digits.
    """
    spelt = [id_text(identifier)]
    if isinstance(identifier, dict) and [*identifier] in (["$oid"], ["oid"]):
        [digits] = identifier.values()
        spelt += [digits] if isinstance(digits, str) else []
    return spelt


def by_text(documents: Iterable[Document], texts: Iterable[str]) -> dict[str, Document]:
    """Return text → document for typed ids.

    If one text matches several documents, a document whose id is an ObjectId is preferred. The second choice is a
    document whose id is a text.
    """
    found: dict[str, Document] = {}
    for document in sorted(documents, key=_likelihood):
        for text in spellings(document["_id"]):
            found.setdefault(text, document)
    return {text: found[key] for text in texts for key in (text, text.lower()) if key in found}


def _likelihood(document: Document) -> int:
    kinds = (ObjectId, str)
    return next((number for number, kind in enumerate(kinds) if isinstance(document["_id"], kind)), len(kinds))


def beginning_with(prefix: str) -> list[Document]:
    """Return filter conditions for ids that begin with these digits.

    The first condition finds ObjectIds. The others find ids that are stored as text.
    """
    first, last = (ObjectId(prefix.ljust(24, digit)) for digit in "0f")
    texts = dict.fromkeys((prefix, prefix.lower(), prefix.upper()))
    return [{"$gte": first, "$lte": last}, *({"$gte": text, "$lt": f"{text}\U0010ffff"} for text in texts)]


def readings(text: str) -> list[Any]:
    """Return all values that lists print as this text. The most likely value comes first."""
    return [*islice(_readings(text), READINGS)]


def _readings(text: str) -> Iterator[Any]:
    if OBJECT_ID.fullmatch(text):
        digits = text.lower()
        yield from (ObjectId(digits), *{digits: None, text: None}, Object(oid=digits), Object({"$oid": digits}))
        return
    yield text
    if text in _WORDS:
        yield _WORDS[text]
    yield from _numbers(text)
    for read in (_date, _timestamp):
        if (value := read(text)) is not None:
            yield value
    yield from _bytes(text)
    yield Code(text)
    if text.startswith(("{", "[")):
        try:
            yield from _nested(json.loads(text))
        except (ValueError, RecursionError):
            return


def _numbers(text: str) -> Iterator[Any]:
    kinds: tuple[Callable[[str], Any], ...] = (_integer, float, Decimal128)
    for kind in kinds:
        with suppress(ValueError, ArithmeticError):
            yield kind(text)


def _integer(text: str) -> Int64:
    if (number := int(text)) not in range(-_MOST, _MOST):
        raise ValueError(text)
    return Int64(number)


def _date(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _bytes(text: str) -> Iterator[Any]:
    with suppress(ValueError):
        yield Binary(UUID(text).bytes, UUID_SUBTYPE)
    with suppress(ValueError):
        data = base64.b64decode(text, validate=True)
        yield from (Binary(data, subtype) for subtype in SUBTYPES)


def _timestamp(text: str) -> Timestamp | None:
    found = _TIMESTAMP.fullmatch(text)
    return Timestamp(*map(int, found.groups())) if found and max(map(int, found.groups())) < 2**32 else None


def _nested(value: Any) -> Iterator[Any]:
    """Yield all values that chatctl prints as this JSON value.

    A text inside the JSON value can mean several values (see `readings`).
    """
    if isinstance(value, str):
        yield from _readings(value)
    elif isinstance(value, dict):
        for values in product(*(list(islice(_nested(item), READINGS)) for item in value.values())):
            yield Object(zip(value, values, strict=True))
    elif isinstance(value, list):
        yield from map(list, product(*(list(islice(_nested(item), READINGS)) for item in value)))
    else:
        yield value
