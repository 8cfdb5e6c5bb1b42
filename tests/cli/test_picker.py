"""On a terminal, a user who leaves out a name on the command line can choose the name from a menu."""

from datetime import UTC, datetime

import pytest
from bson import ObjectId
from people import Documents, conversation, person

from cli.output import picker
from database import connection
from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

HELP = "Ctrl-C leaves."
ENV = {"PROMPT_TOOLKIT_NO_CPR": "1", "NO_COLOR": "1"}
DOWN, ENTER, INTERRUPT, ERASE = "\x1b[B", "\r", "\x03", "\x7f"


@pytest.fixture
def office(chatctl: Chatctl, database: Documents) -> dict[str, ObjectId]:
    """Insert three users (one has a hostile name), a group and two roles; their commands leave events."""
    chatctl("permissions", "create", "user.read")
    chatctl("roles", "create", "support")
    chatctl("roles", "create", "viewer")
    people = {name: person(database, name, name=full) for name, full in (("ada", "Ada Lovelace"), ("cyd", "מירי כהן"))}
    people["bob"] = person(database, "bob", name="Bob \x1b[31m\u202eevil\nadmin")
    conversation(database, *people.values(), name="Night shift")
    chatctl("holds", "add", "case-12", "--user", "ada", "--reason", "a letter")
    chatctl("users", "suspend", "ada", "--propose", "--reason", "spam")
    return people


@pytest.mark.parametrize(
    ("line", "keys", "said"),
    [
        ("users show", [(HELP, "lovelace"), ("love", ENTER)], "Ada Lovelace"),
        ("users show", [(HELP, "ace ada"), ("ada", ENTER)], "Ada Lovelace"),
        ("users show", [(HELP, "מירי"), ("מ", ENTER)], "cyd@example.org"),
        ("users show", [(HELP, DOWN + DOWN), ("cyd", ENTER)], "cyd@example.org"),
        ("users show", [(HELP, "zzz"), ("zzz", ERASE * 3 + "cyd"), ("cyd", ENTER)], "cyd@example.org"),
        ("roles show", [(HELP, "supp"), ("support", ENTER)], "PERMISSIONS"),
        ("conversations show", [(HELP, "night"), ("Night shift", ENTER)], "UNREAD"),
        ("audit show", [(HELP, "viewer"), ("create viewer", ENTER)], "+ Role viewer"),
        ("users can", [("USER", "ada"), ("ada", ENTER), ("PERMISSION", "read"), ("user.read", ENTER)], "no role"),
        ("users grant --dry-run", [("USER", "ada"), ("ada", ENTER), ("ROLE", "sup"), ("support", ENTER)], "support"),
        ("roles diff support", [(HELP, "view"), ("viewer", ENTER)], ""),
        ("holds show", [(HELP, "case"), ("case-12", ENTER)], "COLLECTION"),
        ("holds release --dry-run", [(HELP, "case"), ("case-12", ENTER)], "released"),
        ("proposals show", [(HELP, "suspend"), ("users suspend ada", ENTER)], "MOVED SINCE"),
        ("proposals reject -n", [(HELP, "ada"), ("suspend ada", ENTER)], "+ chatctl_proposals"),
        ("audit undo --dry-run", [(HELP, "viewer"), ("create viewer", ENTER)], "- Role viewer"),
    ],
)
def test_a_missing_argument_is_chosen_from_a_menu(
    terminal: Terminal, office: dict[str, ObjectId], line: str, keys: list[tuple[str, str]], said: str
) -> None:
    screen = terminal(*line.split(), keys=keys, env=ENV)
    assert screen.code in {0, 1}, screen
    assert "error" not in screen.text
    assert said in screen.text.rpartition(HELP)[2], screen.text
    assert screen.echo


@pytest.mark.parametrize(
    ("options", "zone", "time"),
    [((), " (times in CET/CEST)", "2026-07-01 12:30"), (("--utc",), "", "2026-07-01 10:30Z")],
)
def test_the_menu_of_events_shows_times_on_a_narrow_terminal(
    terminal: Terminal, database: Documents, options: tuple[str, ...], zone: str, time: str
) -> None:
    command = "roles grant support " + "user.read " * 10
    database["chatctl_audit"].insert_one(
        {"kind": "event", "at": datetime(2026, 7, 1, 10, 30, tzinfo=UTC), "command": command, "actor": "ada"}
    )
    env = {**ENV, "TZ": "Europe/Berlin"}
    screen = terminal("audit", "show", *options, keys=[("roles grant", INTERRUPT)], columns=60, env=env)
    assert f"EVENT{zone}: " in screen.text
    assert f"{time}  roles grant support user.read" in screen.text


