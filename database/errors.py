"""The errors that chatctl shows to its users, and the functions that translate the driver's errors into them.

Only the class and the code of a driver's error are used. Its text is never shown, because it may contain a password.
"""

import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final, NamedTuple

WITH_LOCAL: Final = (
    "run in the folder of chatctl's source: uv tool install '.[local]', or pipx install --force '.[local]'"
)
"""The hint for users who have not installed the optional dependency `local` (the embedded database)."""


class Fault(NamedTuple):
    """A fault in a file. The first line and the first column are number 1. None means that the number is unknown."""

    file: str
    line: int | None
    column: int | None
    message: str


class ChatctlError(Exception):
    """An error that the user can fix.

    `message` says what is wrong. `hint` says what to do; it often contains a command to type.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class TerminatedError(BaseException):
    """The error when a signal asks the process to end. Like `KeyboardInterrupt`, it is not an `Exception`."""


class UsageError(ChatctlError):
    """The error if the command line is not valid."""


class NotFoundError(ChatctlError):
    """The error if an item that the user names does not exist."""


class ConflictError(ChatctlError):
    """The error if an item already exists, is ambiguous, or was changed while the command ran."""


class InvalidInputError(ChatctlError):
    """The error if an input (a seed, a name, a password) breaks a rule. `faults` lists the faults in a file."""

    def __init__(self, message: str, hint: str | None = None, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message, hint)
        self.faults = faults


class RefusedError(ChatctlError):
    """The error if a rule forbids a change, or if the user has not confirmed the change."""


class CancelledError(RefusedError):
    """The error that ends the program if the user answers a question with no.

    It is a subclass of `RefusedError` for the exit code. But the answer no is not a failure.
    """

    def __init__(self) -> None:
        super().__init__("Cancelled. Nothing was changed.")


class LeftError(KeyboardInterrupt):
    """The error if the user presses Ctrl-C at a question.

    The command has not written anything yet: it asks all questions before it writes.
    """

    def __init__(self) -> None:
        super().__init__("Interrupted. Nothing was changed.")


class ReadOnlyError(RefusedError):
    """The error if a command tries to write in a read-only context."""


class PartialError(ChatctlError):
    """The error if only some of the items were processed. The message names the items that failed."""


class OutputError(ChatctlError):
    """The error if the output could not be written."""


class DatabaseError(ChatctlError):
    """The error if the database cannot be used. `code` is for programs. `retryable` is true if a retry may succeed."""

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
    """The error if the database user does not have a required right, or if a file or folder cannot be used safely."""

    code = "not-allowed"


NOT_ALLOWED: Final = 13
ATLAS: Final = 8000
"""The error code that shared Atlas clusters use for every restriction.

Only the text of the error says which restriction it is.
"""
MADE_BY_ADMIN: Final = frozenset({"createCollection", "createIndex"})
"""The actions that create missing collections and indexes.

