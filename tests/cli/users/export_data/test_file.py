"""The zip file of `users export-data` is private, complete or absent, and can be written to a pipe."""

import json
import signal
import stat
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import PROGRAM, Process, Terminal
from tests.cli.users.export_data.conftest import Documents, People, message, unpacked
from tests.conftest import Chatctl


@pytest.mark.usefixtures("people")
def test_the_zip_and_its_files_are_private_and_have_the_same_time(chatctl: Chatctl, workspace: Path) -> None:
    said = chatctl("users", "export-data", "ada", "--to", "ada.zip")
    assert said == ("ada: 2 conversations, 3 messages, 1 linked sign-in, written to ada.zip\n", "", 0)
    assert stat.S_IMODE((workspace / "ada.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile("ada.zip") as archive:
        assert {info.external_attr >> 16 for info in archive.infolist()} == {stat.S_IFREG | 0o600}
        assert len({info.date_time for info in archive.infolist()}) == 1
    assert [path.name for path in workspace.iterdir()] == ["ada.zip"]


@pytest.mark.usefixtures("people")
def test_an_existing_file_is_kept_without_the_option_overwrite(chatctl: Chatctl, workspace: Path) -> None:
    (workspace / "ada.zip").write_text("old")
    chatctl("users", "export-data", "ada", "--to", "ada.zip", code=4)
    assert (workspace / "ada.zip").read_text() == "old"
    said = chatctl("users", "export-data", "ada", "--to", "ada.zip", "--overwrite", "-o", "json").stdout
    assert json.loads(said)["messages"] == 3
    assert "index.html" in unpacked()


def test_an_unknown_user_and_a_missing_file_name_are_errors(either: Chatctl, people: People, workspace: Path) -> None:
    del people
    assert either("users", "export-data", "ida", "--to", "ida.zip", code=3).stderr.startswith('error: no user "ida"')
    assert list(workspace.iterdir()) == []
    assert either("users", "export-data", "ada", code=2).stderr.startswith("error: missing option '--to'")


@pytest.mark.usefixtures("people")
def test_the_zip_can_be_written_to_a_pipe_or_appended_but_not_to_a_terminal(
    process: Process, terminal: Terminal, workspace: Path
) -> None:
    ended = process("users", "export-data", "ada", "--to", "-", line="| cat > piped.zip")
    assert (ended.returncode, ended.stderr) == (0, b"ada: 2 conversations, 3 messages, 1 linked sign-in\n")
    process("users", "export-data", "ada", "--to", "-", line=">> appended.zip")
    assert unpacked(workspace / "piped.zip").keys() == unpacked(workspace / "appended.zip").keys()
    screen = terminal("users", "export-data", "ada", "--to", "-", env={"NO_COLOR": "1"})
    assert (screen.code, screen.text.splitlines()[0]) == (2, "error: cannot write a zip to the terminal")
    assert process("users", "export-data", "ada", "--to", "-", line="| true").returncode == 141
    full = process("users", "export-data", "ada", "--to", "-", line="> /dev/full")
    said = b"error: the output could not be written: no space left on device\n"
    assert (full.returncode, full.stderr) == (74, said)


@pytest.mark.parametrize("ending", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_export_leaves_no_file(
    people: People, database: Documents, environment: dict[str, str], workspace: Path, ending: tuple[int, int]
) -> None:
    number, code = ending
    database["Message"].insert_many([message(people.ada, people.group, minute, body="x") for minute in range(5_000)])
    command = [PROGRAM, "users", "export-data", "ada", "--to", "ada.zip"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as child:  # noqa: S603
        while not list(workspace.iterdir()):
            assert child.poll() is None
            time.sleep(0.01)
        time.sleep(0.1)  # reading the messages takes a second
        child.send_signal(number)
    assert (child.returncode, list(workspace.iterdir())) == (code, [])
