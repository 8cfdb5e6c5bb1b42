"""What the driver's errors mean, by their class and code; their texts can hold passwords and are never shown."""

import ssl
import sys
from collections.abc import Iterator
from typing import Any

from models.errors import (
    AuthFailedError,
    ChatctlError,
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotConfiguredError,
    TimedOutError,
    UnreachableError,
)

_AUTH_FAILED = {18, 8000}  # 8000 is Atlas's own
_NOT_ALLOWED = {13}
_TIMED_OUT = {50, 64, 89, 262}
_NO_PRIMARY = {6, 7, 91, 133, 189, 10058, 10107, 11600, 11602, 13435, 13436}
_DUPLICATE = {11000, 11001, 12582}
_CHANGED_MEANWHILE = {112, 251}
_TOO_LARGE = {10334, 17280, 17419, 17420}


def explain(error: BaseException, host: str) -> ChatctlError | None:
    """Turn an error of the driver into one of ours; None for what is none of the driver's, or not known."""
    if isinstance(error, ChatctlError):
        return error
    if "pymongo.errors" not in sys.modules:
        return None
    from pymongo import errors

    if isinstance(error, errors.ConnectionFailure):
        return _no_connection(error, host)
    if isinstance(error, errors.ConfigurationError):
        return _configuration(error, host)
    if isinstance(error, errors.DocumentTooLarge):
        return _too_large()
    if isinstance(error, errors.WaitQueueTimeoutError):
        return _timed_out(host)
    if isinstance(error, errors.OperationFailure):
        return next((known for code in _codes(error) if (known := _by_code(code, host))), None)
    return None


def _by_code(code: int | None, host: str) -> ChatctlError | None:
    if code in _AUTH_FAILED:
        return AuthFailedError(
            f"{host} refused the user or the password",
            "check both in the URL, percent-encoded, and authSource if the user lives in another database",
        )
    if code in _NOT_ALLOWED:
        return NotAllowedError(
            f"{host} does not allow this", "sign in with a user in the URL, or have the right granted to that user"
        )
    if code in _TIMED_OUT:
        return _timed_out(host)
    if code in _NO_PRIMARY:
        return UnreachableError(f"{host} has no primary server at the moment", "try again shortly")
    if code in _DUPLICATE:
        return ConflictError("another document has the same unique value", "look it up, and run the command again")
    if code in _CHANGED_MEANWHILE:
        return ConflictError("the data was changed meanwhile", "run the command again")
    return _too_large() if code in _TOO_LARGE else None


def _no_connection(error: BaseException, host: str) -> ChatctlError:
    from pymongo import errors

    if isinstance(error, errors.NotPrimaryError):
        return UnreachableError(f"{host} has no primary server at the moment", "try again shortly")
    if isinstance(error, errors.NetworkTimeout | errors.WriteConcernError):
        return _timed_out(host)
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return UnreachableError(
            f"{host} and chatctl cannot agree on TLS",
            "check tls and tlsCAFile in the URL, and the server's certificate",
        )
    return UnreachableError(f"no server answers at {host}", "check that it runs, and the host and port in the URL")


def _configuration(error: BaseException, host: str) -> ChatctlError:
    """Tell a host that the name service does not know from a URL that makes no sense."""
    if any(type(cause).__module__.partition(".")[0] == "dns" for cause in _causes(error)):
        return UnreachableError(f"the name service does not know {host}", "check the host in the URL, and the network")
    return NotConfiguredError("the options of the database URL do not fit the server", "check the part behind the ?")


def _timed_out(host: str) -> ChatctlError:
    return TimedOutError(f"{host} took too long to answer", "try again, or ask for less")


def _too_large() -> ChatctlError:
    return InvalidInputError("a document would pass the server's 16 MiB", "see `chatctl db check --rule oversized`")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _codes(error: Any) -> Iterator[int | None]:
    """Give the code of an error, or those of each write that failed in a bulk."""
    details = error.details if isinstance(error.details, dict) else {}
    for part in (*details.get("writeErrors", ()), *details.get("writeConcernErrors", ())):
        yield part.get("code")
    yield error.code
