"""After a signal, chatctl prints at most one line, has the right exit code, and leaves no process and no file."""

import array
import fcntl
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import pytest
from embedded import kill
from pymongo.database import Database

from actions.rules.passwords import RULE
from cli import signals
from database.errors import TerminatedError
from tests.cli.conftest import PROGRAM, Process, Terminal
from tests.conftest import Chatctl
from tests.people import person

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
MOMENTS = [0.004 * step for step in range(25)] + [0.1 + 0.025 * step for step in range(12)]
"""The seconds after which a signal is sent. Many of these times are at the start, while Python loads the program."""
SAID = {b"", b"error: interrupted\n", b"error: terminated\n"}


def ended(line: list[str], env: dict[str, str], number: int, moment: float) -> tuple[int, bytes]:
    with subprocess.Popen(  # noqa: S603
        [PROGRAM, *line], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as child:
        time.sleep(moment)
        child.send_signal(number)
        _, said = child.communicate()
    return child.returncode, said


def is_of_python_itself(said: bytes) -> bool:
    """Tell whether a message is from Python itself, which reads `.pth` files before it loads chatctl."""
    libraries = said.replace(b"site-packages/_virtualenv", b"")
    return b"KeyboardInterrupt" in said and b"/cli/" not in said and b"site-packages/" not in libraries


@pytest.fixture
def embedded(environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    folder = tmp_path / "local"
    yield environment | {"CHATCTL_LOCAL_DIR": str(folder)}
    if folder.is_dir():
        kill(folder)


@pytest.mark.parametrize(("number", "code"), SIGNALS)
@pytest.mark.parametrize("line", ["--help", "roles list --count", "--local db status"])
def test_a_signal_at_any_time_ends_the_program_without_a_traceback(
    embedded: dict[str, str], line: str, number: int, code: int
) -> None:
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda moment: ended(line.split(), embedded, number, moment), MOMENTS))
    ours = [(ending, said) for ending, said in results if not is_of_python_itself(said)]
    assert len(ours) > len(MOMENTS) / 2
    assert {ending for ending, _ in ours} <= {0, code, -number}
    assert {said for ending, said in ours if ending} <= SAID


def test_a_server_whose_first_start_was_interrupted_starts_the_next_time(embedded: dict[str, str]) -> None:
    for moment in (0.25, 0.4, 0.6, 0.8):
        ended(["--local", "roles", "create", "a"], embedded, signal.SIGINT, moment)
    line = [PROGRAM, "--local", "roles", "list", "--count"]
    done = subprocess.run(line, env=embedded, capture_output=True, check=True)  # noqa: S603
    assert done.stdout in {b"0\n", b"1\n"}


@pytest.mark.parametrize(("number", "kind"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, TerminatedError)])
def test_the_first_signal_cleans_up_and_the_second_ends_immediately(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, kind: type[BaseException]
) -> None:
    seen: list[int] = []
    monkeypatch.setitem(sys.modules, "cli.errors", None)  # a signal may come while this module is imported

    def work() -> None:
        with signals.ending():
            try:
                signal.raise_signal(number)
            finally:
                signal.raise_signal(number)

    before = {which: signal.signal(which, lambda got, _: seen.append(got)) for which, _ in SIGNALS}
    try:
        with pytest.raises(kind):
            work()
        signal.raise_signal(number)
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
    assert seen == [number, number]


def _unread(pipe: IO[bytes]) -> int:
    """Return the number of bytes in a pipe that its reader has not read yet."""
    answer = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, answer)
    return answer[0]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_while_standard_input_is_read_ends_the_program(
    environment: dict[str, str], number: int, code: int
) -> None:
    command = [PROGRAM, "roles", "delete", "-", "--yes"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as child:  # noqa: S603
        time.sleep(0.7)
        child.send_signal(number)
        assert child.stderr is not None
        assert child.stderr.read() == (b"error: interrupted\n" if code == 130 else b"error: terminated\n")
    assert child.returncode == code


def test_a_closed_terminal_leaves_no_partial_file(
    environment: dict[str, str], database: Database[dict[str, Any]], workspace: Path
) -> None:
    person(database, "ada")
    slow = {"failCommands": ["find"], "blockConnection": True, "blockTimeMS": 1_000}
    database.client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=slow)
    try:
        with subprocess.Popen([PROGRAM, "users", "export", "--to", "x.csv"], env=environment) as child:  # noqa: S603
            while not list(workspace.glob(".chatctl-*")):
                assert child.poll() is None
                time.sleep(0.01)
            child.send_signal(signal.SIGHUP)
    finally:
        database.client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert child.returncode == 143
    assert [path.name for path in workspace.iterdir()] == []


