"""Standard output and standard error. No other module writes to these streams."""

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
"""The environment variables with the command of the pager.

The first variable that is set counts. An empty one, or `cat`, means no pager.
"""
USUAL_WIDTH: Final = 80
"""The width that is assumed for a terminal that does not tell its width."""

_pagers: "Final[list[_Pager | None]]" = []
"""The open pagers, the last opened one at the end. None means that output goes directly to the terminal."""


class ReaderGoneError(OutputError):
    """The error if the program that reads the output, like `head`, has closed the pipe."""


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
    """Flush standard output, so that an error is raised now and not when the program ends."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise _lost(error) from error


def say(text: str) -> None:
    """Write a line to standard error. While a pager is open, keep the line until the pager ends.

    If standard error is closed, the line is lost, and no error is raised.
    """
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
    """On a terminal, show the output of the `with` block in the user's pager. The user may quit the pager early."""
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
    """Use no pager in the `with` block, so that the output of several commands stays on one screen."""
    _pagers.append(None)
    try:
        yield
    finally:
        _pagers.pop()


class _Pager:
    """A pager, like `less`. It starts with the first output. Notes are printed after it has ended.

    The first Ctrl-C ends the work of chatctl. After that, only the pager reacts to Ctrl-C until it ends.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._ignores = False
        self._before: Any = None
        self.program: Popen[str] | None = None
        self.notes: list[str] = []

    def opened(self) -> IO[str]:
        """Start the pager if it is not running, and return its input.

        If it cannot be started, return standard output.
        """
        if self._command and self.program is None:
            self._start()
        return sys.stdout if self.program is None or self.program.stdin is None else self.program.stdin

    def _start(self) -> None:
        from subprocess import PIPE, Popen

        sys.stdout.flush()
        try:
            # The settings of `less`, if the user has none: F ends it if all lines fit, R shows colours, X keeps the
            # text on the screen.
            self.program = Popen(  # noqa: S603 - the user has chosen this program
                self._command,
                stdin=PIPE,
                encoding=sys.stdout.encoding,
                errors="backslashreplace",
                bufsize=1,  # each line is sent to the pager immediately
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
        finally:  # after the first interrupt, Python has replaced this handler, so it is set again
            self._before = signal.signal(number, self._interrupt)

    def wait(self) -> None:
        """Wait until the user quits the pager, then print the notes that were kept."""
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
    """Return the command of the user's pager. It is empty if no such program is found, and in CI."""
    import shlex

    if os.environ.get("CI"):
        return []
    line = next((os.environ[name] for name in PAGERS if name in os.environ), "less")
    try:
        words = shlex.split(line)
    except ValueError:  # a quotation mark is not closed
        return []
    return words if words and words != ["cat"] and shutil.which(words[0]) else []


def prepare() -> None:
    """Escape characters that standard output and standard error cannot encode. Otherwise they would raise an error."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def abandon() -> None:
    """Discard buffered output. Otherwise Python would write it at the end, fail, and change the exit code."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, AttributeError, ValueError):
        return


def on_github() -> bool:
    """Tell whether this run is a step of a job of GitHub Actions. There, some lines of the output are commands."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # the stream is closed
        return False


def has_colour(stream: TextIO | None) -> bool:
    """Tell whether output to a stream is coloured.

    NO_COLOR turns colours off. FORCE_COLOR turns them on, or off if it is 0 or false. Empty variables are ignored. If
    neither is set, only a terminal that is not `dumb` has colours.
    """
    forced = os.environ.get("FORCE_COLOR", "")
    if os.environ.get("NO_COLOR") or forced.lower() in {"0", "false"}:
        return False
    return bool(forced) or (is_terminal(stream) and os.environ.get("TERM") != "dumb")


def draws() -> bool:
    """Tell whether output goes to a terminal that is not `dumb`, directly or through a pager."""
    return is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb"


def has_cursor() -> bool:
    """Tell whether output may move the cursor: only on a terminal, and not while a pager is open.

    A pager can show colours, but it cannot move the cursor.
    """
    return draws() and _pager() is None


def width(stream: TextIO | None = None) -> int | None:
    """Return the width of a terminal in cells.

    Return None if the stream (default: standard output) is not a terminal.
    """
    stream = stream or sys.stdout
    if not is_terminal(stream):
        return None
    with suppress(OSError):
        there = os.get_terminal_size(stream.fileno())
        return shutil.get_terminal_size(there).columns or USUAL_WIDTH
    return shutil.get_terminal_size().columns


def encodable(text: str, stream: TextIO | None) -> str:
    """Return a text in which the characters that the stream cannot encode are escaped."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding, "replace")


def has_all_characters() -> bool:
    """Tell whether standard output can encode every character."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def _lost(error: OSError) -> OutputError:
    if isinstance(error, BrokenPipeError):
        return ReaderGoneError("the program that reads the output has ended")
    return OutputError(f"the output could not be written: {(error.strerror or 'unknown reason').lower()}")
