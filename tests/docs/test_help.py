"""The pages show the help texts as chatctl prints them, and the examples in the help work."""

import re
from pathlib import Path

import office
import pytest
import typed
from bson import ObjectId
from generate import NAMES, PAGES, contexts, generated
from people import Documents
from session import Session, Step

from changes import Insert
from changes.plans import Plan
from cli import errors
from cli.commands import COMMANDS, GROUPS
from tests.conftest import Chatctl

FOLLOWS = "chatctl messages tail"
"""The command that runs until the user stops it. The tests stop this command after two seconds."""
HOLD = "holds add case-12 --user ada --reason law"
BEFORE = {
    "chatctl db unprotect": ["db protect production"],
    "chatctl users merge": ["users create --email ada2@example.org --username ada2 --no-password"],
    **{f"chatctl holds {verb}": [HOLD] for verb in ("show", "release", "check", "export")},
    "chatctl context use": ["context add staging --url-env STAGING_URL"],
    "chatctl context remove": ["db copy --local-as play --yes"],
}
"""Command → the command lines to run before its example."""
PROPOSAL = ObjectId("66b0c0ffee66b0c0ffee66b1")
COMPLETES = re.compile(r"chatctl completion \w+")
"""Matches a command that prints a script for a shell. Other tests run these scripts."""
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_generated_parts_of_a_page_are_up_to_date(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text == generated(text), "uv run python docs/generate.py writes it"


@pytest.mark.parametrize("name", ["chatctl", *GROUPS, *COMMANDS])
def test_every_command_is_on_a_page(name: str) -> None:
    page = ROOT / "docs" / (f"{name}.md" if name in GROUPS else "README.md")
    assert f"<!-- help: {name} -->\n" in page.read_text("utf-8")


def test_the_generated_help_is_the_same_as_the_printed_help(chatctl: Chatctl) -> None:
    for above in ("users", "db"):
        for context in contexts(above):
            words = context.command_path.split()[1:]
            assert chatctl(*words, "--help").stdout == f"{context.get_help()}\n"


@pytest.mark.parametrize("group", ["chatctl", *GROUPS, *COMMANDS])
def test_the_examples_of_every_help_work(
    group: str, chatctl: Chatctl, session: Session, settled: Documents, workspace: Path
) -> None:
    (workspace / "people.csv").write_text("email,username\nnew@example.org,new\n")
    (workspace / "retention.yaml").write_text("version: 1\nretention: [{name: old, messages: {older_than: 30d}}]\n")
    (workspace / "seeds").mkdir()
    (workspace / "seeds" / "team.yaml").write_text("version: 1\nseed: team\npermissions: [user.read]\n")
    for context in contexts(group):
        if group in GROUPS and context.command_path == f"chatctl {group}":
            continue
        examples = (context.command.epilog or "").splitlines()
        assert examples, f"{context.command_path} --help has no example"
        office.settle(chatctl, settled)
        if group == "proposals":
            who = "grace" if context.command_path.endswith("withdraw") else "kay"
            create = Insert("Permission", {"_id": ObjectId(), "name": "audit.read", "rolesIds": []})
            typed.propose(settled, PROPOSAL, who, Plan("permissions create audit.read", [[create]]))
        for line in BEFORE.get(context.command_path, ()):
            chatctl(*line.split())
        for example in examples:
            line = example.partition("   ")[0].replace(FOLLOWS, f"timeout -s INT 2 {FOLLOWS}")
            line = "".join(re.findall(COMPLETES, line)) or line
            printed = session.type(Step(line, "", 0))
            if session.code == 7 and "confirmation is required" in printed:  # the command asks for confirmation
                printed = session.type(Step(f"{line} --yes", "", 0))
            assert session.code == (124 if FOLLOWS in line else 0), (example, printed)


def test_each_exit_code_is_in_the_tables_of_the_documentation() -> None:
    codes = {number for number, _ in errors.EXITS.values()} | {0, 1, errors.BUG, errors.INTERRUPTED, errors.TERMINATED}
    for page in ("README.md", "docs/scripting.md"):
        cells = re.findall(r"^\| ([\d, ]+) \|", (ROOT / page).read_text(), re.MULTILINE)
        assert {int(number) for cell in cells for number in cell.split(",")} == codes, page
