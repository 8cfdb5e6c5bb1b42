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
    """A signal asked the process to end. Like `KeyboardInterrupt`, this class is not an `Exception`."""


class UsageError(ChatctlError):
    """The command line itself is wrong."""


class NotFoundError(ChatctlError):
    """A named item does not exist."""


class ConflictError(ChatctlError):
    """An item already exists, is ambiguous, or was changed while the command ran."""


class InvalidInputError(ChatctlError):
    """An input (a seed, a name, a password) breaks a rule. `faults` lists the faults in a file."""

    def __init__(self, message: str, hint: str | None = None, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message, hint)
        self.faults = faults


class RefusedError(ChatctlError):
    """A possible change was refused: it was not confirmed, or it breaks a rule."""


class CancelledError(RefusedError):
    """The user answered no. This is not a failure, but the exit code is the same as for `RefusedError`."""

    def __init__(self) -> None:
        super().__init__("Cancelled. Nothing was changed.")


class LeftError(KeyboardInterrupt):
    """The user left a question with Ctrl-C. Every question comes before the first write."""

    def __init__(self) -> None:
        super().__init__("Interrupted. Nothing was changed.")


class ReadOnlyError(RefusedError):
    """The context is read-only."""


class PartialError(ChatctlError):
    """Only some of the items were processed. The message says which items failed."""


class OutputError(ChatctlError):
    """The output could not be written."""


class DatabaseError(ChatctlError):
    """The database cannot be used. `code` is for programs; `retryable` says whether a second attempt may succeed."""

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
    """The server refused the user name or the password of the database user."""

    code = "auth-failed"


class NotAllowedError(DatabaseError):
    """The database user has no right to do this, or a file or folder of this user cannot be used safely."""

    code = "not-allowed"
