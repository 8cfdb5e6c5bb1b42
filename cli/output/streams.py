"""Standard output and standard error. No other module writes to them."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Final, TextIO

from database.errors import OutputError, TerminatedError

if TYPE_CHECKING:
    from subprocess import Popen

PAGERS: Final = ("CHATCTL_PAGER", "PAGER")
"""Variables that name the pager of the user, the first that is set; an empty one or `cat` means none."""
USUAL_WIDTH: Final = 80

_pagers: "Final[list[_Pager | None]]" = []
"""What output goes through, the innermost last; None is the terminal itself."""


class ReaderGoneError(OutputError):
    """The reader of the pipe has closed it."""


def write(text: str) -> None:
    """Write data to standard output. Raises `OutputError` if it cannot be written."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        pager = _pager()
        (pager.opened() if pager else sys.stdout).write(text)
    except OSError as error:
        raise _lost(error) from error


def flush() -> None:
    """Flush standard output, so that an error is noticed now."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise _lost(error) from error


def say(text: str) -> None:
    """Write a line to standard error. A closed standard error is not an error."""
    pager = _pager()
    if pager and pager.program:
        pager.notes.append(text)
    elif sys.stderr is not None:
        try:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        except OSError:
            sys.stderr = None


@contextmanager
def paged() -> Iterator[None]:
    """Show what is written meanwhile in the user's pager, on a terminal. Leaving the pager early is not an error."""
    command = _pager_command() if draws() and not _pagers else []
    if not command:
        yield
        return
    pager = _Pager(command)
    _pagers.append(pager)
    try:
        yield
    except TerminatedError:
        pager.terminate()
        raise
    except ReaderGoneError:
        if pager.program is None:
            raise
    finally:
        _pagers.pop()
        pager.wait()


@contextmanager
def unpaged() -> Iterator[None]:
    """Keep all that is written meanwhile out of a pager: several commands follow each other on one screen."""
    _pagers.append(None)
    try:
        yield
    finally:
        _pagers.pop()


class _Pager:
    """A program that shows one screen after the other. It starts with the first output; then notes wait for its end.

    The first interrupt ends the work of chatctl. More of them are for the program only, as long as it has the screen.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._ignores = False
        self._before: Any = None
        self.program: Popen[str] | None = None
        self.notes: list[str] = []

    def opened(self) -> IO[str]:
        """Return where to write; the terminal itself if the program cannot be started."""
        if self._command and self.program is None:
            self._start()
        return sys.stdout if self.program is None or self.program.stdin is None else self.program.stdin

    def _start(self) -> None:
        from subprocess import PIPE, Popen

        sys.stdout.flush()
        try:
            # Without its own settings, less ends on less than a screen, leaves it there, and passes colours on.
            self.program = Popen(  # noqa: S603 - the user chose it
                self._command,
                stdin=PIPE,
                encoding=sys.stdout.encoding,
                errors="backslashreplace",
                bufsize=1,  # each line goes out at once
                env={"LESS": "FRX", **os.environ},
            )
        except OSError:
            self._command = ()
            return
        if callable(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, number: int, frame: Any) -> None:
        if self._ignores and self.program and self.program.poll() is None:
            return
        self._ignores = True
        try:
            self._before(number, frame)
        finally:  # the first one has put another handler in its place
            self._before = signal.signal(number, self._interrupt)

    def wait(self) -> None:
        """Wait until the user leaves the program, and say what was noted meanwhile."""
        if self.program is None:
            return
        self._ignores = True
        try:
            with suppress(OSError):
                self.opened().close()
            self.program.wait()
        except TerminatedError:
            self.terminate()
            raise
        finally:
            if self._before:
                signal.signal(signal.SIGINT, self._before)
        for note in self.notes:
            say(note)

    def terminate(self) -> None:
        if self.program:
            self.program.terminate()
            self.program.wait()


def _pager() -> _Pager | None:
    return _pagers[-1] if _pagers else None


def _pager_command() -> list[str]:
    """Return the command of the user's pager; nothing if there is no such program, or nobody to leave it."""
    import shlex

    if os.environ.get("CI"):
        return []
    line = next((os.environ[name] for name in PAGERS if name in os.environ), "less")
    try:
        words = shlex.split(line)
    except ValueError:  # a quote is missing
        return []
    return words if words and words != ["cat"] and shutil.which(words[0]) else []


def prepare() -> None:
    """Escape characters that a stream cannot encode, so that they do not end the program."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def abandon() -> None:
    """Drop buffered output. Otherwise the interpreter would fail on it at exit, with another exit code."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, AttributeError, ValueError):
        return


def is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def has_colour(stream: TextIO | None) -> bool:
    """Tell whether a stream gets colour: NO_COLOR comes before FORCE_COLOR, where 0 means never, empty is ignored."""
    forced = os.environ.get("FORCE_COLOR", "")
    if os.environ.get("NO_COLOR") or forced.lower() in {"0", "false"}:
        return False
    return bool(forced) or (is_terminal(stream) and os.environ.get("TERM") != "dumb")


def draws() -> bool:
    """Tell whether output goes to a terminal that is not `dumb`. It may go through a pager."""
    return is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb"


def has_cursor() -> bool:
    """Tell whether output can move the cursor of a terminal. A pager lets only colours pass."""
    return draws() and _pager() is None


def width(stream: TextIO | None = None) -> int | None:
    """Return how many cells a line of a terminal has, unless told that of output; None where nothing has to fit."""
    stream = stream or sys.stdout
    if not is_terminal(stream):
        return None
    with suppress(OSError):
        there = os.get_terminal_size(stream.fileno())
        return shutil.get_terminal_size(there).columns or USUAL_WIDTH
    return shutil.get_terminal_size().columns


def encodable(text: str, stream: TextIO | None) -> str:
    """Return a text as the stream shows it: characters that its encoding lacks are escaped."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding, "replace")


def has_all_characters() -> bool:
    """Tell whether standard output can encode every character."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def _lost(error: OSError) -> OutputError:
    if isinstance(error, BrokenPipeError):
        return ReaderGoneError("the reader of the output has gone")
    return OutputError(f"the output could not be written: {(error.strerror or 'it failed').lower()}")
