"""Private files are written completely or not at all."""

import errno
import os
import stat
from pathlib import Path
from typing import NoReturn

import pytest

from database import private_files


def test_after_a_full_disk_only_the_old_file_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    private_files.write(path, b"old")

    def full(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            private_files.write(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_left_by_a_killed_run_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.with_suffix(".new").write_bytes(b"half")
    private_files.write(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
