"""Hints for mistyped commands and options."""

import pytest

from tests.conftest import Chatctl

LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("help", 'no command "help" in chatctl', "see chatctl --help"),
        ("help users list", 'no command "help" in chatctl', "see chatctl users list --help"),
        ("users help", 'no command "help" in chatctl users', "see chatctl users --help"),
        ("version", 'no command "version" in chatctl', "see chatctl --version"),
        ("-v", "no such option: -v", "see chatctl --version"),
        ("users list --version", "no such option: --version", "see chatctl --version"),
        ("user list", 'no command "user" in chatctl', 'did you mean "users"?'),
        ("users lst", 'no command "lst" in chatctl users', 'did you mean "list"?'),
        ("users ls", 'no command "ls" in chatctl users', 'did you mean "list"?'),
        ("users ban ada", 'no command "ban" in chatctl users', 'did you mean "suspend"?'),
        ("roles rm intern", 'no command "rm" in chatctl roles', 'did you mean "delete"?'),
        ("conversations rm x", 'no command "rm" in chatctl conversations', 'did you mean "delete"?'),
        ("list users", 'no command "list" in chatctl', 'did you mean "chatctl users list"?'),
        ("list", 'no command "list" in chatctl', "see chatctl --help"),
        (
            "users --status ACTIVE list",
            "no such option: --status",
            "the options of a command stand behind it, as in chatctl users COMMAND --status",
        ),
        (
            "-o json users list",
            "no such option: -o",
            "the options of a command stand behind it, as in chatctl GROUP COMMAND -o",
        ),
        ("users --lcoal list", "no such option: --lcoal", "did you mean --local?"),
        (
            "roles matrix --columns id",
            "no such option: --columns",
            "--columns is an option of chatctl roles list; see chatctl roles matrix --help",
        ),
        ("roles list -x", "no such option: -x", "see chatctl roles list --help"),
        ("roles list --junk", "no such option: --junk", "see chatctl roles list --help"),
    ],
)
def test_a_misunderstood_line_gets_the_right_command(chatctl: Chatctl, line: str, message: str, hint: str) -> None:
    said = chatctl(*line.split(), code=2)
    if said.stderr.startswith("{"):
        assert f'"message": "{message}", "hint": "{hint}"' in said.stderr
    else:
        assert said.stderr == f"error: {message}\nhint: {hint}\n"


def test_an_empty_word_is_not_a_command(chatctl: Chatctl) -> None:
    assert chatctl("", code=2).stderr == 'error: no command "" in chatctl\nhint: see chatctl --help\n'


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ([LONG], 2),
        (["users", LONG], 2),
        (["users", "list", f"--{LONG}"], 2),
        (["users", "list", "-o", LONG], 2),
        (["users", "list", "--search", LONG], 2),
        (["users", "list", "--email-domain", LONG], 2),
        (["conversations", "list", "--search", LONG], 2),
        (["audit", "list", "--command", LONG], 2),
        (["users", "show", LONG], 3),
        (["users", "show", f"{LONG}@example.org"], 3),
        (["roles", "show", LONG], 3),
        (["roles", "create", LONG], 5),
    ],
)
def test_a_very_long_word_is_refused_in_a_few_lines(chatctl: Chatctl, line: list[str], code: int) -> None:
    said = chatctl(*line, code=code).stderr
    assert len(said) < 1_200
    assert said.startswith("error: ")


def test_an_empty_filter_is_refused(chatctl: Chatctl) -> None:
    assert chatctl("audit", "list", "--command", "", code=2).stderr == "error: --command cannot be empty\n"
