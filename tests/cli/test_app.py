"""The command line as a whole: help, options that are accepted anywhere, and invalid options."""

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from people import person
from pymongo.database import Database
from typer.main import get_command_name

from cli.commands import MODULES, SHORT_NAMES
from cli.group import command_in
from database import connection
from tests.conftest import Chatctl

HEAVY = ["bcrypt", "bson", "mongoengine", "passlib", "prompt_toolkit", "pydantic", "pymongo", "rich", "tomlkit", "yaml"]
GROUPS = ["users", "roles", "permissions", "access", "conversations", "messages", "seeds", "proposals", "audit"]
GROUPS += ["holds", "retention", "db", "context"]


def run(line: list[str], wanted: list[str]) -> tuple[list[str], list[str]]:
    """Run a command line in a new process. Return its output, and which of the modules `wanted` it has loaded."""
    lines, loaded = run_and_list(line)
    return lines, [name for name in wanted if name in loaded]


def run_and_list(line: list[str]) -> tuple[list[str], list[str]]:
    """Run a command line in a new process; return its output and the names of all modules that it loaded."""
    program = (
        "import sys; from cli.app import main\n"
        f"sys.argv = ['chatctl', *{line!r}]\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    *lines, loaded = done.stdout.split("\n")[:-1]
    return lines, loaded.split(" ")


@pytest.mark.parametrize(
    "line",
    [
        ["--help"],
        *([group, "--help"] for group in GROUPS),
        ["users", "import", "-h"],
        ["messages", "tail", "-h"],
        ["seeds", "apply", "--help"],
        ["db", "-h"],
        ["demo", "-h"],
        ["rols"],
        ["--version"],
    ],
)
def test_help_and_typing_errors_load_nothing_heavy(line: list[str]) -> None:
    assert run(line, HEAVY)[1] == []


WRITING = {"changes.applying", "changes.writing", "actions.rules.checked_changeset", "imports", "seeds", "mongoengine"}
MOST_LOADED = 55
"""The largest number of modules of chatctl that a simple read may load. At present, it loads a few less."""
OURS = ("cli", "imports", "seeds", "actions", "changes", "database", "models")


@pytest.mark.parametrize(
    "line",
    ["roles list", "users list", "users show ada", "messages list", "conversations list", "audit list"],
)
def test_a_read_loads_only_what_it_uses(
    monkeypatch: pytest.MonkeyPatch, url: str, database: Database[dict[str, Any]], line: str
) -> None:
    monkeypatch.setenv("MONGODB_DATABASE_URL", url)
    person(database, "ada")
    loaded = [name for name in run_and_list(line.split())[1] if name.partition(".")[0] in {*OURS, "mongoengine"}]
    parts = [name for name in loaded if name.startswith(("cli.users.", "cli.conversations."))]
    assert all(name.endswith(".reading") for name in parts)
    assert not WRITING.intersection(loaded)
    assert len(loaded) <= MOST_LOADED


def test_an_export_loads_no_code_of_imports_or_writes(
    monkeypatch: pytest.MonkeyPatch, url: str, database: Database[dict[str, Any]], tmp_path: Path
) -> None:
    monkeypatch.setenv("MONGODB_DATABASE_URL", url)
    person(database, "ada")
    unused = WRITING | {"actions.users.importing.batches"}
    assert run(["users", "export", "--to", str(tmp_path / "users.csv")], list(unused))[1] == []


def test_the_root_help_lists_every_group_and_imports_none() -> None:
    lines, loaded = run(["--help"], [f"cli.{name}" for name in GROUPS])
    start = lines.index("Commands:") + 1
    assert [line.split()[0] for line in lines[start : start + len(GROUPS)]] == GROUPS
    assert loaded == []


@pytest.mark.parametrize("group", GROUPS)
def test_the_help_of_a_group_imports_none_of_its_commands_and_has_the_first_sentence_of_each(group: str) -> None:
    lines, loaded = run([group, "--help"], list(MODULES[group]))
    assert loaded == []
    shown = " ".join(" ".join(lines).split())
    for module, commands in MODULES[group].items():
        assert [info.name or get_command_name(info.callback.__name__) for info in added(module)] == list(commands)
        for name, text in commands.items():
            assert command_in(module, name).get_short_help_str(200) == text
            assert f" {name} {text}" in shown


def added(module: str) -> list[Any]:
    """Return the commands that a module adds to its group."""
    return list(import_module(module).app.registered_commands)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_alone_shows_its_help(chatctl: Chatctl, group: str) -> None:
    alone = chatctl(group)
    assert alone == chatctl(group, "-h") == chatctl(group, "--help")
    assert alone.stdout.startswith(f"Usage: chatctl {group} [OPTIONS] COMMAND [ARGS]...\n")


@pytest.mark.parametrize("group", GROUPS)
def test_the_help_of_each_group_is_a_whole_sentence(chatctl: Chatctl, group: str) -> None:
    usage, *lines = chatctl(group, "--help").stdout.splitlines()
    assert usage.endswith("[ARGS]...")
    assert [line for line in lines if line.endswith("...")] == []


def test_chatctl_without_arguments_shows_its_help(chatctl: Chatctl) -> None:
    assert chatctl() == chatctl("--help") == chatctl("-h")


def test_the_help_of_a_command_ends_with_examples(chatctl: Chatctl) -> None:
    shown = chatctl("roles", "grant", "-h").stdout
    assert "Examples:\n  chatctl roles grant support user.read user.suspend\n" in shown
    assert shown.index("Connection:\n  --local ") < shown.index("Examples:\n")


@pytest.mark.parametrize(("short", "group"), SHORT_NAMES.items())
def test_a_short_name_means_the_group_and_output_has_the_long_name(chatctl: Chatctl, short: str, group: str) -> None:
    assert chatctl(short) == chatctl(group)
    assert chatctl(short, "list", "--help") == chatctl(group, "list", "--help")
    assert chatctl(short, "lst", code=2) == chatctl(group, "lst", code=2)
    assert f"{short} for {group}" in chatctl("--help").stdout
    assert short not in re.findall(r"^  (\w+) ", chatctl("--help").stdout, re.MULTILINE)


def test_a_write_typed_with_a_short_name_is_recorded_with_the_long_name(
    chatctl: Chatctl, database: Database[dict[str, Any]]
) -> None:
    chatctl("perm", "create", "user.read")
    assert database["chatctl_audit"].distinct("command") == ["permissions create user.read"]
    chatctl("db", "protect", "prod", "--audit-reads", "--yes")
    chatctl("msg", "list")
    assert database["chatctl_audit"].count_documents({"command": "messages list"}) == 1


def test_the_printed_version_is_that_of_the_package(chatctl: Chatctl) -> None:
    assert chatctl("--version").stdout == "chatctl 0.1.0\n"


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (["rols"], 'no command "rols" in chatctl', 'did you mean "roles"?'),
        (["roles", "lsit"], 'no command "lsit" in chatctl roles', 'did you mean "list"?'),
        (["roles", "xyz"], 'no command "xyz" in chatctl roles', "see chatctl roles --help"),
        (["roles", "list", "--colums", "id"], "no such option: --colums", "did you mean --columns?"),
        (["roles", "list", "--loca"], "no such option: --loca", "did you mean --local?"),
        (["roles", "list", "--limit", "x"], '--limit: "x" is not a whole number', None),
        (["roles", "list", "--limit", "0"], "--limit must be 1 or more", None),
        (["roles", "list", "--url"], "option '--url' requires an argument", "see chatctl --help"),
        (["roles", "show"], "missing argument 'ROLE'", None),
        (["roles", "show", "a", "b"], "got unexpected extra argument(s) (b)", None),
        (["roles", "list", "--all", "--limit", "3"], "--limit and --all cannot be combined", "use one of them"),
        (
            ["audit", "show", "65f"],
            '"65f" is not an event id',
            "an id has 24 characters (0-9 and a-f); the first 6 or more characters are enough",
        ),
        (["audit", "prune", "--before", "monday"], '--before: "monday" is not a valid time. Use 2026-03-01', None),
    ],
)
def test_a_wrong_command_line_exits_with_2_as_text_and_as_json(
    chatctl: Chatctl, line: list[str], message: str, hint: str | None
) -> None:
    said = chatctl(*line, code=2)
    assert said.stdout == ""
    assert said.stderr.startswith(f"error: {message}")
    assert said.stderr.endswith(f"\nhint: {hint or f'see chatctl {line[0]} {line[1]} --help'}\n")


