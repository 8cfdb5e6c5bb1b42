"""Standard output and standard error: the only places where anything is written to them."""

import os
import shutil
import sys
from typing import TextIO

from database.errors import OutputError


class ReaderGoneError(OutputError):
    """Who read the pipe has read enough."""


def write(text: str) -> None:
    """Write data; what cannot be written is an error, whatever has been written before."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        sys.stdout.write(text)
    except OSError as error:
        raise _lost(error) from error


def flush() -> None:
    """Hand over what was written so far, so that a failure to do so is noticed."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        raise _lost(error) from error


def say(text: str) -> None:
    """Write a line beside the data; nobody listening there is no error."""
    if sys.stderr is not None:
        try:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        except OSError:
            sys.stderr = None


def prepare() -> None:
    """Let no character that a stream cannot encode end the program."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def abandon() -> None:
    """Drop what is still buffered: the interpreter would fail on it again at exit, with a code of its own."""
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
    """Decide as people expect: NO_COLOR before FORCE_COLOR, of which 0 means never and nothing means nothing."""
    forced = os.environ.get("FORCE_COLOR", "")
    if os.environ.get("NO_COLOR") or forced.lower() in {"0", "false"}:
        return False
    return bool(forced) or (is_terminal(stream) and os.environ.get("TERM") != "dumb")


def width() -> int | None:
    """Return how many cells a line of the terminal has; None where nothing has to fit."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


def encodable(text: str, stream: TextIO | None) -> str:
    """Return what will be seen of a text where the stream's encoding has not all characters."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding, "replace")


def has_all_characters() -> bool:
    """Tell whether standard output can take any text as it is."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def _lost(error: OSError) -> OutputError:
    if isinstance(error, BrokenPipeError):
        return ReaderGoneError("the reader of the output has gone")
    return OutputError(f"the output could not be written: {(error.strerror or 'it failed').lower()}")
