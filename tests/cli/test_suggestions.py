"""The hints for commands and options that a user has mistyped."""

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
        ("users unsuspend ada", 'no command "unsuspend" in chatctl users', 'did you mean "reinstate"?'),
        ("users activate ada", 'no command "activate" in chatctl users', 'did you mean "reinstate"?'),
        ("users Deactivate ada", 'no command "Deactivate" in chatctl users', 'did you mean "suspend"?'),
        ("users search ada", 'no command "search" in chatctl users', 'did you mean "chatctl users list --search ada"?'),
        ("users find", 'no command "find" in chatctl users', 'did you mean "chatctl users list --search"?'),
        ("messages find tea", 'no command "find" in chatctl messages', 'did you mean "search"?'),
        ("roles find x", 'no command "find" in chatctl roles', 'did you mean "list"?'),
        ("conversations read x", 'no command "read" in chatctl conversations', 'did you mean "transcript"?'),
        ("messages read x", 'no command "read" in chatctl messages', 'did you mean "show"?'),
        ("conversations rm x", 'no command "rm" in chatctl conversations', 'did you mean "delete"?'),
        ("list users", 'no command "list" in chatctl', 'did you mean "chatctl users list"?'),
        ("list", 'no command "list" in chatctl', "see chatctl --help"),
        (
            "users --status ACTIVE list",
            "no such option: --status",
            "write the options after the command: chatctl users COMMAND --status",
        ),
        (
            "-o json users list",
            "no such option: -o",
            "write the options after the command: chatctl GROUP COMMAND -o",
        ),
        ("users --lcoal list", "no such option: --lcoal", "did you mean --local?"),
        (
            "roles matrix --columns id",
            "no such option: --columns",
            "--columns is an option of chatctl roles list; see chatctl roles matrix --help",
        ),
        ("users list --json", "no such option: --json", "did you mean -o json?"),
        ("users suspend ada --json", "no such option: --json", "did you mean -o json?"),
        ("users suspend ada --csv", "no such option: --csv", "see chatctl users suspend --help"),
        (
            "--json users list",
            "no such option: --json",
            "write the options after the command: chatctl GROUP COMMAND -o json",
        ),
        ("users list --quiet", "no such option: --quiet", "-o ids prints only ids; 2>/dev/null hides the notes"),
        ("users suspend a -q", "no such option: -q", "-o json prints no notes; 2>/dev/null hides the notes"),
        ("seeds export -q", "no such option: -q", "2>/dev/null hides the notes"),
        ("users delete ada --force", "no such option: --force", "did you mean --yes?"),
        ("users list --page 2", "no such option: --page", "did you mean --after?"),
        ("users list --no-color", "no such option: --no-color", "put NO_COLOR=1 before chatctl"),
        ("--color=always users list", "no such option: --color", "put FORCE_COLOR=1 before chatctl"),
        ("--local roles matrix --no-pager", "no such option: --no-pager", "put CHATCTL_PAGER=cat before chatctl"),
        ("users list --verbose", "no such option: --verbose", "did you mean --debug?"),
        ("roles list -x", "no such option: -x", "see chatctl roles list --help"),
        ("roles list --junk", "no such option: --junk", "see chatctl roles list --help"),
    ],
)
def test_a_wrong_command_line_gets_a_hint_with_the_right_command(
    chatctl: Chatctl, line: str, message: str, hint: str
) -> None:
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


@pytest.mark.parametrize(
    ("line", "code", "hint"),
    [
        ("users grant ada --role a,b", 3, "repeat the option: --role a --role b"),
        ("users revoke ada --role=a,b,", 3, "repeat the option: --role a --role b"),
        ("roles create r --permission user.read,x", 3, "repeat the option: --permission user.read --permission x"),
        ("db check --rule a,b", 2, "repeat the option: --rule a --rule b"),
        ("users list --role a,b", 3, "--role takes one name"),
        ("users suspend ada,bob", 3, "separate names with spaces: ada bob"),
        ("users suspend ada,$(x)", 3, "separate names with spaces: ada '$(x)'"),
        ("permissions delete a,b", 3, "separate names with spaces: a b"),
        ("roles show a,b", 3, "see chatctl roles list"),
        ("users suspend ada,", 3, 'did you mean "ada"?'),
    ],
)
def test_for_names_joined_by_commas_the_hint_says_how_to_give_several(
    either: Chatctl, line: str, code: int, hint: str
) -> None:
    either("users", "create", "--email", "ada@example.org", "--username", "ada", "--no-password")
    assert either(*line.split(), code=code).stderr.splitlines()[-1] == f"hint: {hint}"


def test_a_name_with_a_comma_is_found(either: Chatctl) -> None:
    either("roles", "create", "a,b")
    assert "a,b" in either("roles", "show", "a,b").stdout
    assert either("roles", "delete", "a,b", "--yes").stdout == "a,b: deleted\n"