@pytest.mark.parametrize("asked", [["-o", "json"], ["-ojson"], ["--output", "json"], ["--output=json"]])
def test_a_typing_error_is_a_json_object_with_json_output(chatctl: Chatctl, asked: list[str]) -> None:
    error = {
        "code": "usage",
        "exit": 2,
        "message": "no such option: --colums",
        "hint": "did you mean --columns?",
    }
    assert json.loads(chatctl("roles", "list", *asked, "--colums", code=2).stderr) == {"error": error}


def test_after_two_dashes_the_word_json_is_a_name(chatctl: Chatctl) -> None:
    assert chatctl("roles", "show", "--", "-ojson", code=3).stderr.startswith('error: no role "-ojson"\n')


@pytest.mark.parametrize(
    "line",
    [
        ["--expect", "elsewhere", "roles", "list"],
        ["roles", "--expect", "elsewhere", "list"],
        ["roles", "list", "--expect", "elsewhere"],
        ["roles", "list", "--expect=elsewhere", "--count"],
    ],
)
def test_options_that_choose_a_database_are_accepted_anywhere_on_the_line(
    chatctl: Chatctl, name: str, line: list[str]
) -> None:
    assert chatctl(*line, code=7).stderr.startswith(f'error: the target database is "{name}" on ')


