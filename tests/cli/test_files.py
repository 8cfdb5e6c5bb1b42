"""Files that chatctl writes are private and complete, and replace no other file."""

import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest

from cli.output import files, write_file
from cli.output.files import PREFIX
from database.errors import ConflictError, NotFoundError, OutputError, RefusedError, UsageError


def test_a_file_is_private_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_file("héllo\n", str(tmp_path / "out.yaml"))
    assert (tmp_path / "out.yaml").read_text("utf-8") == "héllo\n"
    assert stat.S_IMODE((tmp_path / "out.yaml").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["out.yaml"]


def test_an_existing_file_is_kept_without_the_option_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(ConflictError, match="already exists"):
        write_file("new", str(path))
    assert path.read_text() == "old"
    write_file("new", str(path), overwrite=True)
    assert path.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_symbolic_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with pytest.raises(ConflictError):
        write_file("new", str(link))
    write_file("new", str(link), overwrite=True)
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("old", "new", False)


def test_a_dangling_symbolic_link_is_not_followed_either(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConflictError):
        write_file("new", str(tmp_path / "link"))
    assert not (tmp_path / "nowhere").exists()


def test_a_pipe_is_written_directly(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_file("through", str(pipe))
    reader.join()
    assert read == ["through"]


def test_a_device_is_written_directly_and_a_full_one_is_an_error() -> None:
    write_file("x", "/dev/null")
    with pytest.raises(OutputError, match="/dev/full could not be written: no space left on device"):
        write_file("x", "/dev/full")


def test_a_file_opened_by_the_caller_is_written_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as opened:
        opened.write("before\n")
        opened.flush()
        write_file("in it\n", f"/dev/fd/{opened.fileno()}", overwrite=True)
    assert path.read_text() == "before\nin it\n"
    with pytest.raises(OutputError, match="/dev/fd/999999 could not be written: bad file descriptor"):
        write_file("x", "/dev/fd/999999")


def test_a_folder_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        write_file("x", str(tmp_path))
    with pytest.raises(UsageError, match="is a folder"):
        write_file("x", f"{tmp_path}/new/")
    with pytest.raises(UsageError, match="is a folder"):
        write_file("x", "")
    with pytest.raises(NotFoundError, match="folder not found"):
        write_file("x", str(tmp_path / "a" / "b"))
    with pytest.raises(OutputError, match="file name too long"):
        write_file("x", str(tmp_path / ("x" * 300)))


@pytest.fixture
def other_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run as a user who does not own the files of the test."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(files, "ROOT", -1)


@pytest.mark.usefixtures("other_user")
@pytest.mark.parametrize("way", ["itself", "a link"])
def test_a_pipe_of_another_user_is_refused_without_waiting(tmp_path: Path, way: str) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    with pytest.raises(RefusedError, match="belongs to another user") as refused:
        write_file("secret", str(pipe if way == "itself" else link), overwrite=True)
    assert refused.value.hint == "use a file in your own folder, or write to standard output: --to -"


def test_a_file_that_replaced_a_pipe_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, kept, opening = tmp_path / "pipe", tmp_path / "kept", os.open
    os.mkfifo(pipe)
    kept.write_text("theirs")
    monkeypatch.setattr(os, "open", lambda path, flags: opening(kept if path == pipe else path, flags))
    with pytest.raises(RefusedError):
        write_file("secret", str(pipe))
    assert kept.read_text() == "theirs"


@pytest.mark.parametrize("nowhere", ["/dev/null", "/dev/../dev/null"])
def test_a_device_of_the_machine_is_written(nowhere: str) -> None:
    write_file("x", nowhere)


KILLED = """
import sys
from cli.output.files import opened
with opened(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    sys.stdin.read()
"""


def writer(to: Path) -> "subprocess.Popen[bytes]":
    """Yield a function that starts a process. The process writes half of a file, and then waits."""
    command = [sys.executable, "-c", KILLED, str(to)]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
    assert running.stdout is not None
    assert running.stdout.readline() == b"begun\n"
    return running


def test_files_left_by_a_killed_run_are_removed_by_the_next_run(tmp_path: Path) -> None:
    with writer(tmp_path / "big.csv") as running:
        running.kill()
    assert [path.name[: len(PREFIX)] for path in tmp_path.iterdir()] == [PREFIX]
    write_file("whole", str(tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_that_another_run_still_writes_is_kept(tmp_path: Path) -> None:
    with writer(tmp_path / "big.csv") as running:
        write_file("whole", str(tmp_path / "out"))
        assert len(list(tmp_path.iterdir())) == 2
        running.communicate()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.csv", "out"]
    assert (tmp_path / "big.csv").read_bytes() == b"half"


@pytest.mark.usefixtures("other_user")
def test_temporary_files_of_another_user_are_kept(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}abcd1234").write_text("theirs")
    write_file("x", str(tmp_path / "out"))
    assert (tmp_path / f"{PREFIX}abcd1234").read_text() == "theirs"


def test_only_temporary_files_of_chatctl_are_removed_and_no_link_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / f"{PREFIX}elsewher").write_text("kept")
    (folder / f"{PREFIX}linked00").symlink_to(tmp_path / f"{PREFIX}elsewher")
    os.mkfifo(folder / f"{PREFIX}piped000")
    (folder / f"{PREFIX}folder00").mkdir()
    for name in (".chatctl-notes.txt", ".chatctl-ABCD1234", "chatctl-abcd1234", ".chatctl-abcd12345"):
        (folder / name).write_text("kept")
    before = set(folder.iterdir())
    (folder / f"{PREFIX}abcd_123").write_text("left")
    write_file("x", str(folder / "out"))
    assert set(folder.iterdir()) == before | {folder / "out"}
    assert (tmp_path / f"{PREFIX}elsewher").read_text() == "kept"


def test_runs_that_start_together_keep_each_others_files(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_file(f"{number}", str(tmp_path / f"{number}")), range(400)))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(map(str, range(400)))


def test_a_file_can_be_written_into_a_folder_that_cannot_be_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> NoReturn:
        raise PermissionError

    monkeypatch.setattr(os, "scandir", refuse)
    write_file("x", str(tmp_path / "out"))
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
