"""How many documents refer to others, counted on the server."""

from collections.abc import Callable, Sequence
from typing import Any

from models import connection


def counting(collection: str, field: str) -> Callable[[Sequence[Any]], dict[Any, int]]:
    """Return what counts the documents that refer to each of some ids, in a list or by one id."""

    def count(ids: Sequence[Any]) -> dict[Any, int]:
        among = {"$match": {field: {"$in": ids}}}
        pipeline: list[dict[str, Any]] = [
            among,
            {"$project": {field: 1}},
            {"$unwind": f"${field}"},
            among,
            {"$group": {"_id": f"${field}", "n": {"$sum": 1}}},
        ]
        return {found["_id"]: found["n"] for found in connection.database()[collection].aggregate(pipeline)}

    return count
