"""How many documents refer to others, counted on the server."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from actions import finding
from database import connection
from database.references import referred


def counting(collection: str, field: str) -> Callable[[Sequence[Any]], dict[Any, int]]:
    """Return a function that counts the documents that refer to each of some ids, in a list or alone, in any form.

    The function returns each id, as an ObjectId if it stands for one, with its count.
    """

    def count(ids: Sequence[Any]) -> dict[Any, int]:
        among = {"$match": finding.referring(collection, field, *ids)}
        pipeline: list[dict[str, Any]] = [
            among,
            {"$project": {field: 1}},
            {"$unwind": f"${field}"},
            among,
            {"$group": {"_id": f"${field}", "n": {"$sum": 1}}},
        ]
        counts: Counter[Any] = Counter()
        for found in connection.database()[collection].aggregate(pipeline):
            counts[referred(found["_id"])] += found["n"]
        return {referred(identifier): counts[referred(identifier)] for identifier in ids}

    return count
