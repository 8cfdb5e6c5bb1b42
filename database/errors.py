"""The kinds of failure there are; every refusal in the program is one of these or a class of its own below one."""

from typing import Final, NamedTuple

WITH_LOCAL: Final = "in the folder of chatctl's source: uv tool install '.[local]', or pipx install --force '.[local]'"
"""What to do where the extra `local` is missing."""


class Fault(NamedTuple):
    """One thing wrong in a file; lines and columns count from 1, `None` where they are not known."""

    file: str
    line: int | None
    column: int | None
    message: str


class ChatctlError(Exception):
    """A failure that a person caused or can do something about: one lower-case sentence, and what to type next."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class TerminatedError(BaseException):
    """Somebody asked the process to end; like KeyboardInterrupt it passes every handler on its way out."""


class UsageError(ChatctlError):
    """The command line itself is wrong."""


class NotFoundError(ChatctlError):
    """Something named does not exist."""


class ConflictError(ChatctlError):
    """It exists already, is ambiguous, or was changed meanwhile."""


class InvalidInputError(ChatctlError):
    """What was given (a seed, a name, a password) breaks a rule; `faults` lists every one where there are several."""

    def __init__(self, message: str, hint: str | None = None, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message, hint)
        self.faults = faults


class RefusedError(ChatctlError):
    """It could be done and is not: not confirmed, or against a rule."""


class CancelledError(RefusedError):
    """The user answered no. That is not an error, but it has the exit code of a refusal."""

    def __init__(self) -> None:
        super().__init__("Cancelled. Nothing was changed.")


class ReadOnlyError(RefusedError):
    """The context is for reading alone."""


class PartialError(ChatctlError):
    """A batch was done in part; the message says which items failed."""


class OutputError(ChatctlError):
    """The output could not be written."""


class DatabaseError(ChatctlError):
    """No database to work on; the classes below say why."""

    code = "unreachable"
    retryable = False


class NotConfiguredError(DatabaseError):
    """No database was named, or its URL cannot be read."""

    code = "not-configured"


class UnreachableError(DatabaseError):
    """No server answered."""

    code = "unreachable"
    retryable = True


class ServerFailedError(DatabaseError):
    """The server answered that something went wrong within itself."""

    code = "unreachable"


class TimedOutError(DatabaseError):
    """The server took too long."""

    code = "timed-out"
    retryable = True


class AuthFailedError(DatabaseError):
    """The server refused the user or the password."""

    code = "auth-failed"


class NotAllowedError(DatabaseError):
    """The server's user may not do this, or a folder is not private to its owner."""

    code = "not-allowed"
