"""Handle signals: after the first signal, the program cleans up and ends. A second signal ends it immediately."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from database.errors import TerminatedError

ENDING: Final = tuple(number for number in signal.Signals if number.name in {"SIGHUP", "SIGINT", "SIGTERM"})
"""The signals that end the program. They are looked up by name, because not every platform has SIGHUP."""


@contextmanager
def ending() -> Iterator[None]:
    """Raise an exception on the first of the signals in `ENDING`, then restore the usual handlers.

    Signals that the caller ignores (as with `nohup`) stay ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    before: dict[int, Any] = {}

    def give_back() -> None:
        while before:
            signal.signal(*before.popitem())

    def end(number: int, _: object) -> None:
        give_back()
        raise KeyboardInterrupt if number == signal.SIGINT else TerminatedError

    for number in numbers:
        before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        give_back()
