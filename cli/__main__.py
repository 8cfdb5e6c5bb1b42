"""The start of the program. A signal before or after `Root.main` ends the program without a message."""

import os
import sys

ENDINGS = {"KeyboardInterrupt": 130, "TerminatedError": 143}
"""The name of an exception class → the exit code of the program.

The table has names and not the classes, because an import of the classes would slow down the start.
"""
BUG = 70
"""The exit code of an unexpected error."""


def main() -> None:
    """Run chatctl with the arguments of the command line."""
    sys.excepthook = _end
    sys.unraisablehook = _notice
    _open_standard_streams()
    import signal

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave)
    from cli.app import main as run

    run()


def _open_standard_streams() -> None:
    """Open `/dev/null` for each standard stream that is closed.

    If a stream stayed closed, the next opened file would get its number, and output would be written to that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _leave(number: int, _: object) -> None:
    os._exit(128 + number)


def _end(kind: type[BaseException], error: BaseException, _: object) -> None:
    """End the program after an error that `Root.main` has not caught. Python calls this function.

    The error comes from a signal, or from a fault that prevents the start of the program.
    """
    if kind.__name__ not in ENDINGS:
        if "--debug" in sys.argv:
            sys.__excepthook__(kind, error, error.__traceback__)
        print(ascii(f"error: chatctl cannot start: {kind.__name__}: {error}")[1:-1], file=sys.stderr)  # noqa: T201 - the module that prints is not loaded yet
    os._exit(ENDINGS.get(kind.__name__, BUG))


def _notice(lost: "sys.UnraisableHookArgs") -> None:
    """End the program on a signal that Python would ignore, for example because it arrived in a `__del__` method."""
    if lost.exc_type.__name__ in ENDINGS:
        os._exit(ENDINGS[lost.exc_type.__name__])
    sys.__unraisablehook__(lost)


if __name__ == "__main__":
    main()
