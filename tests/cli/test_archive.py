"""Zip files are written from the first to the last byte in order, so chatctl can write a zip file to a pipe."""

import hashlib
import io
import zipfile
from datetime import UTC, datetime

import pytest

from cli.output.archive import Archive


@pytest.mark.parametrize("huge", [False, True])
def test_a_zip_has_the_written_files_and_lists_them(huge: bool) -> None:
    file = io.BytesIO(b"before")
    file.seek(0, io.SEEK_END)
    with Archive(file, datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)) as archive:
        with archive.entry("a.txt", huge=huge, records=2) as write:
            write("é\n")
            write("x" * 100_000)
        with archive.entry("b.txt") as write:
            write("\ud800")
    text = f"é\n{'x' * 100_000}".encode()
    described = {"name": "a.txt", "records": 2, "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    assert archive.written[0] == described
    with zipfile.ZipFile(file) as read:
        assert (read.read("a.txt"), read.read("b.txt")) == (text, b"\\ud800")
        assert {info.date_time for info in read.infolist()} == {(2026, 1, 2, 3, 4, 6)}
