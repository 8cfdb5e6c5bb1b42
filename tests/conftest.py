"""The databases of the tests, and the fixture `chatctl`, which runs a command line like a user who types it."""

import gc
import io
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import mongomock
import pymongo
import pytest
from mongomock.collection import BulkOperationBuilder
from pymongo.database import Database

from actions.rules import passwords
from database import connection

VARIABLES = (
    "MONGODB_DATABASE_URL",
    "MONGODB_DATABASE_URL_FILE",
    "CHATCTL_LOCAL",
    "CHATCTL_LOCAL_DIR",
    "CHATCTL_CONTEXT",
    "CHATCTL_ACTOR",
    "CHATCTL_EXPECT",
    "CHATCTL_REASON",
    "CI",
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "GITHUB_WORKSPACE",
)


# On a busy machine, an example can take longer than the 200 ms that Hypothesis allows.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


class Result(NamedTuple):
    stdout: str
    stderr: str
    code: int


Chatctl = Callable[..., Result]


def start_server(folder: Path, *options: str, port: int = 0) -> tuple[subprocess.Popen[bytes], str]:
    """Start a new server with its data in `folder`. When it listens, return the process and "host:port"."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    config = folder / "server.toml"
    config.touch()
    command = [sys.executable, Path(__file__).with_name("server.py"), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--config", config, "--storage-path", folder / "data", *options]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)  # noqa: S603 - no input of users
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, f"127.0.0.1:{port}"
        assert process.poll() is None, (folder / "server.log").read_text()
        time.sleep(0.05)
    process.kill()
    raise TimeoutError("the server does not listen")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a server, without a database name: a new server, or the server in CHATCTL_TEST_URL."""
    if given := os.environ.get("CHATCTL_TEST_URL"):
        yield given
        return
    process, address = start_server(tmp_path_factory.mktemp("server"), "--enable-test-commands")
    yield f"mongodb://{address}/"
    process.kill()  # the data of the server are not needed any more, and a normal stop takes two seconds
    process.wait()


@pytest.fixture(scope="session")
def server_client(server: str) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    with pymongo.MongoClient(server, tz_aware=True, uuidRepresentation="standard") as client:
        yield client


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a server that requires a sign-in. The only user, `reader`, can only read one database."""
    folder = tmp_path_factory.mktemp("secured")
    process, address = start_server(folder, "--sync-on-commit")
    with pymongo.MongoClient[dict[str, Any]](f"mongodb://{address}/") as client:
        client.admin.command("createUser", "reader", pwd="reader", roles=[{"role": "read", "db": "shop"}])
    process.kill()
    process.wait()
    process, address = start_server(folder, "--sync-on-commit", "--auth")
    yield address
    process.kill()
    process.wait()


@pytest.fixture
def name() -> str:
    return f"test_{secrets.token_hex(6)}"


@pytest.fixture
def url(server: str, server_client: pymongo.MongoClient[dict[str, Any]], name: str) -> Iterator[str]:
    """Yield the URL of a new database for one test. After the test, the database is dropped."""
    yield named(server, name)
    server_client.drop_database(name)


def named(server: str, name: str) -> str:
    """Return the URL of a server with the name of a database."""
    address, _, options = server.partition("?")
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/{name}" + (f"?{options}" if options else "")


def beside(url: str) -> str:
    """Return the URL of another database on the same server."""
    address, mark, options = url.partition("?")
    return f"{address}_other{mark}{options}"


def with_options(url: str, options: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{options}"


@pytest.fixture
def server_or_mock(request: pytest.FixtureRequest) -> str:
    """Return the database of a test: the server, or for a test with the fixture `either` first one, then the other."""
    callspec = getattr(request.node, "callspec", None)
    return str(callspec.params.get("either", "server")) if callspec else "server"


@pytest.fixture
def database(request: pytest.FixtureRequest, server_or_mock: str, name: str) -> Database[dict[str, Any]]:
    """Return the database that `chatctl` uses. A test writes to it directly, and checks what it contains."""
    if server_or_mock == "mongomock":
        return request.getfixturevalue("mock_client")[name]
    request.getfixturevalue("url")
    return request.getfixturevalue("server_client")[name]


@pytest.fixture
def mock_client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace pymongo's client by a client of mongomock. All clients of a test share the same data."""
    store = mongomock.store.ServerStore()

    def client(host: str = "localhost", **options: Any) -> Any:
        return mongomock.MongoClient(host, tz_aware=bool(options.get("tz_aware")), _store=store)

    monkeypatch.setattr(pymongo, "MongoClient", client)
    for kind, test in mongomock.filtering.TYPE_MAP.items():
        if test is None:  # mongomock never stores these types, and fails if a filter names them
            monkeypatch.setitem(mongomock.filtering.TYPE_MAP, kind, lambda _: False)
    monkeypatch.setattr(mongomock.database.Database, "command", _command)
    for method in ("add_update", "add_replace"):
        monkeypatch.setattr(BulkOperationBuilder, method, _without_sort(getattr(BulkOperationBuilder, method)))
    return client(tz_aware=True)


