"""Read the next batch in a thread while the caller works on this one."""

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
"""Seconds after which Python switches threads; the reading thread needs a turn for each piece of an answer."""
OFTEN: Final = 50_000
"""New objects before a garbage collection, which finds nothing here and goes through all objects each time."""


def prefetched(items: Iterable[T], size: int = PART) -> Iterator[T]:
    """Yield items; a thread reads the next part of them while the caller works on this one."""
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
    """Switch between threads often, and collect garbage rarely."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SOON)
    gc.set_threshold(OFTEN)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        gc.set_threshold(*thresholds)
