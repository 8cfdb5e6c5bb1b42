"""The exit code and the message of each kind of error."""

import json

import pytest
import typer
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from actions.errors import BadNameError, LastMemberError, NameTakenError, UnknownNameError
from cli import errors
from cli.output.streams import ReaderGoneError
from database.errors import (
    AuthFailedError,
    ChatctlError,
    ConflictError,
    Fault,
    InvalidInputError,
    NotAllowedError,
    NotConfiguredError,
    NotFoundError,
    OutputError,
    RefusedError,
    TerminatedError,
    TimedOutError,
    UnreachableError,
    UsageError,
)


@pytest.mark.parametrize(
    ("kind", "number", "code"),
    [
        (UsageError, 2, "usage"),
        (NotFoundError, 3, "not-found"),
        (UnknownNameError, 3, "not-found"),
        (ConflictError, 4, "conflict"),
        (NameTakenError, 4, "conflict"),
        (InvalidInputError, 5, "invalid"),
        (BadNameError, 5, "invalid"),
        (NotConfiguredError, 6, "not-configured"),
        (UnreachableError, 6, "unreachable"),
        (TimedOutError, 6, "timed-out"),
        (AuthFailedError, 6, "auth-failed"),
        (NotAllowedError, 6, "not-allowed"),
        (RefusedError, 7, "refused"),
        (LastMemberError, 7, "refused"),
        (OutputError, 74, "output"),
        (ReaderGoneError, 141, "output"),
    ],
)
def test_each_kind_of_error_has_its_exit_code(kind: type[ChatctlError], number: int, code: str) -> None:
    failure = errors.describe(kind("it failed", "try again"))
    assert (failure.exit, failure.code, failure.message, failure.hint) == (number, code, "it failed", "try again")


def test_every_class_of_errors_has_an_exit_code() -> None:
    assert set(ChatctlError.__subclasses__()) <= set(errors.EXITS)


@pytest.mark.parametrize(
    ("error", "number", "code"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (typer.Abort(), 130, "interrupted"),
        (TerminatedError(), 143, "interrupted"),
        (ServerSelectionTimeoutError("hunter2"), 6, "unreachable"),
        (OperationFailure("hunter2", 18), 6, "auth-failed"),
        (OperationFailure("hunter2", 12345), 70, "bug"),
        (ZeroDivisionError("hunter2"), 70, "bug"),
        (RecursionError(), 70, "bug"),
    ],
)
def test_other_errors_are_explained_or_reported_as_a_bug(error: BaseException, number: int, code: str) -> None:
    failure = errors.describe(error)
    assert (failure.exit, failure.code) == (number, code)
    assert "hunter2" not in f"{failure}"


def test_an_error_of_the_database_says_whether_a_retry_may_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert errors.report(UnreachableError("no server"), as_json=True, debug=False) == 6
    error = {"code": "unreachable", "exit": 6, "message": "no server", "hint": None, "retryable": True}
    assert json.loads(capsys.readouterr().err) == {"error": error}


def test_every_fault_is_a_printed_line_and_an_entry_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    faults = (Fault("a.yaml", 3, 7, "unknown key \x1b[31m"), Fault("b.yaml", None, None, "empty"))
    errors.report(InvalidInputError("2 faults", faults=faults), as_json=False, debug=False)
    assert capsys.readouterr().err.splitlines() == [
        r"a.yaml:3:7: unknown key \x1b[31m",
        "b.yaml: empty",
        "error: 2 faults",
    ]
    errors.report(InvalidInputError("2 faults", faults=faults), as_json=True, debug=False)
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert json.loads(written)["error"]["faults"][0] == {
        "file": "a.yaml",
        "line": 3,
        "column": 7,
        "message": "unknown key \x1b[31m",
    }


def test_a_traceback_names_places_and_classes_and_quotes_no_data() -> None:
    def fail(error: Exception) -> None:
        raise error

    secret = {"hashedPassword": "hunter2"}
    try:
        try:
            fail(KeyError(str(secret)))
        except KeyError as error:
            raise UnreachableError("no server") from error
    except UnreachableError as error:
        lines = list(errors.trace(error))
    assert "hunter2" not in "\n".join(line for line in lines if "secret = " not in line)
    assert [line for line in lines if not line.startswith(" ")] == ["KeyError", "UnreachableError: no server"]
