"""The server of the tests: SecantusDB, changed so that it compares many ids faster."""

import gc
import sys
from typing import Any, Final

from bson import ObjectId
from secantus import cli, query, transactions

KEPT: Final = 32
"""The largest number of lists to remember. A query compares each document with the same list of `$in`."""
PLAIN: Final = {ObjectId, str}
"""Types whose values are equal only to a value of the same type."""

slow = query._op_matches
prune = transactions.TransactionRegistry._prune_locked
divided: dict[int, tuple[list[Any], set[Any], list[Any]]] = {}


def divide(op: str, asked: list[Any]) -> tuple[set[Any], list[Any]]:
    """Divide the values of `$in` into a set of values of the types `PLAIN`, and a list of all other values."""
    known = divided.get(id(asked))
    if known is None:
        query._validate_in_arg(op, asked)
        if len(divided) >= KEPT:
            divided.clear()
        plain, others = {one for one in asked if type(one) in PLAIN}, [one for one in asked if type(one) not in PLAIN]
        # `divided` also keeps the list itself, so that no other list can get the same `id`.
        known = divided[id(asked)] = asked, plain, others
    return known[1:]


def op_matches(values: list[Any], op: str, asked: Any, collation: Any = None, **how: Any) -> bool:
    """Find ids and texts with a set. Without a set, a batch of 1,000 documents needs 1,000,000 comparisons."""
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


def prune_once_a_second(registry: Any) -> int:
    """Abort expired transactions at most once a second. SecantusDB checks all its transactions at each statement."""
    now = registry._time()
    if now - vars(registry).get("pruned", now - 1) < 1:
        return 0
    registry.pruned = now
    return int(prune(registry))


if __name__ == "__main__":
    query._op_matches = op_matches
    transactions.TransactionRegistry._prune_locked = prune_once_a_second
    # SecantusDB reads its records of retryable writes at each write. By default, it keeps the records of half an hour.
    transactions._RETRYABLE_RECORD_MAX = 100
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    sys.exit(cli.main())
