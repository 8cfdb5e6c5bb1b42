"""Conditions on values that were read from a database: none is ever taken for an operator or a pattern."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bson import DBRef, Regex


def is_literal(value: Any) -> bool:
    """Tell whether `$in`, `$nin` and `$all` take a value for itself; `$eq` takes every value so."""
    if isinstance(value, Mapping):
        return not any(key.startswith("$") for key in value)
    return not isinstance(value, (DBRef, Regex, re.Pattern))


def any_of(values: Iterable[Any]) -> dict[str, Any]:
    """Match ids, of which some may come from broken data: what `$in` would misread no `_id` can be, and is left out."""
    return {"$in": [value for value in values if is_literal(value)]}


def equal(value: Any) -> Any:
    """Match what is a value, or holds it."""
    return value if is_literal(value) else {"$eq": value}
