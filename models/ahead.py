"""Reading while what was read is being written."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")

PART: Final = 1000


def ahead(items: Iterable[T], size: int = PART) -> Iterator[T]:
    """Give items as they come, a part of them read in a thread while the one before is worked on."""
    source = iter(items)

    def part() -> list[T]:
        return list(islice(source, size))

    with ThreadPoolExecutor(1) as reading:
        coming = reading.submit(part)
        while found := coming.result():
            coming = reading.submit(part)
            yield from found
