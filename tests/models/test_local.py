"""The embedded database, with real processes: who starts it, who ends it, and what a kill leaves behind."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.database import Database
from pymongo.errors import OperationFailure

from models import connection, local
from models.errors import NotAllowedError, NotConfiguredError, UnreachableError
from models.local import folder as at

INSERT = """
import sys
from models import connection, local
connection.choose(local=True)
connection.database()["Role"].insert_one({"name": sys.argv[1]})
print(local.status()["pid"])
connection.close()
"""


@pytest.fixture
def folder(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = workspace / "embedded"
    monkeypatch.setenv("CHATCTL_LOCAL_DIR", str(folder))
    monkeypatch.setattr(connection, "MILLISECONDS_TO_FIND_A_SERVER", 500)
    connection.choose(local=True)
    yield folder
    connection.choose()
    if folder.is_dir():
        kill(folder)


def use() -> Database[dict[str, Any]]:
    """Connect as a command that starts now does."""
    connection.close()
    return connection.database()


def names() -> list[str]:
    return sorted(document["name"] for document in use()["Role"].find())


def command(name: str, script: str = INSERT, **options: Any) -> "subprocess.Popen[str]":
    """Start a command in a process of its own; it inserts a role and prints the server's pid."""
    return subprocess.Popen([sys.executable, "-c", script, name], stdout=subprocess.PIPE, text=True, **options)  # noqa: S603


