"""Standard output and standard error. No other module writes to them."""

import os
import shutil
import sys
from typing import TextIO

from database.errors import OutputError


class ReaderGoneError(OutputError):
    """The reader of the pipe has closed it."""


def write(text: str) -> None:
    """Write data to standard output. Raises `OutputError` if it cannot be written."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        sys.stdout.write(text)
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
    if sys.stderr is not None:
        try:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        except OSError:
            sys.stderr = None


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


def width() -> int | None:
    """Return the width of the terminal in cells, or None if output need not fit."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


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
