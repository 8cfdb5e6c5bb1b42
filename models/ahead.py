"""Reading while what was read is being written."""

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")

PART: Final = 1000
SOON: Final = 0.0003
"""Seconds after which the thread that reads has its turn: it needs one for each piece of an answer."""


def ahead(items: Iterable[T]) -> Iterator[T]:
    """Give items as they come, a part of them read in a thread while the one before is worked on."""
    source = iter(items)

    def part() -> list[T]:
        return list(islice(source, PART))

    before = sys.getswitchinterval()
    sys.setswitchinterval(SOON)
    try:
        with ThreadPoolExecutor(1) as reading:
            coming = reading.submit(part)
            while found := coming.result():
                coming = reading.submit(part)
                yield from found
    finally:
        sys.setswitchinterval(before)
