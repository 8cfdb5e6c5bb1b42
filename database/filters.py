"""Conditions on values that were read from a database, so that none is read as an operator or a pattern."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bson import DBRef, Regex


def is_literal(value: Any) -> bool:
    """Tell whether `$in`, `$nin` and `$all` compare a value as it is; `$eq` does so with every value."""
    if isinstance(value, Mapping):
        return not any(key.startswith("$") for key in value)
    return not isinstance(value, (DBRef, Regex, re.Pattern))


def any_of(values: Iterable[Any]) -> dict[str, Any]:
    """Match ids, also from broken data; a value that `$in` would misread cannot be an `_id` and is left out."""
    return {"$in": [value for value in values if is_literal(value)]}


def equal(value: Any) -> Any:
    """Match a field that is equal to a value, or a list that holds it."""
    return value if is_literal(value) else {"$eq": value}
