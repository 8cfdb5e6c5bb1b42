"""Turn every error into a message on standard error and an exit code. No other module does this."""

import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import typer

from cli import suggestions
from cli.invocation import on_same_database
from cli.output import formats, say, streams
from cli.output.streams import ReaderGoneError
from database.errors import (
    CancelledError,
    ChatctlError,
    ConflictError,
    DatabaseError,
    Fault,
    InvalidInputError,
    LeftError,
    NotFoundError,
    OutputError,
    PartialError,
    RefusedError,
    TerminatedError,
    UsageError,
)

READABLE: Final = 800
"""The most characters of a printed error message."""

BUG: Final = 70
INTERRUPTED: Final = 130
TERMINATED: Final = 143

EXITS: Final[dict[type[BaseException], tuple[int, str]]] = {
    UsageError: (2, "usage"),
    NotFoundError: (3, "not-found"),
    ConflictError: (4, "conflict"),
    InvalidInputError: (5, "invalid"),
    DatabaseError: (6, "unreachable"),
    RefusedError: (7, "refused"),
    PartialError: (8, "partial"),
    ReaderGoneError: (141, "output"),
    OutputError: (74, "output"),
}

# The messages of these errors contain only names from the code. Messages of all other errors may quote data of users.
_HARMLESS: Final = (AttributeError, ImportError, NameError, TypeError)


class Failure(NamedTuple):
    """The exit code of a failed run, and everything that is printed about the failure."""

    exit: int
    code: str
    message: str
    hint: str | None = None
    faults: Sequence[Fault] = ()
    retryable: bool | None = None


def report(error: BaseException, arguments: Sequence[str] = (), *, as_json: bool, debug: bool) -> int:
    """Print an error with its hint, and return the exit code.

    Commands in the hint are completed with the options that chose the database, so that users can paste them.
    """
    failure = describe(error)
    failure = failure._replace(hint=failure.hint and on_same_database(failure.hint, arguments))
    if failure.exit == EXITS[ReaderGoneError][0]:
        return failure.exit
    if as_json:
        streams.say(formats.as_json({"error": _document(failure)}))
    else:
        is_answer = isinstance(error, CancelledError | LeftError)
        for line in filter(None, (failure.message, failure.hint)) if is_answer else _lines(failure):
            say(line)
        if failure.exit not in {INTERRUPTED, TERMINATED} and not is_answer:
            from cli.output import reports

            reports.annotate(failure.faults, failure.message)
    if debug:
        for line in trace(error):
            say(line)
    return failure.exit


@contextmanager
def quiet_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the `with` block without a message. For commands that run until Ctrl-C; the exit code is 130."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def describe(error: BaseException) -> Failure:
    """Describe an error as a `Failure`. If the error has notes (`add_note`), they replace the hint.

    If a question is answered with no after earlier changes were saved, a note says so: then "Nothing was changed." is
    left out.
    """
    failure = _failure(error)
    notes = getattr(error, "__notes__", ())
    if notes and isinstance(error, CancelledError | LeftError):
        failure = failure._replace(message=failure.message.partition(" ")[0])
    return failure._replace(hint="; ".join(notes)) if notes and failure.exit != BUG else failure


def _failure(error: BaseException) -> Failure:
    """Choose the exit code and the message by the class of the error."""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return Failure(INTERRUPTED, "interrupted", str(error) or "interrupted")
    if isinstance(error, TerminatedError):
        return Failure(TERMINATED, "interrupted", "terminated")
    if isinstance(error, typer.TyperException):
        return _usage(error)
    known = error if isinstance(error, ChatctlError) else _explained(error)
    if known is None:
        signal = _signal_behind(error)
        return _failure(signal) if signal else _bug(error)
    number, code = next(EXITS[kind] for kind in type(known).__mro__ if kind in EXITS)
    if isinstance(known, DatabaseError):
        return Failure(number, known.code, known.message, known.hint, retryable=known.retryable)
    return Failure(number, code, known.message, known.hint, getattr(known, "faults", ()))


