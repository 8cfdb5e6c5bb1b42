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
"""Python may switch to another thread after this number of seconds.

An answer of the server arrives in many pieces. The reading thread must run for each piece, so it must not wait long for
its turn.
"""
OFTEN: Final = 50_000
"""Python collects garbage after it has created this number of objects.

Garbage collection takes time, and finds no garbage while documents are read. So this number is high.
"""


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
    """Until the block ends, let Python switch between threads more often, and collect garbage less often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SOON)
    try:
        with rare_collections():
            yield
    finally:
        sys.setswitchinterval(interval)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Until the block ends, collect garbage less often."""
    thresholds = gc.get_threshold()
    gc.set_threshold(OFTEN)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
