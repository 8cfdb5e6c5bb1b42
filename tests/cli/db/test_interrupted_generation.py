"""An interrupted generation leaves complete batches."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from embedded import kill
from people import links
from pymongo.database import Database

from actions.database.checking import check
from database import connection
from tests.cli.conftest import PROGRAM, Process
from tests.conftest import Chatctl, start_server

Documents = Database[dict[str, Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server only for this module, because killed programs may leave open transactions on it."""
    process, address = start_server(tmp_path_factory.mktemp("server"))
    yield f"mongodb://{address}/"
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def server_client(server: str) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    with pymongo.MongoClient(server, tz_aware=True, uuidRepresentation="standard") as client:
        yield client


@pytest.mark.parametrize("ended", [signal.SIGINT, signal.SIGKILL])
def test_the_data_is_consistent_whenever_the_command_is_killed(
    chatctl: Chatctl, environment: dict[str, str], database: Documents, ended: signal.Signals
) -> None:
    command = [PROGRAM, "db", "generate", "--yes", "--users", "500", "--conversations", "200", "--messages", "9000"]
    child = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)  # noqa: S603
    while database["Message"].estimated_document_count() < 1000 and child.poll() is None:
        time.sleep(0.01)
    child.send_signal(ended)
    child.communicate()
    assert child.returncode == (130 if ended == signal.SIGINT else -9)
    database.client.admin.command("killAllSessions", [])
    assert 0 < database["Message"].count_documents({}) < 9000
    links(database)
    found = {row["rule"] for row in check()}
    connection.close()
    assert found <= {"missing-index"}
    chatctl(*map(str, command[1:]), "--seed", "2", code=7)
    finished = chatctl(*map(str, command[1:]))
    assert "This continues an interrupted command." in finished.stderr
    assert database["User"].count_documents({}) == 500
    assert database["Message"].count_documents({}) == 9000
    links(database)
    chatctl("db", "check", "--rule", "stale-last-message", "--rule", "dangling-link")
    chatctl(*map(str, command[1:]), code=7)


def test_the_embedded_database_accepts_several_seeds_but_each_only_once(process: Process, workspace: Path) -> None:
    folder = workspace / "embedded"
    local = {"CHATCTL_LOCAL_DIR": str(folder), "MONGODB_DATABASE_URL": ""}
    line = ("--local", "db", "generate", "--yes", "--users", "5", "--conversations", "3", "--messages", "9", "--seed")
    try:
        assert process("--local", "seeds", "apply", "--yes", env=local).returncode == 0
        assert [process(*line, seed, env=local).returncode for seed in ("1", "2", "1")] == [0, 0, 4]
        assert process("--local", "db", "check", env=local).stdout == b""
        shown = process("--local", "users", "list", "--role", "admin", "--count", env=local)
        assert shown.stdout == b"2\n"
    finally:
        kill(folder)
