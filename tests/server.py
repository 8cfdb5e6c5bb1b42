"""The test server: SecantusDB, made quick where it compares every id with every other."""

import gc
import sys
from typing import Any, Final

from bson import ObjectId
from secantus import cli, query, transactions

KEPT: Final = 32
"""How many lists are remembered: a query looks in the same one with each document."""
PLAIN: Final = {ObjectId, str}
"""Types of values that are equal only to the same value of the same type."""

slow = query._op_matches
divided: dict[int, tuple[list[Any], set[Any], list[Any]]] = {}


def divide(op: str, asked: list[Any]) -> tuple[set[Any], list[Any]]:
    """Divide the values of `$in` into those that a set can hold and others."""
    known = divided.get(id(asked))
    if known is None:
        query._validate_in_arg(op, asked)
        if len(divided) >= KEPT:
            divided.clear()
        plain, others = {one for one in asked if type(one) in PLAIN}, [one for one in asked if type(one) not in PLAIN]
        known = divided[id(asked)] = asked, plain, others  # the list is kept, so that no other list gets its id
    return known[1:]


def op_matches(values: list[Any], op: str, asked: Any, collation: Any = None, **how: Any) -> bool:
    """Look ids and texts up in a set; a batch of a thousand would be a million comparisons."""
    if op not in {"$in", "$nin"} or collation is not None or not isinstance(asked, list):
        return bool(slow(values, op, asked, collation, **how))
    plain, others = divide(op, asked)
    descend = how.get("descend", True)
    found = any(
        type(one) in PLAIN and one in plain
        for value in values
        for one in (value if query._expandable(value, descend) else (value,))
    )
    return (found or (bool(others) and slow(values, "$in", others, **how))) == (op == "$in")


if __name__ == "__main__":
    query._op_matches = op_matches
    transactions._RETRYABLE_RECORD_MAX = 100  # each write reads all that it keeps, otherwise of half an hour
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    sys.exit(cli.main())
