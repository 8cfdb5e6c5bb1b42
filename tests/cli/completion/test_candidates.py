"""The words that chatctl suggests for the next word of a command line."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from actions import SORTABLE
from actions.database.checking.rules import all_rules
from cli.commands import COMMANDS, GROUPS
from cli.completion.candidates import WORDS
from models.schema import DOCUMENTS
from models.values import UserStatus
from tests.cli.completion.conftest import Complete
from tests.cli.test_app import HEAVY
from tests.conftest import Chatctl

ROOT_OPTIONS = ["--debug", "--expect", "--no-input", "--local", "--context", "--url", "--env-file", "--help"]
FORMS = ["table", "wide", "json", "ndjson", "yaml", "csv", "ids"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_printed_script_is_for_the_given_shell(chatctl: Chatctl, shell: str) -> None:
    script = chatctl("completion", shell).stdout
    assert f"Completion of chatctl for {shell}." in script
    assert script.endswith("\n")


def test_an_unknown_shell_is_refused(chatctl: Chatctl) -> None:
    assert '"tcsh" is not valid here. Choose bash, zsh or fish.' in chatctl("completion", "tcsh", code=2).stderr


def test_the_help_says_how_to_install_the_script_and_hides_options_for_shells(chatctl: Chatctl) -> None:
    shown = chatctl("completion", "--help").stdout
    assert 'eval "$(chatctl completion zsh)"' in shown
    assert "--line" not in shown


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chatctl ", [*GROUPS, *COMMANDS]),
        ("chatctl us", ["users"]),
        ("chatctl --local --url x us", ["users"]),
        ("chatctl --url=x us", ["users"]),
        ("chatctl --url us", []),
        ("chatctl roles re", ["rename", "revoke"]),
        ("chatctl 'roles' \"re", ["rename", "revoke"]),
        ("/opt/bin/chatctl roles re", ["rename", "revoke"]),
        ("chatctl conv tr", ["transcript"]),
        ("chatctl msg re", ["redact"]),
        ("chatctl perm list --sort ", ["id", "name", "-id", "-name"]),
        ("chatctl con", ["conversations", "context"]),
        ("chatctl rols ", []),
        ("chatctl roles --", ROOT_OPTIONS),
        ("chatctl roles matrix -o", ["-o"]),
        ("chatctl roles matrix -o ", FORMS),
        ("chatctl roles matrix --output ", FORMS),
        ("chatctl roles matrix --output=", [f"--output={form}" for form in FORMS]),
        ("chatctl roles matrix --output=nd", ["--output=ndjson"]),
        ("chatctl roles matrix --nothing=nd", []),
        ("chatctl roles delete -nyo ", ["table", "json"]),
        ("chatctl roles delete -n --dr", ["--dry-run"]),
        ("chatctl roles delete -- --dr", []),
        ("chatctl db stats --by ", ["day", "week", "month"]),
        ("chatctl users import people.csv --on-conflict s", ["skip"]),
        ("chatctl users list --status S", ["SUSPENDED"]),
        ("chatctl db check --rule email", ["email-case"]),
        ("chatctl db check --rule email-case --rule un", ["unknown-status", "unsynced-copy"]),
        ("chatctl db check --collection P", ["Profile", "Permission"]),
        ("chatctl roles list --columns na", ["name"]),
        ("chatctl roles list --columns id,na", ["id,name"]),
        ("chatctl roles list --columns=id,na", ["--columns=id,name"]),
        ("chatctl roles list --sort -n", ["-name"]),
        ("chatctl completion ", ["bash", "zsh", "fish"]),
        ("chatctl completion bash ", []),
        ("chatctl users import ", [":files"]),
        ("chatctl seeds apply a.yaml b", [":files"]),
        ("chatctl users export --to ", [":files"]),
        ("chatctl users export --to=pe", [":files"]),
        ("chatctl --env-file ", [":files"]),
        ("chatctl roles list > pe", [":files"]),
        ("chatctl roles list 2>> pe", [":files"]),
        ("chatctl users list --search ", []),
        ("chatctl context show --con", ["--context"]),
        ("", []),
        ("chatctl", []),
        ("chatctl 'us\\", []),
        ("chatctl \x00us", []),
        ("chatctl \x1b[31mus", []),
        ("chatctl users import people.json --from fir", ["firebase"]),
        ("chatctl users import people.json --username-from ", ["email", "name"]),
    ],
)
def test_a_line_is_completed_with_the_possible_words(complete: Complete, line: str, words: list[str]) -> None:
    assert complete(line) == words


def test_bash_gets_the_rest_after_the_typed_part(complete: Complete) -> None:
    assert complete("chatctl roles matrix --output=nd", "bash") == ["json"]
    assert complete("chatctl users import pe", "bash") == [":files"]


def test_completion_offers_the_same_words_as_the_program(chatctl: Chatctl) -> None:
    assert WORDS["STATUS"] == tuple(UserStatus)
    assert WORDS["RULE"] == tuple(sorted({rule.name for rule in all_rules()}))
    assert WORDS["COLLECTION"] == tuple(document._meta["collection"] for document in DOCUMENTS)


LISTS = [*(f"{group} list" for group in SORTABLE), "messages search x"]


@pytest.mark.parametrize("line", LISTS)
def test_lists_accept_all_columns_and_sort_fields_that_are_completed(
    either: Chatctl, complete: Complete, line: str
) -> None:
    words = line.split()
    columns = complete(f"chatctl {line} --columns ")
    assert either(*words, "--columns", ",".join(columns), "-o", "json").stdout == "[]\n"
    orders = complete(f"chatctl {line} --sort ")
    assert len(orders) == 2 + 2 * len(SORTABLE[words[0]])
    for order in orders:
        assert json.loads(either(*words, "--sort", order, "-o", "json").stdout) == []


def test_names_of_contexts_are_completed(chatctl: Chatctl, complete: Complete, workspace: Path) -> None:
    for name in ("prod", "production", "staging"):
        chatctl("context", "add", name, "--url-command", "touch ran")
    assert complete("chatctl --context pro") == ["prod", "production"]
    assert complete("chatctl users list --context=s") == ["--context=staging"]
    assert complete("chatctl context use s") == ["staging"]
    assert complete("chatctl context add s") == []
    assert complete("chatctl --context prod roles show ") == []
    assert not (workspace / "ran").exists()


@pytest.mark.parametrize(
    "line", ["chatctl ", "chatctl users list -o ", "chatctl db check --rule ", "chatctl seeds apply "]
)
def test_completing_words_of_the_program_loads_no_driver(line: str) -> None:
    program = (
        "import sys; from cli.app import main\n"
        "sys.argv = ['chatctl', 'completion', 'zsh', '--line']\n"
        "try: main()\n"
        f"except SystemExit: print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], input=line, capture_output=True, text=True, check=True)  # noqa: S603
    *words, loaded = done.stdout.split("\n")[:-1]
    assert words
    assert loaded == ""
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chatctl us", ["users"]),
        ("chatctl  users  s", ["show", "suspend", "set-password"]),
        ("chatctl msg ta", ["tail"]),
        ("chatctl users suspend a", []),
        ("chatctl -", []),
    ],
)
def test_the_script_for_bash_completes_names_of_commands_without_starting_chatctl(
    chatctl: Chatctl, line: str, words: list[str]
) -> None:
    variables = f"COMP_LINE='{line}' COMP_POINT={len(line)}"
    call = f"_chatctl chatctl '{line.rsplit(maxsplit=1)[-1]}'"
    script = f"{chatctl('completion', 'bash').stdout}\n{variables}; {call}; echo ${{COMPREPLY[@]}}"
    shell = str(shutil.which("bash"))
    done = subprocess.run([shell, "-c", script], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == words
