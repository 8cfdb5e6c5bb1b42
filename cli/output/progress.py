"""How work goes on, for who sits and waits."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cli.output import streams
from models.changes import Changeset, Watch

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE: Final = 1.0
"""Seconds that nobody needs a bar for."""


class Bar(Watch):
    """Watch a write on a terminal: a bar once it has taken a second, with rate and time left; gone when it is done."""

    def __init__(self, note: Callable[[str], None], accepts: Callable[[Changeset], bool]) -> None:
        self._note = note
        self._accepts = accepts
        self._began = time.monotonic()
        self._bar: Progress | None = None

    def wrote(self, documents: int, total: int) -> None:
        late = time.monotonic() - self._began > PATIENCE
        if self._bar is None and late and documents < total and streams.is_terminal(sys.stderr):
            self._bar = _bar(total)
            self._bar.start()
        if self._bar is not None:
            rate = documents / (time.monotonic() - self._began)
            self._bar.update(self._bar.task_ids[0], completed=documents, rate=f"{rate:,.0f} a second")

    def waits(self) -> None:
        self._note("waiting for another write to end; one whose program was killed is in the way for a minute")

    def accepts(self, again: Changeset) -> bool:
        return self._accepts(again)

    def end(self) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()


def _bar(total: int) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn()
    bar = Progress(*columns, console=console, transient=True)
    bar.add_task("", total=total, rate="")
    return bar
