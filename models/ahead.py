"""Reading while what was read is being written."""

import gc
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")

PART: Final = 1000
OFTEN: Final = 50_000
"""New objects before a look for those that nobody needs; there are none, and each look goes through all."""


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Give items as they come, a part of them read in a thread while the one before is worked on."""
    gc.set_threshold(OFTEN)
    source = iter(items)

    def part() -> list[T]:
        return list(islice(source, PART))

    with ThreadPoolExecutor(1) as reading:
        coming = reading.submit(part)
        while found := coming.result():
            coming = reading.submit(part)
            yield from found
