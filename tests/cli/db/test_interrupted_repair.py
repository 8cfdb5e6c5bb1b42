"""If a repair is interrupted, the next repair does the rest of the work."""

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from people import Documents, links
from planting import many, settle

from tests.cli.conftest import PROGRAM
from tests.conftest import Chatctl, start_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server only for this module, because ending a killed program's transactions affects all clients."""
    process, address = start_server(tmp_path_factory.mktemp("server"))
    yield f"mongodb://{address}/"
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def server_client(server: str) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    with pymongo.MongoClient(server, tz_aware=True, uuidRepresentation="standard") as client:
        yield client


def begin(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen([PROGRAM, "db", "repair", "--yes"], env=environment, stderr=subprocess.PIPE, text=True)  # noqa: S603


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_repair_is_finished_by_the_next_one(
    environment: dict[str, str], database: Documents, chatctl: Chatctl, how: signal.Signals
) -> None:
    settle(database)
    many(database, 1_100)
    child = begin(environment)
    while not database["chatctl_audit"].count_documents({"kind": "part"}) and child.poll() is None:
        time.sleep(0.01)
    time.sleep(random.random() / 2)  # noqa: S311
    child.send_signal(how)
    child.communicate()
    # end the transactions of the killed program now, and not after a minute
    database.client.admin.command("killAllSessions", [])
    for user in database["User"].find({"username": {"$regex": "^u"}}):
        assert len(user["rolesIds"]) == 1  # each batch is written completely or not at all
    chatctl("db", "repair", "--yes")
    assert chatctl("db", "check").stdout == ""
    links(database)
