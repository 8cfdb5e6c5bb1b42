"""Files that chatctl writes."""

import os
import stat
import threading
from pathlib import Path

import pytest

from cli.output import write_file
from models.errors import ConflictError, NotFoundError, OutputError, UsageError


def test_a_file_is_private_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_file("héllo\n", str(tmp_path / "out.yaml"))
    assert (tmp_path / "out.yaml").read_text("utf-8") == "héllo\n"
    assert stat.S_IMODE((tmp_path / "out.yaml").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["out.yaml"]


def test_a_file_that_exists_stays_unless_it_may_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")
    with pytest.raises(ConflictError, match="exists already"):
        write_file("new", str(path))
    assert path.read_text() == "old"
    write_file("new", str(path), overwrite=True)
    assert path.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with pytest.raises(ConflictError):
        write_file("new", str(link))
    write_file("new", str(link), overwrite=True)
    assert (target.read_text(), link.read_text(), link.is_symlink()) == ("old", "new", False)


def test_a_link_to_nowhere_is_not_followed_either(tmp_path: Path) -> None:
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


def test_what_the_caller_has_opened_is_written_where_it_stands_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as opened:
        opened.write("before\n")
        opened.flush()
        write_file("in it\n", f"/dev/fd/{opened.fileno()}", overwrite=True)
    assert path.read_text() == "before\nin it\n"
    with pytest.raises(OutputError, match="/dev/fd/999999 could not be written: bad file descriptor"):
        write_file("x", "/dev/fd/999999")


def test_a_folder_and_a_missing_one_are_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names a folder"):
        write_file("x", str(tmp_path))
    with pytest.raises(UsageError, match="names a folder"):
        write_file("x", f"{tmp_path}/new/")
    with pytest.raises(UsageError, match="names a folder"):
        write_file("x", "")
    with pytest.raises(NotFoundError, match="there is no folder"):
        write_file("x", str(tmp_path / "a" / "b"))
    with pytest.raises(OutputError, match="file name too long"):
        write_file("x", str(tmp_path / ("x" * 300)))
