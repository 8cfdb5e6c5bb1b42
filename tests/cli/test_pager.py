"""Long output on a terminal goes through the user's pager. After the pager, the terminal works as before."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bson import ObjectId
from people import Documents, conversation, messages, person

from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

LINES = {
    "transcript": ["conversations", "transcript", "Lobby"],
    "markdown": ["conversations", "transcript", "Lobby", "-o", "markdown"],
    "matrix": ["roles", "matrix"],
    "dry run": ["roles", "delete", "support", "--dry-run"],
    "plan": ["seeds", "plan", "seed.yaml"],
}
SHORT = {
    "list": ["roles", "list"],
    "json": ["roles", "matrix", "-o", "json"],
    "file": ["conversations", "transcript", "Lobby", "--to", "lobby.txt"],
    "write": ["roles", "create", "other"],
}
UPPER = "tr a-z A-Z"
"""A pager that writes everything in capital letters, so that a test sees which text went through the pager."""
ON_KEYS = """
import itertools, os, signal, sys
count = itertools.count(1)
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"INTERRUPT %d " % next(count)))
print(sys.stdin.readline() if "early" in sys.argv else sys.stdin.read().splitlines()[0])
print("READY ", end="", flush=True)
open("/dev/tty").readline()
"""
"""A pager that reads one line or all lines, and then waits for Enter, like `less` waits for `q`."""


@pytest.fixture
def lobby(chatctl: Chatctl, database: Documents, workspace: Path) -> ObjectId:
    chatctl("permissions", "create", "user.read")
    chatctl("roles", "create", "support", "--permission", "user.read")
    (workspace / "seed.yaml").write_text("version: 1\nroles:\n  - name: newcomer\n    permissions: []\n")
    ada = person(database, "ada")
    place = conversation(database, ada, name="Lobby")
    messages(database, place, ada, *(f"number {number}" for number in range(100)))
    return place


@pytest.fixture
def on_keys(tmp_path: Path) -> str:
    (tmp_path / "pager.py").write_text(ON_KEYS)
    return f"{sys.executable} '{tmp_path / 'pager.py'}'"


@pytest.mark.usefixtures("lobby")
@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_output_that_may_be_long_goes_through_the_pager(terminal: Terminal, process: Process, line: list[str]) -> None:
    plain = terminal(*line, env={"NO_COLOR": "1"})
    paged = terminal(*line, env={"NO_COLOR": "1", "PAGER": UPPER})
    assert paged.code == plain.code == 0
    assert paged.text != plain.text
    assert paged.text.upper() == plain.text.upper()
    assert process(*line, env={"PAGER": UPPER}).stdout == process(*line).stdout
    assert terminal(*line, env={"TERM": "dumb", "PAGER": UPPER}).text == plain.text


@pytest.mark.usefixtures("lobby")
@pytest.mark.parametrize("line", SHORT.values(), ids=SHORT.keys())
def test_other_output_does_not_go_through_the_pager(terminal: Terminal, line: list[str]) -> None:
    assert "PAGED" not in terminal(*line, env={"PAGER": "sed s/^/PAGED/"}).text


@pytest.mark.usefixtures("lobby")
@pytest.mark.parametrize(
    ("env", "paged"),
    [
        ({"PAGER": UPPER}, True),
        ({"CHATCTL_PAGER": UPPER}, True),
        ({"CHATCTL_PAGER": UPPER, "PAGER": "cat"}, True),
        ({"CHATCTL_PAGER": "", "PAGER": UPPER}, False),
        ({"CHATCTL_PAGER": "cat", "PAGER": UPPER}, False),
        ({"CI": "true", "PAGER": UPPER}, False),
        ({"PAGER": "cat"}, False),
        ({"PAGER": ""}, False),
        ({"PAGER": "  "}, False),
        ({"PAGER": "no-such-program -R"}, False),
        ({"PAGER": "less 'a quote is missing"}, False),
        ({"PAGER": "/etc/hostname"}, False),
        ({"PAGER": "./not-a-program"}, False),
    ],
)
def test_variables_choose_the_pager_and_an_empty_one_turns_it_off(
    terminal: Terminal, workspace: Path, env: dict[str, str], paged: bool
) -> None:
    (workspace / "not-a-program").write_bytes(b"\0\0")
    (workspace / "not-a-program").chmod(0o700)
    screen = terminal("roles", "matrix", env=env | {"NO_COLOR": "1"})
    assert ("SUPPORT" in screen.text, "support" in screen.text) == (paged, not paged)
    assert "user.read".upper() in screen.text.upper()
    assert screen.code == 0


@pytest.mark.usefixtures("lobby")
@pytest.mark.parametrize("given", [{}, {"LESS": "-i"}])
def test_less_ends_after_a_short_text_unless_the_user_has_other_settings(
    terminal: Terminal, given: dict[str, str]
) -> None:
    shown = terminal("roles", "matrix", env={"PAGER": "sh -c 'cat; echo LESS=$LESS'", **given}).text
    assert f"LESS={given.get('LESS', 'FRX')}\n" in shown


@pytest.mark.usefixtures("lobby")
def test_a_pager_that_is_left_early_is_not_an_error(terminal: Terminal, database: Documents) -> None:
    ada = database["User"].find_one({"username": "ada"}) or {}
    place = database["Conversation"].find_one({"name": "Lobby"}) or {}
    messages(database, place["_id"], ada["_id"], *("x" * 60 for _ in range(3_000)))
    screen = terminal("conversations", "transcript", "Lobby", env={"PAGER": "head -n 1", "NO_COLOR": "1"})
    assert (screen.text, screen.code) == ("Lobby\n", 0)
    screen = terminal("roles", "delete", "support", "-n", env={"PAGER": "true"})
    assert screen.text.endswith("nothing was written: this was a dry run\n")
    assert screen.code == 0


@pytest.mark.usefixtures("lobby")
def test_notes_come_after_the_pager_and_the_exit_code_stays(terminal: Terminal) -> None:
    screen = terminal("roles", "delete", "support", "-n", env={"PAGER": "sh -c 'cat; echo END'", "NO_COLOR": "1"})
    assert screen.text.splitlines()[-2:] == ["END", "nothing was written: this was a dry run"]
    assert terminal("seeds", "plan", "seed.yaml", "--exit-code", env={"PAGER": "head -n 1"}).code == 1
    wrong = terminal("conversations", "transcript", "nobody", env={"PAGER": "sed s/^/PAGED/"})
    assert wrong.code == 3
    assert "PAGED" not in wrong.text


@pytest.mark.usefixtures("lobby")
def test_after_all_output_is_written_an_interrupt_goes_only_to_the_pager(terminal: Terminal, on_keys: str) -> None:
    answers = {"READY ": "\x03", "INTERRUPT 1 ": "\x03", "INTERRUPT 2 ": "\n"}
    screen = terminal("roles", "matrix", answers=answers, env={"PAGER": on_keys, "NO_COLOR": "1"})
    assert screen.text.replace("^C", "").endswith("READY INTERRUPT 1 INTERRUPT 2 \n")
    assert (screen.code, screen.echo) == (0, True)


@pytest.mark.usefixtures("lobby")
def test_the_first_interrupt_stops_reading_and_waits_for_the_pager(
    terminal: Terminal, database: Documents, on_keys: str
) -> None:
    ada = database["User"].find_one({"username": "ada"}) or {}
    place = database["Conversation"].find_one({"name": "Lobby"}) or {}
    messages(database, place["_id"], ada["_id"], *("x" * 60 for _ in range(3_000)))
    answers = {"READY ": "\x03", "INTERRUPT 1 ": "\x03", "INTERRUPT 2 ": "\n"}
    env = {"PAGER": f"{on_keys} early", "NO_COLOR": "1"}
    screen = terminal("conversations", "transcript", "Lobby", answers=answers, env=env)
    assert screen.text.replace("^C", "").endswith("READY INTERRUPT 1 INTERRUPT 2 \nerror: interrupted\n")
    assert screen.code == 130


def test_texts_of_users_cannot_control_the_terminal_through_a_pager(
    terminal: Terminal, lobby: ObjectId, database: Documents
) -> None:
    database["Conversation"].update_one({"_id": lobby}, {"$set": {"name": "a\x1b[2J\u202e\u2068b"}})
    shown = terminal("conversations", "transcript", str(lobby), env={"PAGER": UPPER, "NO_COLOR": "1"}).text
    assert r"A\X1B[2J\U202E\U2068B" in shown
    assert "\x1b" not in shown


def test_a_matrix_in_a_pager_has_text_directions_but_moves_no_cursor(terminal: Terminal, chatctl: Chatctl) -> None:
    chatctl("permissions", "create", "דוד", "user.read")
    chatctl("roles", "create", "שלום", "--permission", "דוד")
    assert "\x1b[" in terminal("roles", "matrix", env={"NO_COLOR": "1"}).text
    paged = terminal("roles", "matrix", env={"NO_COLOR": "1", "PAGER": UPPER}).text
    assert {"\u2068", "\u2069", "\u200e"} <= {*paged}
    assert "\x1b" not in paged


@pytest.mark.usefixtures("lobby")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_ends_the_pager_too(environment: dict[str, str], tmp_path: Path, number: int) -> None:
    pager = tmp_path / "pager.sh"
    pager.write_text("cat > /dev/null\necho $$ $PPID >> started\nexec sleep 60\n")
    ours, theirs = os.openpty()
    command = [Path(sys.executable).with_name("chatctl"), "roles", "matrix"]
    env = environment | {"PAGER": f"sh '{pager}'"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=env, cwd=tmp_path) as child:  # noqa: S603
        started = tmp_path / "started"
        while not (started.exists() and started.read_text().endswith("\n")):
            assert child.poll() is None
        child.send_signal(number)
        assert child.wait(10) == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text().split()[0]), 0)
    os.close(theirs)
    os.close(ours)
