"""Read the next items of an iterator in a thread, while the caller works on the items before them."""

import gc
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")

PART: Final = 1000
SOON: Final = 0.0003
"""The time, in seconds, after which Python switches to another thread.

The thread that reads must run once for each piece of an answer of the server, so this thread must not wait long.
"""
OFTEN: Final = 50_000
"""The number of new objects that starts a garbage collection, which is slow with many objects and useless here."""


def prefetched(items: Iterable[T], size: int = PART) -> Iterator[T]:
    """Yield all items. While the caller works on some items, a thread already reads the next `size` items."""
    source = iter(items)

    def part() -> list[T]:
        return list(islice(source, size))

    with _fast_switching(), ThreadPoolExecutor(1) as reading:
        coming = reading.submit(part)
        while found := coming.result():
            coming = reading.submit(part)
            yield from found


@contextmanager
def _fast_switching() -> Iterator[None]:
    """Let Python switch between threads more often, and collect garbage less often, until the block ends."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SOON)
    gc.set_threshold(OFTEN)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