def _signal_behind(error: BaseException | None) -> BaseException | None:
    """Return the signal that caused an error, or None.

    Python 3.11 wraps an interrupt in another error if the signal arrives while a class is created.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt | TerminatedError):
        error = error.__cause__ or error.__context__
    return error


def trace(error: BaseException) -> Iterator[str]:
    """Yield the lines of a traceback, without local variables, and without texts that may quote a document or a URL."""
    if error.__cause__ or error.__context__:
        yield from trace(error.__cause__ or error.__context__ or error)
    for entry in traceback.format_tb(error.__traceback__):
        yield from entry.rstrip().split("\n")
    shown = isinstance(error, ChatctlError) or type(error) in _HARMLESS
    yield f"{type(error).__name__}: {error}" if shown else type(error).__name__


def _explained(error: BaseException) -> ChatctlError | None:
    """Translate an error of the database driver. Return None for other errors, or if the driver is not loaded."""
    if "pymongo" not in sys.modules:
        return None
    from database import connection

    return connection.explain(error)


def _usage(error: typer.TyperException) -> Failure:
    context: typer.Context | None = getattr(error, "ctx", None)
    hint = getattr(error, "hint", None) or (f"see {context.command_path} --help" if context else "see chatctl --help")
    if value := _invalid_value(error):
        return Failure(2, "usage", value, hint)
    message = error.format_message().rstrip(".")
    if name := getattr(error, "option_name", None):
        near = getattr(error, "possibilities", None)
        if near is not None or "No such" in message:
            message = f"no such option: {name}"
            hint = suggestions.of_option(context, name, near or ()) or hint
    if context and any(param.name == "password_stdin" for param in context.command.params):
        # The extra argument may be a password, so the message does not repeat it.
        if "extra argument" in message:
            message, hint = "unexpected extra argument", f"a password cannot be an argument; {hint}"
        elif name == "--password":
            hint = "other users of this machine could see the password: use --password-stdin"
    return Failure(2, "usage", message[:1].lower() + message[1:], hint)


def _invalid_value(error: typer.TyperException) -> str | None:
    """Return the message about an invalid value, like `--limit must be 1 or more`. Return None for other errors."""
    param: Any = getattr(error, "param", None)
    message = getattr(error, "message", "")
    # if the user gives no value, the message is empty
    if not isinstance(error, typer.BadParameter) or param is None or not message:
        return None
    name = max(param.opts, key=len) if param.param_type_name == "option" else param.make_metavar(error.ctx)
    if message.startswith("must be "):
        return f"{name} {message}"
    return message if "|" in name else f"{name}: {message}"


def _bug(error: BaseException) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return Failure(
        BUG,
        "bug",
        f"this is a bug in chatctl: {type(error).__name__}{place}",
        "run it again with --debug and report its output, which contains no passwords and no data from your database",
    )


def _lines(failure: Failure) -> Iterator[str]:
    for fault in failure.faults:
        place = ":".join(str(part) for part in fault[:3] if part is not None)
        yield f"{place}: {_readable(fault.message)}"
    yield f"error: {_readable(failure.message)}"
    if failure.hint:
        yield f"hint: {failure.hint}"


def _readable(message: str) -> str:
    """Leave out the middle of a very long message. For example, a user may have pasted a whole file as a name."""
    return message if len(message) <= READABLE else f"{message[: READABLE // 2]} … {message[-READABLE // 2 :]}"


def _document(failure: Failure) -> dict[str, Any]:
    document = {"code": failure.code, "exit": failure.exit, "message": failure.message, "hint": failure.hint}
    if failure.retryable is not None:
        document["retryable"] = failure.retryable
    if failure.faults:
        document["faults"] = [fault._asdict() for fault in failure.faults]
    return document