def test_the_chosen_item_is_changed_and_the_printed_command_can_be_repeated(
    terminal: Terminal, office: dict[str, ObjectId], database: Documents
) -> None:
    screen = terminal("users", "suspend", "--yes", "--reason", "spam", keys=[(HELP, "bob"), ("bob", ENTER)], env=ENV)
    assert screen.code == 0
    assert "bob: suspended" in screen.text
    assert [one["username"] for one in database["User"].find({"status": "SUSPENDED"})] == ["bob"]


def test_names_in_a_menu_cannot_control_the_terminal(terminal: Terminal, office: dict[str, ObjectId]) -> None:
    screen = terminal("users", "show", keys=[("admin", INTERRUPT)], env=ENV)
    assert screen.code == 130
    assert "\\x1b[31m\\u202eevil\\nadmin" in screen.text
    assert "\u202e" not in screen.text


def test_leaving_the_menu_changes_nothing(terminal: Terminal, office: dict[str, ObjectId], database: Documents) -> None:
    for key in (INTERRUPT, "\x04"):
        screen = terminal("users", "delete", "--yes", keys=[(HELP, key)], env=ENV)
        assert (screen.code, screen.echo) == (130, True)
        assert "Interrupted. Nothing was changed." in screen.text
    assert database["User"].count_documents({}) == 3


def test_enter_chooses_only_a_marked_item(terminal: Terminal, office: dict[str, ObjectId], database: Documents) -> None:
    """If several items match, the first Enter marks one item. Only a second Enter chooses the marked item."""
    keys = [(HELP, ENTER), ("ada", INTERRUPT)]
    assert terminal("users", "delete", "--yes", keys=keys, env=ENV).code == 130
    assert database["User"].count_documents({}) == 3


@pytest.mark.parametrize(
    "env", [{"CI": "1"}, {"CI": "false"}, {"TERM": "dumb"}], ids=["in a job", "in any job", "on a typewriter"]
)
def test_no_menu_opens_on_a_dumb_terminal_or_in_ci(
    terminal: Terminal, office: dict[str, ObjectId], env: dict[str, str]
) -> None:
    assert terminal("users", "show", env={**ENV, **env}).text.startswith("error: missing argument 'USER'\n")
    assert terminal("users", "show", "--no-input", env=ENV).text.startswith("error: missing argument 'USER'\n")
    assert terminal("audit", "undo", env={**ENV, **env}).text.startswith("error: missing argument 'EVENT'\n")
    assert terminal("audit", "undo", "--no-input").code == 2


def test_no_menu_opens_in_a_pipe(process: Process, terminal: Terminal, office: dict[str, ObjectId]) -> None:
    assert process("users", "show").returncode == 2
    assert process("users", "show", line="</dev/null | cat").returncode == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("roles rename", "missing argument 'ROLE'"),
        ("users unlink", "missing argument 'USER'"),
        ("users list --limit x", "is not a whole number"),
        ("messages show", "missing argument 'MESSAGE'"),
        ("users show --junk", "no such option: --junk"),
        ("users suspend --max x", "is not a whole number"),
    ],
)
def test_if_a_missing_argument_has_no_menu_the_error_comes_at_once(
    terminal: Terminal, office: dict[str, ObjectId], line: str, said: str
) -> None:
    screen = terminal(*line.split(), env=ENV)
    assert (screen.code, HELP in screen.text, said in screen.text) == (2, False, True), screen


def test_the_option_help_opens_no_menu(terminal: Terminal, office: dict[str, ObjectId]) -> None:
    screen = terminal("users", "show", "--help", env=ENV)
    assert (screen.code, HELP in screen.text) == (0, False)


def test_without_items_for_a_menu_the_usual_error_is_printed(terminal: Terminal, chatctl: Chatctl) -> None:
    assert terminal("users", "show", env=ENV).text.startswith("error: missing argument 'USER'\n")


def test_a_read_only_context_refuses_a_write_before_a_menu_opens(
    terminal: Terminal, chatctl: Chatctl, url: str, office: dict[str, ObjectId]
) -> None:
    chatctl("context", "add", "here", "--url", url, "--read-only")
    screen = terminal("users", "suspend", "--context", "here", env=ENV)
    assert (screen.code, "here is read-only" in screen.text) == (7, True)


def test_the_menu_searches_the_database_if_there_are_many_users(
    url: str, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picker, "MOST_READ", 5)
    monkeypatch.setattr(picker, "MOST_SHOWN", 3)
    for number in range(20):
        person(database, f"user{number:02}")
    connection.choose(url)
    choices = picker._Choices(picker.KINDS["USER"])
    assert (len(choices.rows), choices.limits) == (5, "")
    assert [name for _, name, _ in choices.matching("")] == ["user00", "user01", "user02"]
    assert [name for _, name, _ in choices.matching("example user19")] == ["user19"]
    assert [name for _, name, _ in choices.matching("USER1")] == ["user10", "user11", "user12"]
    database["Role"].insert_many({"name": f"role{number}"} for number in range(7))
    assert picker._Choices(picker.KINDS["ROLE"]).limits == "Only the first 5 are listed. "
