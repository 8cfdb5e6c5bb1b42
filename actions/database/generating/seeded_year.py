"""The random numbers, ids and times of generated data, all from one seed."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from bson import ObjectId

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
SECOND: Final = 1000
DAY: Final = 24 * 60 * 60 * SECOND
YEAR: Final = 365 * DAY


def to_time(time: int) -> datetime:
    """Convert milliseconds since 1970 to a time."""
    return EPOCH + time * MILLISECOND


class SeededYear:
    """A year that ends with the last midnight, so that a seed makes the same data all day. Times are milliseconds."""

    def __init__(self, seed: int, end: datetime | None = None) -> None:
        midnight = (end or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0)
        self.end = (midnight - EPOCH) // MILLISECOND
        self.begin = self.end - YEAR
        self.random = Random(f"chatctl {seed}")  # noqa: S311 - nothing here is a secret
        self._process = self.random.getrandbits(40) << 24
        self._counter = self.random.getrandbits(24)

    def id(self, time: int) -> ObjectId:
        """Make an ObjectId of that time: seconds, a random process number, a counter."""
        self._counter = (self._counter + 1) & 0xFFFFFF
        return ObjectId((time // SECOND << 64 | self._process | self._counter).to_bytes(12, "big"))

    def between(self, first: int, last: int) -> int:
        """Draw a time, the first included, the last not."""
        return first + int(self.random.random() * (last - first))

    def early(self, first: int, last: int) -> int:
        """Draw a time like `between`, but more often an early one."""
        return first + int(self.random.random() ** 2 * (last - first))
