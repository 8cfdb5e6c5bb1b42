"""Every command with --skip-missing names the items that it skips, and changes the other items."""

import json

import pytest
import typed
from bson import ObjectId
from people import Documents
from typed import WRITES, commands

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

GONE = str(ObjectId())
SKIPPING = [name for name, command in commands() if any(one.name == "skip_missing" for one in command.params)]
EACH = pytest.mark.parametrize("command", SKIPPING)


def missing(command: str) -> str:
    return GONE if command.startswith("messages") else "nobody"


@pytest.fixture
def office(either: Chatctl, database: Documents) -> Chatctl:
    typed.settle(database)
    return either


def test_every_group_has_a_command_with_skip_missing() -> None:
    assert {name.split()[0] for name in SKIPPING} == {"users", "roles", "permissions", "conversations", "messages"}


@EACH
def test_skipped_items_are_named_and_the_others_are_changed(office: Chatctl, command: str) -> None:
    done = office(*command.split(), *WRITES[command], missing(command), "--skip-missing", "--yes")
    assert done.stderr.startswith(f"1 skipped: {missing(command)}\n")
    assert "undo: chatctl audit undo" in done.stderr
    assert missing(command) not in done.stdout
    assert done.stdout


@EACH
def test_json_results_include_the_skipped_items(office: Chatctl, command: str) -> None:
    done = office(*command.split(), *WRITES[command], missing(command), "--skip-missing", "--yes", "-o", "json")
    outcome = json.loads(done.stdout)
    assert outcome["results"][-1] == {"id": None, "ref": missing(command), "outcome": "missing"}
    assert (outcome["changed"], outcome["unchanged"], len(outcome["results"])) == (1, 1, 2)
    assert done.stderr == ""


@EACH
def test_nothing_is_changed_if_all_items_are_skipped(office: Chatctl, command: str) -> None:
    words = [*WRITES[command]]
    words[command in {"conversations add", "conversations remove"}] = missing(command)
    done = office(*command.split(), *words, "--skip-missing", "--yes")
    assert (done.stdout, done.stderr) == ("", f"1 skipped: {missing(command)}\nnothing to do\n")
    outcome = json.loads(office(*command.split(), *words, "--skip-missing", "--yes", "-o", "json").stdout)
    assert (outcome["event"], outcome["changed"], outcome["unchanged"]) == (None, 0, 1)


def test_the_first_ten_of_many_skipped_items_are_named_as_typed(office: Chatctl) -> None:
    names = [f"Nobody{number}@Example.com" for number in range(12)]
    typed_names = "\n".join([*names, "ada", names[0]])
    said = office("users", "suspend", "-", "--yes", "--skip-missing", input=typed_names).stderr
    assert said.startswith(f"12 skipped: {', '.join(names[:10])}, and 2 more\n")
    office("users", "reinstate", "-", "--yes", "--skip-missing", "--max", "1", input=typed_names)


def test_a_preview_names_the_skipped_items_too(office: Chatctl) -> None:
    assert "1 skipped: nobody\n" in office("users", "suspend", "ada", "nobody", "--skip-missing", "--dry-run").stderr


def test_skipped_items_are_named_before_the_question(terminal: Terminal, database: Documents) -> None:
    typed.settle(database)
    screen = terminal("users", "suspend", "ada", "nobody\x1b[2J", "--skip-missing", typed="n\n")
    assert screen.code == 7
    assert screen.text.startswith("1 skipped: nobody\\x1b[2J")


def test_without_skip_missing_an_unknown_item_stops_the_command(office: Chatctl) -> None:
    office("users", "suspend", "ada", "nobody", "--yes", code=3)
