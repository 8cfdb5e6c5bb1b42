"""Output to closed pipes, full disks and all kinds of terminals, and signals during output."""

import json
import re
import signal
import subprocess
import time

import pytest
from pymongo.database import Database

from tests.cli.conftest import PROGRAM, Process, Terminal
from tests.conftest import Chatctl

FORMATS = ["table", "json", "ndjson", "yaml", "csv", "ids"]
ESC = "\x1b"


@pytest.fixture
def roles(database: Database) -> list[str]:
    names = [f"role-{number:04}" for number in range(3_000)]
    database["Role"].insert_many([{"name": name, "userIds": [], "permissionsIds": []} for name in names])
    return names


@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize("form", FORMATS)
def test_a_closed_pipe_ends_the_program_quietly(process: Process, form: str) -> None:
    done = process("roles", "list", "--all" if form == "table" else "--limit=3000", "-o", form, line="| head -c 5")
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("line", [["--help"], ["--version"], ["roles", "create", "a"], ["seeds", "schema"]])
def test_a_full_disk_is_an_error(process: Process, line: list[str]) -> None:
    done = process(*line, line=">/dev/full")
    assert done.returncode == 74
    assert b"error: the output could not be written: no space left on device\n" in done.stderr
    assert process(*line, line=">&-").returncode == (74 if "create" not in line else 4)


def test_the_undo_command_is_printed_even_if_standard_output_fails(process: Process) -> None:
    said = process("roles", "create", "a", line=">/dev/full").stderr.decode().splitlines()
    assert said[1].startswith("undo: chatctl audit undo ")
    said = process("roles", "create", "b", "-o", "json", line=">/dev/full").stderr
    assert "the changes are saved, only the output failed: chatctl audit show " in json.loads(said)["error"]["hint"]


def test_an_error_keeps_its_exit_code_if_standard_error_is_closed(process: Process) -> None:
    assert process("roles", "show", "nobody", line="2>/dev/full").returncode == 3
    assert process("roles", "show", "nobody", line="2>&-").returncode == 3


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_every_output_encoding_works(process: Process, database: Database, encoding: str) -> None:
    database["Role"].insert_one({"name": "日本語 é", "userIds": [], "permissionsIds": []})
    for form in FORMATS:
        done = process("roles", "list", "-o", form, env={"PYTHONIOENCODING": encoding})
        assert (done.returncode, done.stderr) == (0, b"")
    assert (
        json.loads(process("roles", "list", "-o", "json", env={"PYTHONIOENCODING": "ascii"}).stdout)[0]["name"]
        == "日本語 é"
    )
    assert process("roles", "show", "日本語", env={"PYTHONIOENCODING": encoding}).returncode == 3


@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_program_with_a_message_and_its_code(
    environment: dict[str, str], number: int, code: int
) -> None:
    command = [PROGRAM, "roles", "list", "--limit=3000", "-o", "yaml"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as child:  # noqa: S603
        assert child.stdout is not None
        child.stdout.read(10)  # the program is in the middle of its output, and waits until the test reads more
        time.sleep(0.2)
        child.send_signal(number)
        _, said = child.communicate()
    assert (said, child.returncode) == (b"error: interrupted\n" if code == 130 else b"error: terminated\n", code)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_follows_the_terminal_and_the_variables(
    chatctl: Chatctl, terminal: Terminal, variables: dict[str, str], coloured: bool
) -> None:
    chatctl("roles", "create", "support")
    assert (ESC in terminal("roles", "list", env=variables).text) is coloured


@pytest.mark.parametrize(("forced", "coloured"), [("1", True), ("0", False), ("", False), ("true", True)])
def test_a_pipe_has_colour_only_if_it_is_forced(chatctl: Chatctl, forced: str, coloured: bool) -> None:
    chatctl("roles", "create", "support")
    assert (ESC in chatctl("roles", "list", env={"FORCE_COLOR": forced}).stdout) is coloured


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_a_table_fits_the_terminal(chatctl: Chatctl, terminal: Terminal, columns: int) -> None:
    chatctl("roles", "create", "a role with a name that is long for a role, 日本語の役割")
    screen = terminal("roles", "list", columns=columns, env={"NO_COLOR": "1"})
    assert max(map(len, screen.text.splitlines()[:2])) <= columns
    assert ("a role with a name that is long for a role, 日本語の役割" in screen.text) is (columns == 200)


def test_the_variable_columns_sets_the_width(chatctl: Chatctl, terminal: Terminal) -> None:
    chatctl("roles", "create", "x" * 100)
    told = terminal("roles", "list", columns=200, env={"NO_COLOR": "1", "COLUMNS": "60"})
    assert max(map(len, re.sub(r"\x1b\[\d+G", "", told.text).splitlines())) == 60


def test_csv_on_a_terminal_is_harmless_too(database: Database, terminal: Terminal) -> None:
    database["Role"].insert_one({"name": "\x1b[31mred", "userIds": [], "permissionsIds": []})
    assert ESC not in terminal("roles", "list", "-o", "csv").text
