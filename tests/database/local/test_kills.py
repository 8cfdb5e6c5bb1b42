"""The embedded database after a command, the watcher process or the server was killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pymongo
import pytest
from embedded import INSERT, command, eventually, is_free, kill, names, server_pid, use, watcher_pid
from pymongo.client_session import ClientSession

from changes import transactions
from database import connection, local
from database.errors import NotAllowedError, NotConfiguredError, UnreachableError
from database.local import files


@pytest.mark.usefixtures("folder")
def test_a_killed_server_loses_no_confirmed_write() -> None:
    roles = use()["Role"]
    acknowledged: list[int] = []

    def insert() -> None:
        with suppress(pymongo.errors.PyMongoError):
            while True:
                roles.insert_one({"name": str(len(acknowledged))})
                acknowledged.append(len(acknowledged))

    writing = threading.Thread(target=insert)
    writing.start()
    time.sleep(0.5)
    status = local.status()
    assert status is not None
    os.kill(int(str(status["pid"])), signal.SIGKILL)
    writing.join()
    assert len(acknowledged) > 10
    assert set(map(str, acknowledged)) <= set(names())


def test_closing_the_connection_does_not_wait_for_a_killed_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MILLISECONDS_TO_FIND_A_SERVER", 20_000)
    use()["Role"].find_one()
    os.kill(server_pid(folder), signal.SIGKILL)
    eventually(lambda: files.holder(folder / files.SERVER) is None)
    began = time.monotonic()
    connection.close()
    assert time.monotonic() - began < 10


def test_a_killed_watcher_is_replaced_and_its_server_continues_to_run(folder: Path) -> None:
    use()
    server, watcher = server_pid(folder), watcher_pid(folder)
    os.kill(watcher, signal.SIGKILL)
    eventually(lambda: is_free(folder / files.WATCHER))
    use()
    assert server_pid(folder) == server
    assert watcher_pid(folder) not in {0, watcher}
    connection.close()
    assert local.stop()
    assert files.holder(folder / files.SERVER) is None


def test_db_stop_ends_a_server_whose_watcher_was_killed(folder: Path) -> None:
    use()
    os.kill(watcher_pid(folder), signal.SIGKILL)
    eventually(lambda: is_free(folder / files.WATCHER))
    assert local.stop()
    assert files.holder(folder / files.SERVER) is None


def test_a_terminated_watcher_stops_its_server(folder: Path) -> None:
    use()
    os.kill(watcher_pid(folder), signal.SIGTERM)
    eventually(lambda: files.holder(folder / files.SERVER) is None)


@pytest.mark.parametrize("seconds", [0.1, 0.4, 0.7, 1.0, 1.3])
def test_a_first_set_up_that_was_killed_is_done_again(folder: Path, seconds: float) -> None:
    process = command("first")
    time.sleep(seconds)
    process.kill()
    process.communicate()
    if folder.is_dir():
        kill(folder)
    use()["Role"].insert_one({"name": "second"})
    assert set(names()) in ({"second"}, {"first", "second"})


def test_other_commands_can_use_the_server_after_a_command_is_killed(folder: Path) -> None:
    use()["Role"].insert_one({"name": "support"})
    process = command("admin", INSERT.replace("connection.close()", "input()"), stdin=subprocess.PIPE)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.communicate()
    assert pid == server_pid(folder)
    assert names() == ["admin", "support"]


def test_data_without_their_password_are_never_deleted(folder: Path) -> None:
    use()["Role"].insert_one({"name": "support"})
    local.stop()
    (folder / files.CREDENTIALS).rename(folder / "kept")
    with pytest.raises(NotAllowedError, match=f"missing or damaged: {folder / files.CREDENTIALS}"):
        use()
    (folder / "kept").rename(folder / files.CREDENTIALS)
    assert names() == ["support"]


@pytest.mark.usefixtures("folder")
def test_a_missing_server_program_is_reported_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(NotConfiguredError) as caught:
        use()
    assert "uv tool install '.[local]'" in str(caught.value.hint)


def test_the_error_after_the_server_was_killed_says_what_to_do(folder: Path) -> None:
    roles = use()["Role"]
    os.kill(server_pid(folder), signal.SIGKILL)
    with pytest.raises(pymongo.errors.PyMongoError) as caught:
        roles.insert_one({})
    connection.close()  # a command also closes the connection before it reports an error
    known = connection.explain(caught.value)
    assert isinstance(known, UnreachableError)
    assert "run the command again" in str(known.hint)
    assert known.message == "the embedded server stopped while the command ran"


def test_a_server_that_died_during_a_commit_is_reported_with_a_hint_to_the_audit_trail(folder: Path) -> None:
    database = use()
    database["Role"].insert_one({"name": "support"})

    def work(session: ClientSession | None) -> None:
        database["Role"].insert_one({"name": "admin"}, session=session)
        os.kill(server_pid(folder), signal.SIGKILL)

    with pytest.raises(UnreachableError) as caught:
        transactions.run(database, work, lambda: None)
    assert caught.value.message == "the embedded server stopped while the command ran"
    assert "check chatctl --local audit list" in str(caught.value.hint)


def test_db_stop_ends_a_server_that_does_not_answer(folder: Path) -> None:
    roles = use()["Role"]
    os.kill(server_pid(folder), signal.SIGSTOP)
    with pytest.raises(pymongo.errors.PyMongoError) as caught:
        roles.find_one()
    known = connection.explain(caught.value)
    assert isinstance(known, UnreachableError)
    assert known.message == "the embedded server does not answer"
    assert known.hint == "stop it with chatctl --local db stop, then run the command again"
    assert local.stop()
