"""The base classes of all errors. Each error of the program is one of these, or a subclass of one."""

from typing import Final, NamedTuple

WITH_LOCAL: Final = (
    "run in the folder of chatctl's source: uv tool install '.[local]', or pipx install --force '.[local]'"
)
"""The hint if the optional dependency `local` is not installed."""


class Fault(NamedTuple):
    """One fault in a file. Lines and columns count from 1; they are `None` if unknown."""

    file: str
    line: int | None
    column: int | None
    message: str


class ChatctlError(Exception):
    """An error that the user can fix: one lower-case sentence, and a hint that says what to type next."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class TerminatedError(BaseException):
    """The process was asked to end by a signal. Like KeyboardInterrupt, it is not an `Exception`."""


class UsageError(ChatctlError):
    """The command line itself is wrong."""


class NotFoundError(ChatctlError):
    """A named item does not exist."""


class ConflictError(ChatctlError):
    """An item already exists, is ambiguous, or was changed while the command ran."""


class InvalidInputError(ChatctlError):
    """An input (a seed, a name, a password) breaks a rule. `faults` has all faults, if there are several."""

    def __init__(self, message: str, hint: str | None = None, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message, hint)
        self.faults = faults


class RefusedError(ChatctlError):
    """A possible change was refused: it was not confirmed, or it breaks a rule."""


class CancelledError(RefusedError):
    """The user answered no. That is not an error, but it has the exit code of a refusal."""

    def __init__(self) -> None:
        super().__init__("Cancelled. Nothing was changed.")


class ReadOnlyError(RefusedError):
    """The context is read-only."""


class PartialError(ChatctlError):
    """Only a part of the items was done; the message says which items failed."""


class OutputError(ChatctlError):
    """The output could not be written."""


class DatabaseError(ChatctlError):
    """The database cannot be used; the subclasses say why."""

    code = "unreachable"
    retryable = False


class NotConfiguredError(DatabaseError):
    """No database was chosen, or its URL cannot be read."""

    code = "not-configured"


class UnreachableError(DatabaseError):
    """No server answered."""

    code = "unreachable"
    retryable = True


class ServerFailedError(DatabaseError):
    """The server reported an internal error."""

    code = "unreachable"


class TimedOutError(DatabaseError):
    """The server took too long."""

    code = "timed-out"
    retryable = True


class AuthFailedError(DatabaseError):
    """The server refused the user or the password."""

    code = "auth-failed"


class NotAllowedError(DatabaseError):
    """The database user lacks a right, or a folder is not private to its owner."""

    code = "not-allowed"
