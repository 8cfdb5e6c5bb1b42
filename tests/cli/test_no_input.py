"""With --no-input, chatctl asks no question. On a terminal, every command then ends as it does in a pipe."""

import pytest
from people import Documents, person

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("users", "suspend", "ada"), 7),
        (("users", "set-password", "ada"), 2),
        (("users", "create", "--email", "eve@example.org", "--username", "eve"), 2),
        (("messages", "send", "--conversation", "Lobby", "--from", "ada"), 2),
        (("context", "add", "here"), 2),
        (("users", "show"), 2),
        (("audit", "undo"), 2),
    ],
)
def test_with_no_input_no_question_is_asked_on_a_terminal(
    terminal: Terminal, chatctl: Chatctl, database: Documents, line: tuple[str, ...], code: int
) -> None:
    for name in ("ada", "bob", "cyd"):
        person(database, name)
    chatctl("conversations", "create", "ada", "bob", "cyd", "--name", "Lobby")
    for words in (("--no-input", *line), (*line, "--no-input")):
        screen = terminal(*words, env={"NO_COLOR": "1"})
        assert (screen.code, "[y/N]" in screen.text) == (code, False), screen
        assert "\nhint: " in screen.text
    assert database["User"].count_documents({"status": "ACTIVE"}) == 3


def test_with_no_input_the_name_of_a_protected_database_is_not_asked_for(
    terminal: Terminal, chatctl: Chatctl, database: Documents
) -> None:
    person(database, "ada")
    chatctl("db", "protect", "prod", "--yes")
    screen = terminal("users", "suspend", "ada", "--no-input")
    assert (screen.code, "--expect prod" in screen.text) == (7, True)
    assert terminal("users", "suspend", "ada", "--no-input", "--expect", "prod").code == 0
