"""When the embedded server stops by itself, and how a user can stop the server."""

import os
import signal
import time
from pathlib import Path

import pytest
from embedded import eventually, is_free, is_serving, names, server_pid, use, watcher_pid

from database import connection, local
from database.local import files


def test_db_stop_returns_after_the_server_has_ended(folder: Path) -> None:
    assert not local.stop()
    use()
    connection.close()
    assert local.stop()
    assert files.holder(folder / files.SERVER) is None
    assert is_free(folder / files.WATCHER)
    assert local.status() is None
    assert not local.stop()


def test_db_stop_ends_the_server_even_while_a_command_uses_it(folder: Path) -> None:
    use()
    assert local.stop()
    assert files.holder(folder / files.SERVER) is None


@pytest.mark.usefixtures("folder")
def test_a_command_after_a_stop_finds_everything() -> None:
    use()["Role"].insert_one({"name": "support"})
    local.stop()
    assert names() == ["support"]


def test_the_server_ends_if_no_command_has_used_it_for_a_while(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "IDLE_SECONDS", 0.5)
    use()
    time.sleep(1.5)
    assert server_pid(folder), "a command at work keeps it"
    connection.close()
    eventually(lambda: is_free(folder / files.WATCHER))
    assert local.status() is None


def test_every_command_restarts_the_idle_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "IDLE_SECONDS", 2.0)
    pids = set()
    for _ in range(6):
        use()
        connection.close()
        pids.add(server_pid(folder))
        time.sleep(0.8)
    assert len(pids) == 1


def test_a_command_does_not_wait_for_a_server_that_is_ending(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "IDLE_SECONDS", 1.0)
    use()["Role"].insert_one({"name": "support"})
    first = server_pid(folder)
    connection.close()
    os.kill(first, signal.SIGSTOP)  # a paused server never stops by itself
    eventually(lambda: not (folder / files.STATE).exists())
    time.sleep(0.1)
    started = time.monotonic()
    assert names() == ["support"]
    assert time.monotonic() - started < 5
    assert server_pid(folder) != first


def test_a_server_that_hangs_can_be_stopped(folder: Path) -> None:
    use()
    connection.close()
    os.kill(watcher_pid(folder), signal.SIGKILL)
    os.kill(server_pid(folder), signal.SIGSTOP)
    assert local.stop()
    assert files.holder(folder / files.SERVER) is None


def test_a_folder_that_was_deleted_ends_its_server(folder: Path) -> None:
    use()
    pid = server_pid(folder)
    connection.close()
    folder.rename(folder.with_name("away"))
    eventually(lambda: not is_serving(pid))