Later commands do not need the right to these actions: an admin can create everything once with `db indexes --apply`.
"""


def explain(error: BaseException, host: str, missing: Collection[tuple[str, str]] = ()) -> ChatctlError | None:
    """Translate an error of the driver into a `ChatctlError`. Return None for all other errors.

    `missing` lists the rights that the refused command needed, as (collection, action).
    """
    if isinstance(error, ChatctlError):
        return error
    if "pymongo.errors" not in sys.modules:
        return None
    from pymongo import errors

    explanations: tuple[tuple[type[BaseException], Callable[[BaseException, str], ChatctlError | None]], ...] = (
        (errors.WaitQueueTimeoutError, _timed_out),
        (errors.ConnectionFailure, _no_connection),
        (errors.ConfigurationError, _configuration),
        (errors.DocumentTooLarge, _too_large),
        (errors.OperationFailure, _refused),
    )
    known = next((give(error, host) for kind, give in explanations if isinstance(error, kind)), None)
    if missing and isinstance(known, NotAllowedError):
        rights = [f"{action} on {collection or 'the database'}" for collection, action in sorted(missing)]
        made = any(action in MADE_BY_ADMIN for _, action in missing)
        hint = f"ask an admin to run chatctl db indexes --apply, or {known.hint}" if made else known.hint
        return NotAllowedError(f"{host} does not allow {' and '.join(rights)}", hint)
    return known


def is_refusal(code: Any, text: object) -> bool:
    """Tell whether an error means that the database user does not have a required right.

    On a shared Atlas cluster, the error code alone does not show this, so the text of the error is checked too.
    """
    return code == NOT_ALLOWED or (code == ATLAS and "not allowed" in str(text))


def _refused(error: Any, host: str) -> ChatctlError | None:
    """Explain an error that the server returned, by its error code.

    For a bulk write, use the codes of the failed writes.
    """
    details = error.details if isinstance(error.details, dict) else {}
    failed = (*details.get("writeErrors", ()), *details.get("writeConcernErrors", ()))
    codes = [part.get("code") for part in failed] + [error.code]
    return next((_BY_CODE[code](error, host) for code in codes if code in _BY_CODE), None)


def _no_connection(error: BaseException, host: str) -> ChatctlError:
    from pymongo import errors

    if isinstance(error, errors.NotPrimaryError):
        return _no_primary(error, host)
    if isinstance(error, errors.NetworkTimeout):
        return _timed_out(error, host)
    return UnreachableError(
        f"no server answers at {host}",
        "check that the server runs, and check the host, port, tls and replicaSet in the URL",
    )


def _configuration(error: BaseException, host: str) -> ChatctlError:
    """Explain an error in the configuration: an unknown host name, or options that the server does not accept."""
    if any(type(cause).__module__.partition(".")[0] == "dns" for cause in _causes(error)):
        return UnreachableError(f"cannot resolve the host name {host}", "check the host in the URL, and the network")
    return NotConfiguredError(
        "the server does not accept the options in the database URL", "check the part after the ?"
    )


def _timed_out(_: BaseException, host: str) -> ChatctlError:
    return TimedOutError(f"{host} took too long to answer", "try again, or limit the result with --limit or filters")


def _too_large(_: BaseException, __: str) -> ChatctlError:
    return InvalidInputError(
        "a document would be larger than the server's limit of 16 MiB", "see `chatctl db check --rule oversized`"
    )


def _no_primary(_: BaseException, host: str) -> ChatctlError:
    return UnreachableError(f"{host} has no primary server at the moment", "try again in a moment")


def _ended(_: BaseException, host: str) -> ChatctlError:
    return TimedOutError(
        f"{host} ended this query before all results were read",
        "try again, or limit the result with --limit or filters",
    )


def _moving(_: BaseException, host: str) -> ChatctlError:
    return UnreachableError(f"{host} moves documents between shards at the moment", "try again in a moment")


def _shard_key(_: BaseException, host: str) -> ChatctlError:
    return RefusedError(
        f"{host} does not allow this change, because of the shard key of a collection",
        "docs/scale.md lists the shard keys with which every command works",
    )


def _auth_failed(_: BaseException, host: str) -> ChatctlError:
    return AuthFailedError(
        f"{host} refused the user name or the password",
        "check the user name and the password in the URL (percent-encoded); "
        "if another database defines the user, set authSource",
    )


def _not_allowed(_: BaseException, host: str) -> ChatctlError:
    return NotAllowedError(
        f"{host} does not allow this command",
        "use a database user with the required right; chatctl db roles prints suitable roles",
    )


def _atlas(error: BaseException, host: str) -> ChatctlError:
    if is_refusal(ATLAS, error):
        return _not_allowed(error, host)
    return _failed(error, host) if "space quota" in str(error) else _auth_failed(error, host)


def _failed(_: BaseException, host: str) -> ChatctlError:
    return ServerFailedError(
        f"{host} reported an internal error", "check the log and the free disk space of the server"
    )


def _duplicate(_: BaseException, __: str) -> ChatctlError:
    return ConflictError(
        "another document already has this unique value", "find the other document, then run the command again"
    )


def _changed_meanwhile(_: BaseException, __: str) -> ChatctlError:
    return ConflictError("the data was changed while this command ran", "run the command again")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


_BY_CODE = {
    code: explanation
    for explanation, codes in {
        _auth_failed: (18,),
        _atlas: (ATLAS,),
        _not_allowed: (NOT_ALLOWED,),
        _timed_out: (50, 64, 89, 262),
        _no_primary: (6, 7, 91, 133, 189, 10058, 10107, 11600, 11602, 13435, 13436),
        _ended: (43, 175, 237),
        _moving: (63, 150, 249, 13388),
        _shard_key: (61, 72, 31025),
        _failed: (1, 14031),
        _duplicate: (11000, 11001, 12582),
        _changed_meanwhile: (112, 251),
        _too_large: (10334, 17280, 17419, 17420),
    }.items()
    for code in codes
}