def _command(_: Any, command: str | dict[str, Any], *__: Any, **___: Any) -> dict[str, Any]:
    """Answer like a standalone server of version 7. The time is in milliseconds, as DocumentDB sends it."""
    name = command if isinstance(command, str) else next(iter(command))
    answers: dict[str, dict[str, Any]] = {
        "ping": {},
        "hello": {"isWritablePrimary": True, "maxWireVersion": 21, "localTime": int(time.time() * 1000)},
        "buildInfo": {"version": "7.0.0"},
        "connectionStatus": {"authInfo": {"authenticatedUsers": [], "authenticatedUserRoles": []}},
    }
    if name not in answers:
        raise NotImplementedError(name)
    return {**answers[name], "ok": 1.0}


def _without_sort(method: Callable[..., None]) -> Callable[..., None]:
    """Leave out the argument `sort`, which pymongo passes and mongomock 4.3.0 does not accept.

    A later version of mongomock will accept this argument.
    """

    def call(*args: Any, sort: Any = None, **options: Any) -> None:
        assert sort is None
        method(*args, **options)

    return call


def pytest_collection_finish() -> None:
    """Exclude all imported modules and collected tests from garbage collection, because that makes the tests faster."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _commands() -> Iterator[None]:
    """Build the commands of each group only once, because one process of the tests runs thousands of commands."""
    from cli import app

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "get_command", cache(app.get_command))
        yield


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with the smallest cost that bcrypt allows."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, without contexts and without environment variables that chatctl reads."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def chatctl(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, server_or_mock: str, name: str
) -> Iterator[Chatctl]:
    """Return a function that runs chatctl in this process: `chatctl("roles", "list", code=0)`.

    The function checks the exit code. With `code=None`, every exit code is right.
    """
    request.getfixturevalue("workspace")
    if server_or_mock == "mongomock":
        request.getfixturevalue("mock_client")
        monkeypatch.setenv("MONGODB_DATABASE_URL", f"mongodb://localhost/{name}")
    else:
        monkeypatch.setenv("MONGODB_DATABASE_URL", request.getfixturevalue("url"))

    yield typist(monkeypatch)
    connection.choose()


def typist(monkeypatch: pytest.MonkeyPatch) -> Chatctl:
    """Return the function of the fixture `chatctl`. Set the variables that name the database before you call it."""

    def run(
        *args: object,
        code: int | None = 0,
        input: str = "",  # noqa: A002
        env: dict[str, str] | None = None,
        together: bool = False,
    ) -> Result:
        with monkeypatch.context() as patch:
            for variable, value in (env or {}).items():
                patch.setenv(variable, value)
            result = _typed(args, input.encode(), patch, together=together)
        assert code in {result.code, None}, result
        return result

    return run


def _typed(args: tuple[object, ...], given: bytes, patch: pytest.MonkeyPatch, *, together: bool) -> Result:
    from cli.app import main

    streams = {name: _Stream(given if name == "stdin" else b"") for name in ("stdin", "stdout", "stderr")}
    if together:
        streams["stderr"] = streams["stdout"]
    for name, stream in streams.items():
        patch.setattr(sys, name, stream)
    patch.setattr(sys, "argv", ["chatctl", *map(str, args)])
    try:
        ended = main()
    except SystemExit as stop:
        ended = stop.code
    finally:
        connection.close()
    code = ended if isinstance(ended, int) else int(ended is not None)
    return Result(streams["stdout"].text(), streams["stderr"].text(), code)


class _Stream(io.TextIOWrapper):
    """A standard stream that is not a terminal."""

    def __init__(self, given: bytes) -> None:
        self.bytes = io.BytesIO(given)
        super().__init__(self.bytes, encoding="utf-8", newline="")

    def text(self) -> str:
        self.flush()
        return self.bytes.getvalue().decode()


@pytest.fixture(params=["mongomock", "server"])
def either(chatctl: Chatctl) -> Chatctl:
    """Return `chatctl`. A test with this fixture runs twice: with mongomock and with the server."""
    return chatctl
