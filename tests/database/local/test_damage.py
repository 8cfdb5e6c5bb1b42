"""A folder whose files are damaged, of a wrong kind or owned by another user, and a full disk."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from embedded import eventually, names, server_pid, use
from pymongo.errors import OperationFailure

from database import connection, local
from database.errors import AuthFailedError, NotAllowedError, ServerFailedError
from database.local import files

Damage = Callable[[Path], object]


def directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def link(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/etc/passwd")


def written(data: bytes) -> Damage:
    return lambda path: path.write_bytes(data)


IN_THE_WAY = {"directory": directory, "pipe": pipe, "link": link}
GARBAGE = {
    "empty": b"",
    "cut": b'{"user": "chatctl-0123", "passw',
    "bytes": b"\xff\x00\xfe" * 99,
    "null": b"null",
    "list": b"[]",
    "deep": b"[" * 9_000,
    "numbers": b'{"user": 1, "password": 2, "pid": "x", "port": [], "since": 3}',
    "a URL": b'{"user": "x@127.0.0.2/", "password": "?a=b"}',
}
damage = pytest.mark.parametrize(
    "damage", [*IN_THE_WAY.values(), *map(written, GARBAGE.values())], ids=[*IN_THE_WAY, *GARBAGE]
)
in_the_way = pytest.mark.parametrize("damage", IN_THE_WAY.values(), ids=IN_THE_WAY)


@pytest.fixture
def set_up(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that looks like the folder of a used database, but no server runs."""
    folder = workspace / "embedded"
    (folder / files.DATA).mkdir(mode=0o700, parents=True)
    folder.chmod(0o700)
    (folder / files.CREDENTIALS).write_text('{"user": "chatctl-0123", "password": "4567"}')
    monkeypatch.setenv("CHATCTL_LOCAL_DIR", str(folder))
    connection.choose(local=True)
    yield folder
    connection.choose()


def refused() -> NotAllowedError:
    """Run a command, which must fail soon. Return its error."""
    began = time.monotonic()
    with pytest.raises(NotAllowedError) as caught:
        use()
    assert time.monotonic() - began < 3
    return caught.value


@damage
def test_a_damaged_password_is_reported_with_a_hint(set_up: Path, damage: Damage) -> None:
    path = set_up / files.CREDENTIALS
    damage(path)
    error = refused()
    assert str(path) in error.message
    assert error.hint == f"restore {path} from a backup, or start with an empty database: mv {set_up} {set_up}.old"
    assert (set_up / files.DATA).is_dir()


@in_the_way
@pytest.mark.parametrize(
    "name",
    [
        files.USE,
        files.WATCHER,
        files.SERVER,
        files.STATE,
        files.LOG,
        files.STOP,
        files.UNFINISHED,
        files.CONFIG,
    ],
)
def test_a_folder_or_link_instead_of_a_file_is_reported_with_a_hint(set_up: Path, name: str, damage: Damage) -> None:
    path = set_up / name
    damage(path)
    error = refused()
    assert error.message.startswith(f"the embedded database cannot use {path}: ")
    assert error.hint == f"rm -r {path}"


def test_missing_data_is_not_replaced_by_an_empty_database(set_up: Path) -> None:
    (set_up / files.DATA).rmdir()
    error = refused()
    assert error.message == f"the data of the embedded database is missing: {set_up / files.DATA}"
    assert not (set_up / files.DATA).exists()


def test_data_with_a_saved_password_are_never_deleted(folder: Path) -> None:
    use()["Role"].insert_one({"name": "support"})
    local.stop()
    (folder / files.UNFINISHED).touch()
    assert names() == ["support"]
    eventually(lambda: not (folder / files.UNFINISHED).exists())


def test_a_file_of_another_user_is_reported_with_a_hint(set_up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", _of_another_user)
        error = refused()
    assert error.message == f"the embedded database cannot use {set_up / files.USE}: it belongs to another user"
    assert error.hint == f"sudo chown -R {os.geteuid()} {set_up}"


def _of_another_user(descriptor: int) -> os.stat_result:
    found = list(os.stat(descriptor))
    return os.stat_result([*found[:4], os.geteuid() + 1, *found[5:]])


@pytest.mark.parametrize("said", [b"", b"\xff\x00\xfe" * 99, b"1", b"null"], ids=["empty", "bytes", "half", "null"])
def test_a_damaged_announcement_of_the_server_is_written_again(folder: Path, said: bytes) -> None:
    use()["Role"].insert_one({"name": "support"})
    server = server_pid(folder)
    for name in (files.SERVER, files.STATE):
        (folder / name).write_bytes(said)
    began = time.monotonic()
    assert names() == ["support"]
    assert time.monotonic() - began < 3
    assert server_pid(folder) == server
    assert local.stop()


def test_a_server_that_does_not_start_is_reported_soon(folder: Path) -> None:
    use()
    local.stop()
    for path in (folder / files.DATA).iterdir():
        path.write_bytes(b"\xff" * path.stat().st_size)
    began = time.monotonic()
    with pytest.raises(ServerFailedError, match="does not start: its data may be damaged") as caught:
        use()
    assert time.monotonic() - began < 15
    assert f"restore {folder / files.DATA} from a backup" in str(caught.value.hint)


def test_a_password_that_does_not_match_the_data_is_reported(folder: Path) -> None:
    use()
    local.stop()
    (folder / files.CREDENTIALS).write_text(json.dumps({"user": "chatctl-0123", "password": "4567"}))
    with pytest.raises(OperationFailure) as caught:
        use()["Role"].find_one()
    connection.close()
    known = connection.explain(caught.value)
    assert type(known) is AuthFailedError
    assert known.message.endswith("does not match the data of the embedded database")


def test_a_full_disk_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1 << 30, 1 << 30, 1 << 20))
    use()
    known = connection.explain(OperationFailure("s3cr3t", 1))
    assert isinstance(known, ServerFailedError)
    assert known.message == f"the embedded database failed: the disk of {folder} has 1 MiB left"
    assert known.hint == "free some disk space, then run the command again"
