"""Completion in real shells on a terminal."""

import time
from pathlib import Path
from typing import Any

from pymongo.database import Database

from tests.cli.completion.conftest import HOSTILE, Shell
from tests.people import conversation, person

Documents = Database[dict[str, Any]]


def test_a_tab_completes_the_typed_word(shell: Shell, workspace: Path) -> None:
    (workspace / "people.csv").touch()
    (workspace / "two words.csv").touch()
    for line, words in {
        "chatctl us": ["chatctl", "users"],
        "chatctl users sus": ["chatctl", "users", "suspend"],
        "chatctl users list --stat": ["chatctl", "users", "list", "--status"],
        "chatctl users list --status=SUS": ["chatctl", "users", "list", "--status=SUSPENDED"],
        "chatctl roles list -o nd": ["chatctl", "roles", "list", "-o", "ndjson"],
        "chatctl roles list --columns id,na": ["chatctl", "roles", "list", "--columns", "id,name"],
        "chatctl users import pe": ["chatctl", "users", "import", "people.csv"],
        "chatctl users import two": ["chatctl", "users", "import", "two words.csv"],
        "chatctl users import ~/pe": ["chatctl", "users", "import", str(workspace / "people.csv")],
        "chatctl users export --to=pe": ["chatctl", "users", "export", "--to=people.csv"],
        "chatctl 'us": ["chatctl", "users"],
        "X=1 chatctl us": ["X=1", "chatctl", "users"],
        "chatctl nonsense x": ["chatctl", "nonsense", "x"],
    }.items():
        assert shell.complete(line) == words


def test_names_are_completed_in_every_way_to_type_them(shell: Shell, database: Documents) -> None:
    person(database, "ada")
    database["Role"].insert_one({"name": "support"})
    database["Permission"].insert_one({"name": "message.read"})
    for line, words in {
        "chatctl users show a": ["chatctl", "users", "show", "ada"],
        "chatctl users show username:a": ["chatctl", "users", "show", "username:ada"],
        "chatctl users show email:ada@ex": ["chatctl", "users", "show", "email:ada@example.org"],
        "chatctl users grant ada --role=sup": ["chatctl", "users", "grant", "ada", "--role=support"],
        "chatctl roles grant support message.": ["chatctl", "roles", "grant", "support", "message.read"],
    }.items():
        assert _patiently(shell, line, words) == words


def test_hostile_names_run_nothing_and_change_nothing(shell: Shell, database: Documents, workspace: Path) -> None:
    ada = person(database, "ada")
    for number, name in enumerate(HOSTILE):
        person(database, name, email=f"{number}@example.org")
        database["Role"].insert_one({"name": name})
        conversation(database, ada, name=name)
    wanted = ["chatctl", "users", "show", "ada"]
    assert _patiently(shell, "chatctl users show ad", wanted) == wanted
    for line in (r"chatctl users show \$", "chatctl conversations show "):
        shell.complete(line, keys="\t\t")
        assert "\x1b]0;pwned" not in shell.screen
        assert "mirer" not in shell.screen
    assert not (workspace / "pwned").exists()


def test_a_shell_lists_only_names_that_are_safe_to_type(shell: Shell, database: Documents) -> None:
    for name in ("ada", "adam", "ad$(touch pwned)", "ad\x1b[31mred"):
        person(database, name)
    deadline = time.monotonic() + 20
    while "adam" not in shell.screen:
        assert shell.complete("chatctl users show ad", keys="\t\t\t")[:3] == ["chatctl", "users", "show"]
        assert time.monotonic() < deadline, repr(shell.screen)
    assert "pwned" not in shell.screen
    assert "mred" not in shell.screen


def test_without_a_server_a_tab_changes_nothing(shell: Shell) -> None:
    line = "chatctl --url mongodb://10.255.255.1/shop users show a"
    assert shell.complete(line) == line.split()
    assert "rror" not in shell.screen


def _patiently(shell: Shell, line: str, wanted: list[str]) -> list[str]:
    """Press Tab until the name is completed. On a busy machine, a first try can exceed the limit of 0.3 seconds."""
    deadline = time.monotonic() + 20
    while (words := shell.complete(line)) != wanted and time.monotonic() < deadline:
        pass
    return words
