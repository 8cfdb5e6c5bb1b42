"""Every write names the database, asks for confirmation, reports its results, and prints its undo command."""

import json
import re

import pytest
from pymongo.database import Database

from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

UNDO = re.compile(r"undo: chatctl audit undo [0-9a-f]{24}\n\Z")


@pytest.fixture
def support(chatctl: Chatctl) -> None:
    chatctl("permissions", "create", "user.read", "user.suspend")
    chatctl("roles", "create", "support", "--permission", "user.read")


def test_a_write_says_what_it_changes_where_and_how_to_undo_it(chatctl: Chatctl, name: str) -> None:
    done = chatctl("roles", "create", "support")
    assert done.stdout == "support: created\n"
    assert re.match(rf"changing {name} on \S+ \(MONGODB_DATABASE_URL\)\n", done.stderr)
    assert UNDO.search(done.stderr)
    event = done.stderr.split()[-1]
    chatctl("audit", "undo", event, "--yes")
    assert chatctl("roles", "list", "-o", "ids").stdout == ""


@pytest.mark.usefixtures("support")
def test_with_json_a_write_prints_its_outcome_and_nothing_on_stderr(chatctl: Chatctl, database: Database) -> None:
    done = chatctl("roles", "grant", "support", "user.read", "user.suspend", "-o", "json")
    assert done.stderr == ""
    outcome = json.loads(done.stdout)
    assert re.fullmatch("[0-9a-f]{24}", outcome.pop("event"))
    ids = {found["name"]: str(found["_id"]) for found in database["Permission"].find()}
    assert outcome == {
        "changed": 1,
        "unchanged": 1,
        "results": [
            {"id": ids["user.read"], "ref": "user.read", "outcome": "unchanged"},
            {"id": ids["user.suspend"], "ref": "user.suspend", "outcome": "granted"},
        ],
    }


@pytest.mark.usefixtures("support")
def test_a_write_that_changes_nothing_succeeds_and_leaves_no_event(chatctl: Chatctl) -> None:
    done = chatctl("roles", "grant", "support", "user.read")
    assert (done.stdout, done.stderr) == ("user.read: unchanged (role support already has it)\n", "nothing to do\n")
    assert json.loads(chatctl("roles", "grant", "support", "user.read", "-o", "json").stdout)["event"] is None


@pytest.mark.usefixtures("support")
def test_a_person_reads_why_nothing_is_changed(chatctl: Chatctl) -> None:
    grant = ("roles", "grant", "support", "user.read")
    assert chatctl(*grant, "-n").stderr.endswith(
        "\nuser.read: unchanged (role support already has it)\nnothing to do\n"
    )
    assert "already" not in chatctl(*grant, "-o", "json").stdout
    [event] = chatctl("audit", "list", "--command", "roles create", "-o", "ids").stdout.split()
    chatctl("audit", "undo", event, "--yes")
    undo = json.loads(chatctl("audit", "list", "--limit", "1", "-o", "json").stdout)[0]
    again = chatctl("audit", "undo", event, "--yes")
    when = f"{undo['at'][:16].replace('T', ' ')}Z"
    created = "roles create support --permission user.read"
    why = f"already undone by {undo['actor']}, {when}, event {undo['id']}"
    assert (again.stdout, again.stderr) == (f"{created}: unchanged ({why})\n", "nothing to do\n")
    chatctl("audit", "undo", undo["id"], "--yes")
    assert chatctl("audit", "undo", event, "--yes").stdout == f"{created}: undone\n"


@pytest.mark.usefixtures("support")
def test_a_dry_run_shows_each_change_and_makes_none(chatctl: Chatctl, name: str) -> None:
    before = chatctl("roles", "list", "-o", "json")
    done = chatctl("roles", "delete", "support", "-n")
    assert done.stdout.splitlines() == [
        "~ Permission user.read: rolesIds -support",
        "- Role support: name support, userIds [], permissionsIds [user.read]",
    ]
    assert done.stderr.startswith(f"would change {name} on ")
    assert done.stderr.endswith("\nnothing was written: this was a dry run\n")
    outcome = json.loads(chatctl("roles", "delete", "support", "-n", "-o", "json").stdout)
    assert (outcome["event"], outcome["changed"]) == (None, 1)
    assert chatctl("roles", "list", "-o", "json") == before