def eventually(holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_free(lock: Path) -> bool:
    with at.opened(lock) as opened:
        return at.take(opened)


def server_pid(folder: Path) -> int:
    return at.holder(folder / at.SERVER) or 0


def is_serving(pid: int) -> bool:
    """Tell a process from none, and from one that is over and that nobody has asked about."""
    try:
        return b"secantusd-py" in Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return False


def watcher_pid(folder: Path) -> int:
    """Find the watcher among the processes by the folder it was given."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"models.local.watcher" in said and os.fsencode(folder) in said:
            return int(process.name)
    return 0


def kill(folder: Path) -> None:
    """Kill whatever serves the folder, in the order that leaves nobody to start anew."""
    while pid := watcher_pid(folder):
        os.kill(pid, signal.SIGKILL)
        eventually(lambda pid=pid: watcher_pid(folder) != pid)
    while (pid := at.holder(folder / at.SERVER)) is not None:
        if pid:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


# Starting and sharing


def test_the_first_command_starts_it_and_the_next_shares_it(folder: Path) -> None:
    use()["Role"].insert_one({"name": "support"})
    first = local.status()
    assert names() == ["support"]
    assert local.status() == first
    assert first is not None
    assert first["pid"] == server_pid(folder)
    assert first["folder"] == str(folder)
    assert connection.transactions()


def test_many_commands_on_a_fresh_folder_share_one_server(folder: Path) -> None:
    commands = [command(str(number)) for number in range(8)]
    pids = {process.communicate(timeout=60)[0] for process in commands}
    assert len(pids) == 1
    assert names() == sorted(map(str, range(8)))


def test_a_command_in_a_pipe_ends_when_it_is_done(folder: Path) -> None:
    read, write = os.pipe()
    process = command("support", pass_fds=(write,), stderr=subprocess.STDOUT)
    os.close(write)
    output, _ = process.communicate(timeout=30)  # the end of stdout, while the server lives on
    assert int(output) == server_pid(folder)
    assert os.read(read, 1) == b""  # nor did it inherit any other file
    os.close(read)


def test_the_server_is_cut_off_from_the_terminal_and_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGODB_DATABASE_URL", "mongodb://ada:s3cr3t@h/db")
    use()
    for pid in (server_pid(folder), watcher_pid(folder)):
        process = Path("/proc", str(pid))
        assert os.getsid(pid) != os.getsid(0)
        assert b"MONGODB" not in (process / "environ").read_bytes()
        assert (process / "cwd").resolve() == folder.resolve()
        password = json.loads((folder / at.CREDENTIALS).read_text())["password"]
        assert os.fsencode(password) not in (process / "cmdline").read_bytes()


# Nobody else


def test_everything_in_the_folder_is_the_users_own(folder: Path) -> None:
    use()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [path for path in folder.iterdir() if path.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((folder / at.DATA).stat().st_mode) == 0o700


def test_it_listens_on_loopback_alone_and_wants_a_sign_in(folder: Path) -> None:
    use()
    running = at.running(folder)
    assert running is not None
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if line.split()[3] == "0A"]
    assert [address.split(":")[0] for address in listening if address.endswith(f":{running.port:04X}")] == ["0100007F"]
    with (
        pymongo.MongoClient[dict[str, Any]]("127.0.0.1", running.port) as client,
        pytest.raises(OperationFailure, match="requires authentication"),
    ):
        client["chatctl"]["Role"].find_one()


def test_a_folder_that_others_may_read_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    with pytest.raises(NotAllowedError) as caught:
        use()
    assert caught.value.hint == f"chmod 700 {folder}"


def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotAllowedError, match="is a link"):
        use()


def test_a_folder_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(NotAllowedError, match="belongs to another user"):
        use()


def test_a_folder_that_cannot_be_made_is_refused(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(NotAllowedError, match="file exists"):
        use()


def test_a_folder_that_cannot_be_written_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / at.USE).symlink_to("elsewhere")
    with pytest.raises(NotAllowedError, match="cannot write"):
        use()


# Ending


def test_stop_ends_it_and_returns_when_it_is_gone(folder: Path) -> None:
    assert not local.stop()
    use()
    connection.close()
    assert local.stop()
    assert at.holder(folder / at.SERVER) is None
    assert is_free(folder / at.WATCHER)
    assert local.status() is None
    assert not local.stop()


def test_stop_ends_it_under_a_command_that_uses_it(folder: Path) -> None:
    use()
    assert local.stop()
    assert at.holder(folder / at.SERVER) is None


@pytest.mark.usefixtures("folder")
def test_a_command_after_a_stop_finds_everything() -> None:
    use()["Role"].insert_one({"name": "support"})
    local.stop()
    assert names() == ["support"]


def test_it_ends_by_itself_when_nobody_has_used_it_for_a_while(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "IDLE_SECONDS", 0.5)
    use()
    time.sleep(1.5)
    assert server_pid(folder), "a command at work keeps it"
    connection.close()
    eventually(lambda: is_free(folder / at.WATCHER))
    assert local.status() is None


def test_every_command_starts_the_while_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    os.kill(first, signal.SIGSTOP)  # it would never end by itself
    eventually(lambda: not (folder / at.STATE).exists())
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
    assert at.holder(folder / at.SERVER) is None


def test_a_folder_that_was_deleted_ends_its_server(folder: Path) -> None:
    use()
    pid = server_pid(folder)
    connection.close()
    folder.rename(folder.with_name("away"))
    eventually(lambda: not is_serving(pid))


# Killed


@pytest.mark.usefixtures("folder")
def test_a_killed_server_loses_nothing_acknowledged() -> None:
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


def test_a_killed_watcher_is_replaced_and_its_server_kept(folder: Path) -> None:
    use()
    server, watcher = server_pid(folder), watcher_pid(folder)
    os.kill(watcher, signal.SIGKILL)
    eventually(lambda: is_free(folder / at.WATCHER))
    use()
    assert server_pid(folder) == server
    assert watcher_pid(folder) not in {0, watcher}
    connection.close()
    assert local.stop()
    assert at.holder(folder / at.SERVER) is None


def test_stop_ends_a_server_whose_watcher_was_killed(folder: Path) -> None:
    use()
    os.kill(watcher_pid(folder), signal.SIGKILL)
    eventually(lambda: is_free(folder / at.WATCHER))
    assert local.stop()
    assert at.holder(folder / at.SERVER) is None


def test_a_terminated_watcher_takes_the_server_with_it(folder: Path) -> None:
    use()
    os.kill(watcher_pid(folder), signal.SIGTERM)
    eventually(lambda: at.holder(folder / at.SERVER) is None)


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


def test_a_killed_command_leaves_the_server_to_the_others(folder: Path) -> None:
    use()["Role"].insert_one({"name": "support"})
    process = command("admin", INSERT.replace("connection.close()", "input()"), stdin=subprocess.PIPE)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.communicate()
    assert pid == server_pid(folder)
    assert names() == ["admin", "support"]


def test_a_store_that_lost_its_password_is_never_thrown_away(folder: Path) -> None:
    use()["Role"].insert_one({"name": "support"})
    local.stop()
    (folder / at.CREDENTIALS).rename(folder / "kept")
    with pytest.raises(UnreachableError) as caught:
        use()
    assert str(folder / at.LOG) in str(caught.value.hint)
    (folder / "kept").rename(folder / at.CREDENTIALS)
    assert names() == ["support"]


@pytest.mark.usefixtures("folder")
def test_a_missing_server_program_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(NotConfiguredError) as caught:
        use()
    assert "chatctl[local]" in str(caught.value.hint)


def test_a_server_that_went_away_is_explained(folder: Path) -> None:
    roles = use()["Role"]
    os.kill(server_pid(folder), signal.SIGKILL)
    with pytest.raises(pymongo.errors.PyMongoError) as caught:
        roles.insert_one({})
    known = connection.explain(caught.value)
    assert isinstance(known, UnreachableError)
    assert known.message == "the embedded server has gone away"
