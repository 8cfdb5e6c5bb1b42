"""Progress bars on a terminal, for work that takes longer than a second."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, Self, TypeVar

from cli.output import streams

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE: Final = 1.0
"""The seconds of work after which a bar is shown."""

SHOWN_EVERY: Final = 100
"""The number of items after which a bar is updated."""

T = TypeVar("T")
"""The type of the items that are read."""


class Bar:
    """A progress bar with rate and time left. The bar is shown if the work takes over a second, and removed at the end.

    `name` is the text before the bar, for example `checking`. It can change while the bar is shown.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._began = time.monotonic()
        self._bar: Progress | None = None

    def wrote(self, documents: int, total: int) -> None:
        late = time.monotonic() - self._began > PATIENCE
        if self._bar is None and late and documents < total and streams.is_terminal(sys.stderr):
            self._bar = _bar(total)
            self._bar.start()
        if self._bar is not None:
            task, rate = self._bar.task_ids[0], documents / (time.monotonic() - self._began)
            speed = f"{rate:,.0f} a second"
            self._bar.update(task, description=self.name, completed=documents, total=total, rate=speed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def with_progress(items: Iterable[T], count: Callable[[], int]) -> Iterator[T]:
    """Yield the items, and show a progress bar on a terminal. Without a terminal, `count` is not called."""
    if not streams.is_terminal(sys.stderr):
        yield from items
        return
    total = count()
    with Bar("reading") as bar:
        for number, item in enumerate(items):
            if number % SHOWN_EVERY == 0:
                bar.wrote(number, total)
            yield item


def _bar(total: int) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=console, transient=True)
    bar.add_task("", total=total, rate="")
    return bar