@pytest.mark.usefixtures("support")
def test_a_write_that_requires_confirmation_is_refused_without_a_terminal(chatctl: Chatctl) -> None:
    refused = "error: Not changed: confirmation is required.\nhint: Preview it with --dry-run, confirm it with --yes.\n"
    assert chatctl("roles", "delete", "support", code=7) == ("", refused, 7)
    error = json.loads(chatctl("roles", "delete", "support", "-o", "json", code=7).stderr)["error"]
    assert (error["code"], error["exit"]) == ("refused", 7)
    chatctl("roles", "show", "support")
    chatctl("roles", "delete", "support", "-y")


@pytest.mark.usefixtures("support")
@pytest.mark.parametrize("answer", ["n\n", "\n", "yep\n", "\x04"])
def test_every_answer_except_yes_is_a_no(chatctl: Chatctl, terminal: Terminal, answer: str) -> None:
    screen = terminal("roles", "delete", "support", typed=answer, env={"NO_COLOR": "1"})
    assert "\n  delete 1 role\n  role support loses user.read\nDelete role support? [y/N] " in screen.text
    assert screen.text.endswith("\nCancelled. Nothing was changed.\n")
    assert "error" not in screen.text
    assert screen.code == 7
    chatctl("roles", "show", "support")


@pytest.mark.usefixtures("support")
@pytest.mark.parametrize("answer", ["y", "YES"])
def test_yes_applies_the_change(chatctl: Chatctl, terminal: Terminal, answer: str) -> None:
    screen = terminal("roles", "delete", "support", typed=f"{answer}\n")
    assert screen.code == 0
    assert UNDO.search(screen.text)
    chatctl("roles", "show", "support", code=3)


@pytest.mark.usefixtures("support")
def test_an_interrupt_at_the_question_changes_nothing(chatctl: Chatctl, terminal: Terminal) -> None:
    screen = terminal("roles", "delete", "support", typed="\x03", env={"NO_COLOR": "1"})
    assert screen.text.endswith("Delete role support? [y/N] ^C\nInterrupted. Nothing was changed.\n")
    assert screen.code == 130
    chatctl("roles", "show", "support")


def test_changes_of_more_than_ten_items_require_confirmation(chatctl: Chatctl) -> None:
    names = [f"p{number}" for number in range(11)]
    chatctl("permissions", "create", *names, code=7)
    chatctl("permissions", "create", *names[:10])
    chatctl("permissions", "create", *(f"q{number}" for number in range(11)), "--yes")


def test_more_than_max_is_refused_even_with_yes(chatctl: Chatctl) -> None:
    said = chatctl("permissions", "create", "a", "b", "c", "--max", "2", "--yes", code=7).stderr
    assert said == "error: this would change 3 items, but --max allows only 2\nhint: nothing was changed\n"
    assert chatctl("permissions", "list", "-o", "ids").stdout == ""
    chatctl("permissions", "create", "a", "b", "c", "--max", "3")


def test_a_dash_reads_the_items_from_standard_input(chatctl: Chatctl) -> None:
    assert chatctl("permissions", "create", "-", input="a\r\n\nb\n").stdout == "a: created\nb: created\n"
    ids = chatctl("permissions", "list", "-o", "ids").stdout
    chatctl("permissions", "delete", "-", input=ids, code=7)
    assert chatctl("permissions", "delete", "-", "--yes", input=ids).stdout == "a: deleted\nb: deleted\n"


@pytest.mark.parametrize("given", ["\ufeffa\r\nb\r\n", "\ufeff\na\n \t\n\nb", "a\nb\n\n  \n", "\ufeffa\n\r\nb"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_byte_order_mark_and_blank_lines_are_not_items(chatctl: Chatctl, given: str, end: str) -> None:
    assert chatctl("permissions", "create", "-", input=given + end).stdout == "a: created\nb: created\n"


@pytest.mark.parametrize("given", ["\ufeff", "\ufeff\r\n", " \n\t\n"])
def test_a_list_of_only_blank_lines_is_nothing_to_do(chatctl: Chatctl, given: str) -> None:
    assert chatctl("permissions", "delete", "-", input=given) == ("", "nothing to do\n", 0)


def test_without_items_there_is_nothing_to_do(chatctl: Chatctl) -> None:
    assert chatctl("permissions", "delete", "-", input="") == ("", "nothing to do\n", 0)
    assert json.loads(chatctl("permissions", "create", "-", "-o", "json").stdout) == {
        "event": None,
        "changed": 0,
        "unchanged": 0,
        "results": [],
    }


def test_items_that_are_not_text_are_invalid(process: Process) -> None:
    done = process("permissions", "create", "-", given=b"caf\xe9\n")
    assert (done.returncode, done.stderr) == (5, b"error: standard input is not UTF-8\n")