def test_the_value_of_another_option_is_not_read_as_an_option_for_the_database(chatctl: Chatctl) -> None:
    event = json.loads(chatctl("roles", "create", "a", "--reason", "--local", "-o", "json").stdout)["event"]
    assert json.loads(chatctl("audit", "show", event, "-o", "json").stdout)["reason"] == "--local"


def test_an_env_file_with_an_empty_name_is_an_error(
    chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch, workspace: Path
) -> None:
    monkeypatch.delenv("MONGODB_DATABASE_URL")
    (workspace / ".env").write_text("MONGODB_DATABASE_URL=mongodb://localhost/other")
    assert "cannot be read: is a directory" in chatctl("roles", "list", "--env-file", "", code=6).stderr


def test_naming_two_databases_is_refused(chatctl: Chatctl) -> None:
    said = chatctl("--local", "roles", "list", "--url", "mongodb://localhost/x", code=2).stderr
    assert said == "error: --url and --local cannot be combined\nhint: use only one of them\n"


def test_a_password_on_the_command_line_causes_a_warning_and_is_never_shown(
    chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("database.connection.MILLISECONDS_TO_FIND_A_SERVER", 50)
    url = "mongodb://ada:hunter2@127.0.0.1:1/x"
    said = chatctl("roles", "list", "--url", url, "--debug", code=6)
    assert said.stderr.startswith("warning: other users of this machine can see a password in --url; ")
    assert "hunter2" not in said.stdout + said.stderr
    assert json.loads(chatctl("roles", "list", "--url", url, "-o", "json", code=6).stderr)["error"]["retryable"] is True


def test_arguments_in_another_encoding_are_refused(chatctl: Chatctl) -> None:
    assert chatctl("roles", "show", "caf\udce9", code=2).stderr == "error: an argument is not UTF-8\n"


def test_a_bug_is_one_line_that_says_how_to_report_it(chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ValueError("hunter2")

    monkeypatch.setattr("actions.roles.find", broken)
    said = chatctl("roles", "list", code=70).stderr
    assert said.startswith("error: this is a bug in chatctl: ValueError at test_app.py:")
    assert said.count("\n") == 2
    traced = chatctl("roles", "list", "--debug", code=70).stderr
    assert "in list_\n" in traced
    assert traced.endswith("\nValueError\n")
    assert "hunter2" not in "".join(line for line in traced.splitlines() if "raise ValueError" not in line)


def test_an_error_is_reported_before_the_connection_is_closed(
    chatctl: Chatctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: list[str] = []
    close = connection.close

    def note_and_close() -> None:
        printed.append(sys.stderr.text())  # type: ignore[attr-defined]
        close()

    with monkeypatch.context() as patch:
        patch.setattr(connection, "close", note_and_close)
        said = chatctl("roles", "show", "nobody", code=3)
    chosen, ended, _ = printed  # after the test, the fixture closes the connection again
    assert (chosen, ended) == ("", said.stderr)