EXPORTS = ["users export", "conversations transcript Lunch", "users export-data ada"]


@pytest.mark.parametrize("line", EXPORTS)
def test_files_left_by_a_killed_export_are_removed_by_the_next_export(
    environment: dict[str, str], database: Database[dict[str, Any]], workspace: Path, line: str
) -> None:
    ada = person(database, "ada")
    database["Conversation"].insert_one({"name": "Lunch", "isGroup": True, "userIds": [ada]})
    command = [PROGRAM, *line.split(), "--to", "out.zip" if "data" in line else "out.csv"]
    slow = {"failCommands": ["find"], "blockConnection": True, "blockTimeMS": 1_000}
    database.client.admin.command("configureFailPoint", "failCommand", mode="alwaysOn", data=slow)
    try:
        with subprocess.Popen(command, env=environment) as child:  # noqa: S603
            while not list(workspace.glob(".chatctl-*")):
                assert child.poll() is None
                time.sleep(0.01)
            child.kill()
    finally:
        database.client.admin.command("configureFailPoint", "failCommand", mode="off")
    assert len(list(workspace.glob(".chatctl-*"))) == 1
    subprocess.run(command, env=environment, check=True, capture_output=True)  # noqa: S603
    assert [path.name for path in workspace.iterdir()] == [command[-1]]


def test_a_signal_that_the_parent_ignores_is_ignored(environment: dict[str, str]) -> None:
    before = {which: signal.signal(which, signal.SIG_IGN) for which, _ in SIGNALS}
    line = [PROGRAM, "roles", "list", "--count"]
    child = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE)  # noqa: S603
    for which, handler in before.items():
        signal.signal(which, handler)
    for number, _ in SIGNALS * 20:
        time.sleep(0.01)
        child.send_signal(number)
    assert child.communicate()[0] == b"0\n"
    assert child.returncode == 0


def test_an_interrupt_at_a_question_changes_nothing(chatctl: Chatctl, terminal: Terminal) -> None:
    chatctl("roles", "create", "a")
    screen = terminal("roles", "delete", "a", typed="\x03", env={"NO_COLOR": "1"})
    assert re.search(r"Delete role a\? \[y/N\] (\^C)+\nInterrupted. Nothing was changed.\n$", screen.text)
    assert (screen.code, screen.echo) == (130, True)
    assert chatctl("roles", "list", "--count").stdout == "1\n"


def test_typed_text_is_visible_again_after_an_interrupted_password(terminal: Terminal) -> None:
    line = ("users", "create", "--email", "a@example.org", "--username", "a")
    answers = {"Password: ": "correct horse battery\n", "Again: ": "\x03"}
    screen = terminal(*line, answers=answers, columns=200, env={"NO_COLOR": "1"})
    assert screen == (f"{RULE}\nPassword: \nAgain: \nInterrupted. Nothing was changed.\n", 130, True)


def test_a_program_that_cannot_start_prints_one_line(process: Process, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import nothing_of_the_kind")
    said = process("--version", env={"PYTHONPATH": str(tmp_path)})
    message = b"error: chatctl cannot start: ModuleNotFoundError: No module named 'nothing_of_the_kind'\n"
    assert (said.returncode, said.stderr) == (70, message)
    assert process("--version", "--debug", env={"PYTHONPATH": str(tmp_path)}).stderr.startswith(b"Traceback ")


def test_a_signal_that_python_would_ignore_ends_the_program() -> None:
    program = (
        "import cli.__main__ as entry, sys\n"
        "class Thrown:\n"
        "    def __del__(self): raise KeyboardInterrupt\n"
        "def main():\n"
        "    Thrown(); print('went on')\n"
        "import cli.app; cli.app.main = main\n"
        "entry.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_no_file_gets_the_number_of_a_closed_stream(process: Process, embedded: dict[str, str]) -> None:
    assert process("--local", "roles", "create", "a", line="<&- >&- 2>&-", env=embedded).returncode == 74
    done = process("--local", "roles", "list", "--count", env=embedded)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"1\n", b"")
