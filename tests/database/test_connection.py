import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import ReadPreference, errors

from database import connection
from database.connection import Target
from database.errors import (
    AuthFailedError,
    ChatctlError,
    NotAllowedError,
    NotConfiguredError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from tests.conftest import with_options

SECRET = "s3cr3t"


pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    connection.choose()
    yield
    connection.choose()


def failure(call: Any) -> ChatctlError:
    """Call a function that must fail, and return its error as a `ChatctlError`."""
    with pytest.raises((ChatctlError, errors.PyMongoError)) as caught:
        call()
    known = connection.explain(caught.value)
    assert known is not None
    assert SECRET not in f"{known.message} {known.hint}"
    return known


def use() -> Any:
    return connection.database()["Role"].find_one()


# Which source names the database.


def test_options_are_used_before_the_environment_and_files(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workspace / "prisma").mkdir()
    (workspace / "prisma" / ".env").write_text("MONGODB_DATABASE_URL=mongodb://h/prisma")
    assert _chosen() == ("prisma", "prisma/.env")
    (workspace / ".env").write_text("OTHER=1")
    assert _chosen() == ("prisma", "prisma/.env")
    (workspace / ".env").write_text("MONGODB_DATABASE_URL=mongodb://h/beside")
    assert _chosen() == ("beside", ".env")
    (workspace / "given").write_text("MONGODB_DATABASE_URL=mongodb://h/given")
    assert _chosen(env_file=Path("given")) == ("given", "given")
    (workspace / "url").write_text("mongodb://h/file\n")
    monkeypatch.setenv("MONGODB_DATABASE_URL_FILE", "url")
    assert _chosen(env_file=Path("given")) == ("file", "MONGODB_DATABASE_URL_FILE")
    monkeypatch.setenv("MONGODB_DATABASE_URL", "mongodb://h/environment")
    assert _chosen() == ("environment", "MONGODB_DATABASE_URL")
    monkeypatch.setenv("CHATCTL_LOCAL", "1")
    assert _chosen() == ("chatctl", "CHATCTL_LOCAL")
    assert _chosen(url="mongodb://h/option") == ("option", "--url")
    assert _chosen(local=True) == ("chatctl", "--local")


def _chosen(**options: Any) -> tuple[str, str]:
    connection.choose(**options)
    return connection.target().name, connection.target().source


def test_url_and_local_together_are_a_usage_error() -> None:
    with pytest.raises(UsageError):
        connection.choose(url="mongodb://h/db", local=True)


def test_a_variable_in_prisma_env_may_come_from_the_env_file_before_it(workspace: Path) -> None:
    (workspace / ".env").write_text("NAME=shop")
    (workspace / "prisma").mkdir()
    (workspace / "prisma" / ".env").write_text('MONGODB_DATABASE_URL="mongodb://h/${NAME}"')
    assert connection.target().name == "shop"


def test_without_a_database_the_error_names_the_variable_and_the_embedded_database() -> None:
    known = failure(connection.target)
    assert isinstance(known, NotConfiguredError)
    assert known.message == "no database is configured"
    assert known.hint
    assert "MONGODB_DATABASE_URL" in known.hint
    assert "--local" in known.hint


@pytest.mark.parametrize("said", ["1", "true", "True", "YES", "on", " true "])
def test_the_variable_chatctl_local_may_be_any_word_for_yes(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATCTL_LOCAL", said)
    monkeypatch.setenv("MONGODB_DATABASE_URL", "mongodb://h/db")
    assert _chosen() == ("chatctl", "CHATCTL_LOCAL")


@pytest.mark.parametrize("said", ["", "0", "false", "No", "OFF"])
def test_the_variable_chatctl_local_may_be_any_word_for_no(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATCTL_LOCAL", said)
    monkeypatch.setenv("MONGODB_DATABASE_URL", "mongodb://h/db")
    assert _chosen() == ("db", "MONGODB_DATABASE_URL")


@pytest.mark.parametrize("said", ["2", "maybe", "tru", "\x1b[31m"])
def test_any_other_word_in_chatctl_local_is_a_usage_error(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATCTL_LOCAL", said)
    monkeypatch.setenv("MONGODB_DATABASE_URL", "mongodb://h/db")
    known = failure(connection.target)
    assert isinstance(known, UsageError)
    assert known.message == f'CHATCTL_LOCAL: "{said}" is not valid here. Choose true or false.'


def test_the_error_names_a_missing_file(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.choose(env_file=Path("nowhere.env"))
    assert "nowhere.env" in failure(connection.target).message
    monkeypatch.setenv("MONGODB_DATABASE_URL_FILE", "nowhere.txt")
    connection.choose()
    assert "nowhere.txt" in failure(connection.target).message


def test_an_env_file_without_the_variable_is_an_error_and_no_other_source_is_used(workspace: Path) -> None:
    (workspace / ".env").write_text("MONGODB_DATABASE_URL=mongodb://h/beside")
    (workspace / "given").write_text("OTHER=1")
    connection.choose(env_file=Path("given"))
    assert failure(connection.target).message == "given does not set MONGODB_DATABASE_URL"


# What a URL may contain.


def test_a_target_names_the_database_and_hosts_without_the_password() -> None:
    connection.choose(
        f"mongodb://ada:{SECRET}@one:27017,[::1]:2,[::2],%2Ftmp%2Fx.sock/shop?authSource=admin&appName=a@b"
    )
    assert connection.target() == Target(
        "shop", "one:27017,[::1]:2,[::2],/tmp/x.sock", "--url", "ada", password_on_command_line=True
    )


def test_only_a_password_on_the_command_line_is_exposed(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.choose("mongodb://ada@one/shop")
    assert not connection.target().password_on_command_line
    monkeypatch.setenv("MONGODB_DATABASE_URL", f"mongodb://ada:{SECRET}@one/shop")
    connection.choose()
    assert not connection.target().password_on_command_line


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "is empty"),
        (f"postgresql://u:{SECRET}@h/db", "must start with mongodb:// or mongodb+srv://"),
        (f"{SECRET}", "must start with mongodb:// or mongodb+srv://"),
        (f"mongodb://u:{SECRET}@h", "does not name a database"),
        (f"mongodb://u:{SECRET}@h/", "does not name a database"),
        (f"mongodb://u:{SECRET}@h/?w=1", "does not name a database"),
        (f"mongodb+srv://u:{SECRET}@h.example.com/", "does not name a database"),
        (f"mongodb://u:a/{SECRET}@h/db", "must be escaped"),
        (f"mongodb://u:1234/{SECRET}@h/db", "must be escaped"),
        (f"mongodb://u:a@{SECRET}@h/db", "must be escaped"),
        (f"mongodb://u:a:{SECRET}@h/db", "must be escaped"),
        (f"mongodb://u:a?{SECRET}@h/db", "must be escaped"),
        (f"mongodb://u:a#{SECRET}@h/db", "must be escaped"),
        (f"mongodb://u:a@{SECRET}/b@h", "must be escaped"),
        (f"mongodb://u:1234/{SECRET}?b@h/db", "must be escaped"),
        (f"mongodb://u:a@1234/{SECRET}?b@h/db", "cannot be read"),
        (f"mongodb://u:%zz{SECRET}@h/db", "cannot be read"),
        (f"mongodb://u:{SECRET}@h\n/db", "cannot be read"),
        (f"mongodb://u:x/{SECRET}", "cannot be read"),
        (f"mongodb://u:{SECRET}@/db", "cannot be read"),
        (f"mongodb://u:{SECRET}@[::1/db", "cannot be read"),
        (f"mongodb://u:{SECRET}@h:99999/db", "cannot be read"),
        (f"mongodb://u:{SECRET}@h,,i/db", "cannot be read"),
        (f"mongodb+srv://u:{SECRET}@a.example.com:1/db", "cannot be read"),
        (f"mongodb://u:{SECRET}@h/db.{SECRET}", "invalid database name"),
        (f"mongodb://u:{SECRET}@h/a%20b", "invalid database name"),
        (f"mongodb://u:{SECRET}@h/db?tls=yes", "cannot be read"),
        (f"mongodb://u:{SECRET}@h/db?tlsCAFile=/nowhere/{SECRET}", "cannot be read"),
        (f"mongodb://u:{SECRET}@h/db?authMechanism={SECRET}", "cannot be read"),
        (f"mongodb://u:{SECRET}@h/db?{SECRET}", "cannot be read"),
        (f"mongodb://u:{SECRET}@h/db?wTimeoutMS=99999999999999999999", "cannot be read"),
        (f"mongodb://u:{SECRET}@h,i/db?directConnection=true", "cannot be read"),
    ],
)
def test_an_invalid_url_is_reported_and_never_quoted(url: str, message: str) -> None:
    connection.choose(url)
    known = failure(connection.database)
    assert isinstance(known, NotConfiguredError)
    assert message in known.message
    assert known.hint


def test_options_of_other_drivers_are_ignored(url: str) -> None:
    connection.choose(with_options(url, "connection_limit=5"))
    use()


def test_options_of_the_url_cannot_make_reads_and_writes_less_safe(url: str) -> None:
    weaker = "readPreference=secondaryPreferred&readPreferenceTags=a:b&w=0&tz_aware=false"
    connection.choose(with_options(url, weaker))
    database = connection.database()
    assert database.read_preference == ReadPreference.PRIMARY
    assert database.write_concern.document == {"w": "majority"}
    assert database.codec_options.tz_aware
    assert database.client.options.pool_options.metadata["application"] == {"name": "chatctl"}


# The connection.


def test_all_reads_share_one_connection(url: str) -> None:
    connection.choose(url)
    assert connection.database() is connection.database()


def test_if_another_database_is_expected_each_connection_is_refused(url: str, name: str) -> None:
    connection.choose(url, expect="staging")
    for _ in range(2):
        known = failure(connection.database)
        assert isinstance(known, RefusedError)
        assert known.message == f'the target database is "{name}" on {connection.target().host}, not "staging"'


def test_if_this_database_is_expected_the_connection_works(url: str, name: str) -> None:
    connection.choose(url, expect=name)
    use()


@pytest.mark.usefixtures("mock_client")
def test_a_standalone_server_has_no_transactions() -> None:
    connection.choose("mongodb://localhost/db")
    assert not connection.transactions()


def test_a_replica_set_has_transactions(url: str) -> None:
    connection.choose(url)
    assert connection.transactions()


# Errors of the connection.


def test_an_unreachable_host_is_reported_after_five_seconds() -> None:
    connection.choose(f"mongodb://u:{SECRET}@127.0.0.1:1/shop?serverSelectionTimeoutMS=60000")
    started = time.monotonic()
    known = failure(use)
    assert isinstance(known, UnreachableError)
    assert known.message == "no server answers at 127.0.0.1:1"
    assert known.retryable
    assert 4 < time.monotonic() - started < 8


def test_a_server_that_never_answers_is_reported() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connection.choose(f"mongodb://127.0.0.1:{silent.getsockname()[1]}/shop")
        started = time.monotonic()
        assert isinstance(failure(use), UnreachableError)
        assert time.monotonic() - started < 8


def test_a_wrong_password_is_reported_as_a_refused_sign_in(secured: str) -> None:
    connection.choose(f"mongodb://ada:{SECRET}@{secured}/shop?authSource=admin")
    known = failure(use)
    assert isinstance(known, AuthFailedError)
    assert known.code == "auth-failed"


def test_a_user_without_rights_is_not_allowed(secured: str) -> None:
    connection.choose(f"mongodb://reader:reader@{secured}/shop?authSource=admin")
    use()
    known = failure(lambda: connection.database()["Role"].insert_one({}))
    assert isinstance(known, NotAllowedError)
    assert known.message == f"{secured} does not allow insert on Role"


def test_all_rights_that_a_refused_command_needs_are_named(secured: str) -> None:
    connection.choose(f"mongodb://reader:reader@{secured}/shop?authSource=admin")
    roles = connection.database()["Role"]
    known = failure(lambda: roles.update_one({}, {"$set": {"name": "x"}}, upsert=True))
    assert known.message == f"{secured} does not allow insert on Role and update on Role"


def test_without_a_user_in_the_url_the_server_refuses_commands(secured: str) -> None:
    connection.choose(f"mongodb://{secured}/shop")
    assert isinstance(failure(use), NotAllowedError)
