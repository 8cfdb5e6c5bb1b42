"""The classes of errors that the program reports. Every other error class is a subclass of one of these."""

from typing import Final, NamedTuple

WITH_LOCAL: Final = (
    "run in the folder of chatctl's source: uv tool install '.[local]', or pipx install --force '.[local]'"
)
"""The hint for users who have not installed the optional dependency `local`, the embedded database."""


class Fault(NamedTuple):
    """One fault in a file. The first line and the first column have the number 1; `None` means unknown."""

    file: str
    line: int | None
    column: int | None
    message: str


class ChatctlError(Exception):
    """An error that the user can fix. `message` says what is wrong, `hint` says what to do, often a command to type."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class TerminatedError(BaseException):
    """The error for a signal that asks the process to end. Like `KeyboardInterrupt`, it is not an `Exception`."""


class UsageError(ChatctlError):
    """The error for a command line that is not valid."""


class NotFoundError(ChatctlError):
    """The error for a named item that does not exist."""


class ConflictError(ChatctlError):
    """The error for an item that already exists, is ambiguous, or was changed while the command ran."""


class InvalidInputError(ChatctlError):
    """The error for an input (a seed, a name, a password) that breaks a rule. `faults` lists the faults in a file."""

    def __init__(self, message: str, hint: str | None = None, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message, hint)
        self.faults = faults


class RefusedError(ChatctlError):
    """The error for a change that is possible, but was not confirmed or breaks a rule."""


class CancelledError(RefusedError):
    """The error if the user answers no to a question. It is not a failure, but has the exit code of `RefusedError`."""

    def __init__(self) -> None:
        super().__init__("Cancelled. Nothing was changed.")


class ReadOnlyError(RefusedError):
    """The error for a write in a read-only context."""


class PartialError(ChatctlError):
    """The error if only some of the items were processed. The message says which items failed."""


class OutputError(ChatctlError):
    """The error if the output could not be written."""


class DatabaseError(ChatctlError):
    """The error if the database cannot be used. `code` is for programs; `retryable` says that a retry may succeed."""

    code = "unreachable"
    retryable = False


class NotConfiguredError(DatabaseError):
    """The error if no database was chosen, or if its URL cannot be read."""

    code = "not-configured"


class UnreachableError(DatabaseError):
    """The error if no server answers."""

    code = "unreachable"
    retryable = True


class ServerFailedError(DatabaseError):
    """The error if the server reports an internal error."""

    code = "unreachable"


class TimedOutError(DatabaseError):
    """The error if the server takes too long to answer."""

    code = "timed-out"
    retryable = True


class AuthFailedError(DatabaseError):
    """The error if the server refuses the user name or the password of the database user."""

    code = "auth-failed"


class NotAllowedError(DatabaseError):
    """The error if the database user has no right to do this, or if a file or folder cannot be used safely."""

    code = "not-allowed"
