"""The way in: a signal before the program proper has taken over, or after it is done, ends it without a word."""

import os
import sys

ENDINGS = {"KeyboardInterrupt": 130, "TerminatedError": 143}
"""By name, as nothing is imported yet that could be spared."""
BUG = 70


def main() -> None:
    """Run chatctl as it was typed."""
    sys.excepthook = _end
    sys.unraisablehook = _notice
    import signal

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _leave)
    from cli.app import main as run

    run()


def _leave(number: int, _: object) -> None:
    os._exit(128 + number)


def _end(kind: type[BaseException], error: BaseException, _: object) -> None:
    """End on what nobody has caught: a signal in the first moment, or a program that cannot even start."""
    if kind.__name__ not in ENDINGS:
        if "--debug" in sys.argv:
            sys.__excepthook__(kind, error, error.__traceback__)
        os.write(2, f"error: chatctl cannot start: {kind.__name__}: {error}\n".encode(errors="backslashreplace"))
    os._exit(ENDINGS.get(kind.__name__, BUG))


def _notice(lost: "sys.UnraisableHookArgs") -> None:
    """End on a signal that Python would pass over, as it does where an object is thrown away."""
    if lost.exc_type.__name__ in ENDINGS:
        os._exit(ENDINGS[lost.exc_type.__name__])
    sys.__unraisablehook__(lost)


if __name__ == "__main__":
    main()
