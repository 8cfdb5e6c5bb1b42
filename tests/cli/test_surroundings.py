"""In an unusual environment, the program works, or says in one line why it cannot work."""

import functools
import resource
import subprocess
from pathlib import Path

import pytest
from pymongo.database import Database

from tests.cli.conftest import PROGRAM, Process, Terminal
from tests.conftest import Chatctl

NAME = "日本語 é"
SPELT = r"\u65e5\u672c\u8a9e \xe9"


@pytest.fixture
def role(database: Database[dict[str, object]]) -> None:
    database["Role"].insert_one({"name": NAME, "userIds": [], "permissionsIds": []})


@pytest.mark.usefixtures("role")
@pytest.mark.parametrize(
    ("variables", "shown"),
    [
        ({"LANG": "de_DE.ISO-8859-1"}, NAME),
        ({"LC_ALL": "xx_YY.UTF-8"}, NAME),
        ({"LC_ALL": "C"}, NAME),
        ({"LC_ALL": "POSIX"}, NAME),
        ({"LC_ALL": "C", "PYTHONUTF8": "0"}, SPELT),
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, SPELT),
        ({"PYTHONUTF8": "0"}, NAME),
        ({"PYTHONWARNINGS": "error", "PYTHONDEVMODE": "1", "PYTHONOPTIMIZE": "2"}, NAME),
        ({"PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}, NAME),
        ({"TERM": "", "TZ": "Nowhere/Else", "COLUMNS": "abc", "GITHUB_ACTIONS": "true"}, NAME),
        ({"HOME": ""}, NAME),
        ({"HOME": "/proc/nowhere", "PATH": ""}, NAME),
    ],
    ids=str,
)
def test_odd_environment_variables_do_not_stop_the_program(
    environment: dict[str, str], variables: dict[str, str], shown: str
) -> None:
    line = [PROGRAM, "roles", "list"]
    done = subprocess.run(line, env=environment | variables, capture_output=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[1].split("  ")[1] == shown


def test_without_environment_variables_the_error_says_what_to_set() -> None:
    done = subprocess.run([PROGRAM, "roles", "list"], env={}, cwd="/", capture_output=True, text=True, check=False)  # noqa: S603
    assert (done.returncode, done.stderr.splitlines()[0]) == (6, "error: no database is configured")


def test_without_a_home_the_embedded_database_says_what_to_set(process: Process) -> None:
    said = process("--local", "roles", "list", env={"HOME": "/proc/nowhere"})
    assert (said.returncode, said.stderr.decode().splitlines()[1]) == (
        6,
        "hint: choose another folder with CHATCTL_LOCAL_DIR",
    )


def test_modules_in_the_working_folder_are_not_imported(process: Process, workspace: Path) -> None:
    for name in (
        "actions",
        "changes",
        "cli",
        "database",
        "enum",
        "imports",
        "models",
        "seeds",
        "signal",
        "typer",
        "typing",
    ):
        (workspace / f"{name}.py").write_text("raise SystemExit(99)")
    local = {"CHATCTL_LOCAL_DIR": str(workspace / "local")}
    assert process("roles", "list").stderr == b"nothing found\n"
    try:
        assert process("--local", "roles", "list", env=local).stderr == b"nothing found\n"
    finally:
        assert process("--local", "db", "stop", env=local).stdout == b"stopped\n"


def test_a_deleted_working_folder_does_not_matter(
    chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert chatctl("roles", "list", "--count").stdout == "0\n"
    assert chatctl("seeds", "validate").stdout == "valid: 22 permissions, 4 roles, 0 users\n"
    assert chatctl("users", "export", "--to", "x.csv", code=74).stderr.startswith("error: x.csv could not be written: ")
    said = chatctl("--local", "roles", "list", code=6, env={"CHATCTL_LOCAL_DIR": "here"}).stderr
    assert said.startswith("error: CHATCTL_LOCAL_DIR is relative to the working directory, which no longer exists\n")


def test_a_read_only_working_folder_does_not_matter(chatctl: Chatctl, workspace: Path) -> None:
    workspace.chmod(0o555)
    assert chatctl("roles", "list", "--count").stdout == "0\n"
    assert list(workspace.iterdir()) == []
    chatctl("users", "export", "--to", "/proc/x.csv", code=74)


@pytest.mark.usefixtures("role")
@pytest.mark.parametrize("columns", [1, 40, 250])
@pytest.mark.parametrize(
    "line", ["--help", "roles list", "roles matrix", "roles show id", "db status", "roles show nobody"]
)
def test_no_terminal_is_too_narrow_or_too_wide(terminal: Terminal, line: str, columns: int) -> None:
    line = line.replace(" id", f" {NAME}")
    screen = terminal(*line.split(" ", 2), columns=columns, env={"NO_COLOR": "1"})
    assert screen.code == (3 if line.endswith("nobody") else 0)
    assert "Traceback" not in screen.text


@pytest.mark.usefixtures("role")
@pytest.mark.parametrize("variables", [{"COLUMNS": "0"}, {"COLUMNS": "abc"}, {"COLUMNS": "-5"}, {"TERM": "nonsense"}])
def test_invalid_terminal_settings_are_ignored(terminal: Terminal, variables: dict[str, str]) -> None:
    screen = terminal("roles", "list", env={"NO_COLOR": "1", **variables})
    assert screen.text.splitlines()[0].split() == ["ID", "NAME", "MEMBERS", "PROTECTED", "PERMISSIONS"]


@pytest.mark.parametrize("line", [["roles", "list"], ["roles", "delete", "-", "--yes"], ["roles", "delete", "a"]])
def test_without_standard_input_nothing_is_asked_and_nothing_read(process: Process, line: list[str]) -> None:
    process("roles", "create", "a")
    done = process(*line, line="<&-")
    assert done.returncode == (7 if line[-1] == "a" else 0)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("line", [["users", "export"], ["seeds", "export"], ["users", "export-data", "ada"]])
def test_a_full_disk_while_a_file_is_written_is_an_error(chatctl: Chatctl, line: list[str]) -> None:
    chatctl("users", "create", "--email", "ada@example.org", "--username", "ada", "--no-password")
    said = chatctl(*line, "--to", "/dev/full", code=74).stderr
    assert said == "error: /dev/full could not be written: no space left on device\n"


def test_a_command_needs_few_open_files(environment: dict[str, str]) -> None:
    few = functools.partial(resource.setrlimit, resource.RLIMIT_NOFILE, (12, 12))
    line = [PROGRAM, "roles", "list", "--count"]
    done = subprocess.run(line, env=environment, preexec_fn=few, capture_output=True, check=False)  # noqa: S603
    assert (done.returncode, done.stdout) == (0, b"0\n")
