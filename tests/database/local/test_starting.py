"""Commands start and share the embedded server, and other users of the machine cannot use this server."""

import json
import os
import stat
import subprocess
import threading
from pathlib import Path
from typing import Any

import pymongo
import pytest
from embedded import command, eventually, names, server_pid, use, watcher_pid
from pymongo.errors import OperationFailure

from database import connection, local
from database.errors import NotAllowedError
from database.local import files


def test_the_first_command_starts_the_server_and_the_next_uses_the_same(folder: Path) -> None:
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
    output, _ = process.communicate(timeout=30)  # the server keeps running, but standard output ends
    assert int(output) == server_pid(folder)
    assert os.read(read, 1) == b""  # the server has inherited no other file either
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
        password = json.loads((folder / files.CREDENTIALS).read_text())["password"]
        assert os.fsencode(password) not in (process / "cmdline").read_bytes()


def test_everything_in_the_folder_is_private_to_the_user(folder: Path) -> None:
    use()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = [path for path in folder.iterdir() if path.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in found} == {0o600}
    assert stat.S_IMODE((folder / files.DATA).stat().st_mode) == 0o700


def test_the_server_listens_only_on_loopback_and_requires_a_sign_in(folder: Path) -> None:
    use()
    running = files.running(folder)
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
    with pytest.raises(NotAllowedError, match="is a symbolic link"):
        use()


def test_a_folder_of_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(mode=0o700)
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        with pytest.raises(NotAllowedError, match="belongs to another user"):
            use()


def test_a_folder_that_cannot_be_created_is_refused(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(NotAllowedError, match="file exists"):
        use()


def test_without_a_home_folder_the_hint_names_the_variable_for_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> None:
        raise KeyError

    for variable in ("HOME", "XDG_DATA_HOME", "CHATCTL_LOCAL_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    with pytest.raises(NotAllowedError, match="your system user has no folder for the embedded database") as refused:
        files.chosen()
    assert refused.value.hint == "choose another folder with CHATCTL_LOCAL_DIR"


def test_a_folder_that_cannot_be_written_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / files.USE).symlink_to("elsewhere")
    with pytest.raises(NotAllowedError, match=r"cannot use .*/use\.lock: it is a symbolic link"):
        use()


def test_commands_that_take_turns_wait_for_each_other_and_say_so(folder: Path) -> None:
    use()
    waited: list[str] = []
    with local.turn(lambda: waited.append("first")):
        other = threading.Thread(target=_turn, args=[waited])
        other.start()
        eventually(lambda: waited == ["second"])
        assert other.is_alive()
    other.join(10)
    assert waited == ["second", "done"]


def _turn(waited: list[str]) -> None:
    with local.turn(lambda: waited.append("second")):
        waited.append("done")
