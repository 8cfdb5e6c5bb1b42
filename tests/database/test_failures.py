"""Errors of the driver are explained by their class and code."""

import pytest
from pymongo import errors

from database import connection
from database.errors import (
    AuthFailedError,
    ChatctlError,
    ConflictError,
    DatabaseError,
    InvalidInputError,
    NotAllowedError,
    NotConfiguredError,
    RefusedError,
    ServerFailedError,
    TimedOutError,
    UnreachableError,
    explain,
)

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.OperationFailure(SECRET, 18), AuthFailedError),
        (errors.OperationFailure(SECRET, 8000), AuthFailedError),
        (errors.OperationFailure(f"user is not allowed to do action [find] on [{SECRET}.User]", 8000), NotAllowedError),
        (errors.OperationFailure(f"you are over your space quota, {SECRET}", 8000), ServerFailedError),
        (errors.OperationFailure(SECRET, 13), NotAllowedError),
        (errors.ExecutionTimeout(SECRET, 50), TimedOutError),
        (errors.WTimeoutError(SECRET, 64), TimedOutError),
        (errors.NetworkTimeout(SECRET), TimedOutError),
        (errors.WaitQueueTimeoutError(SECRET), TimedOutError),
        (errors.NotPrimaryError(SECRET), UnreachableError),
        (errors.OperationFailure(SECRET, 11602), UnreachableError),
        (errors.AutoReconnect(SECRET), UnreachableError),
        (errors.OperationFailure(SECRET, 1), ServerFailedError),
        (errors.OperationFailure(SECRET, 14031), ServerFailedError),
        (errors.DuplicateKeyError(SECRET, 11000), ConflictError),
        (errors.BulkWriteError({"writeErrors": [{"code": 11000, "errmsg": SECRET}]}), ConflictError),
        (errors.OperationFailure(SECRET, 112), ConflictError),
        (errors.DocumentTooLarge(SECRET), InvalidInputError),
        (errors.ConfigurationError(SECRET), NotConfiguredError),
        (errors.CursorNotFound(SECRET, 43), TimedOutError),
        (errors.OperationFailure(SECRET, 13388), UnreachableError),
        (errors.BulkWriteError({"writeErrors": [{"code": 61, "errmsg": SECRET}]}), RefusedError),
    ],
)
def test_an_error_of_the_driver_is_explained_without_its_text(error: Exception, kind: type[ChatctlError]) -> None:
    known = connection.explain(error)
    assert type(known) is kind
    assert SECRET not in f"{known.message} {known.hint}"
    assert not isinstance(known, DatabaseError) or known.hint


def test_a_missing_right_is_named_if_it_is_known() -> None:
    error = errors.OperationFailure(SECRET, 13)
    assert str(explain(error, "db:1")) == "db:1 does not allow this command"
    missing = {("", "listCollections"), ("User", "find")}
    assert str(explain(error, "db:1", missing)) == (
        "db:1 does not allow listCollections on the database and find on User"
    )
    made = explain(error, "db:1", {("chatctl_audit", "createIndex")})
    assert made is not None
    assert made.hint is not None
    assert made.hint.startswith("ask an admin to run chatctl db indexes --apply, or use a database user")
    other = explain(errors.OperationFailure(SECRET, 50), "db:1", missing)
    assert isinstance(other, TimedOutError)


@pytest.mark.parametrize("error", [errors.OperationFailure("?", 9), KeyError("x"), errors.InvalidOperation("x")])
def test_an_unknown_error_is_reported_as_a_bug(error: Exception) -> None:
    assert connection.explain(error) is None
