"""The help of every command: its sections, the columns of lists, and how options are described."""

import re
from typing import Any

import pytest
from generate import contexts

from actions import SORTABLE
from cli.commands import COMMANDS, GROUPS
from cli.group import HEADINGS
from tests.conftest import Chatctl

LISTS = [*([group, "list"] for group in SORTABLE), ["messages", "search", "text"]]
HEADING_OF = {
    **dict.fromkeys(["--output", "--columns", "--sort", "--count", "--to", "--overwrite"], "Output"),
    **dict.fromkeys(["--reveal", "--format", "--debug", "--help", "--utc", "--ids"], "Output"),
    **dict.fromkeys(["--limit", "--all", "--after"], "Paging"),
    **dict.fromkeys(["--dry-run", "--yes", "--max", "--reason", "--expect", "--no-input"], "Safety"),
    **dict.fromkeys(["--allow-last-member", "--allow-lockout"], "Safety"),
    **dict.fromkeys(["--local", "--context", "--url", "--env-file"], "Connection"),
    **dict.fromkeys(["--since", "--until", "--before", "--status", "--search", "--sender", "--user"], "Filters"),
}
"""Option → the section of the help that describes it. The option means the same on every command."""
ELSEWHERE = {("context add", "--url"), ("users import", "--columns"), ("holds add", "--user"), ("db copy", "--to")}
"""Options of single commands. Another command has an option with the same name and another meaning."""


def commands() -> list[Any]:
    """Return the Click context of every group and command."""
    return [context for name in ("chatctl", *GROUPS, *COMMANDS) for context in contexts(name)]


CONTEXTS = commands()
PATHS = [context.command_path.removeprefix("chatctl").strip() for context in CONTEXTS]


def sections(text: str) -> dict[str, str]:
    """Return the text under each heading of a help text."""
    parts = re.split(r"^(\w+):\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def listed(text: str, title: str) -> list[str]:
    """Return the names that a help text lists after a title."""
    names = re.search(rf"^  {title}: +((?:.+\n)(?: {{10,}}.+\n)*)", text, re.MULTILINE)
    assert names, title
    return re.findall(r"\w+", names[1])


@pytest.mark.parametrize("path", PATHS)
def test_help_has_its_sections_in_one_order_and_the_connection_last(chatctl: Chatctl, path: str) -> None:
    order = ["Commands", *HEADINGS, "Examples"]
    found = [*sections(chatctl(*path.split(), "--help").stdout)]
    assert found == sorted(found, key=order.index)
    assert [name for name in found if name != "Examples"][-1] == "Connection"


@pytest.mark.parametrize("path", PATHS)
def test_an_option_is_under_the_same_heading_in_every_help(chatctl: Chatctl, path: str) -> None:
    for heading, text in sections(chatctl(*path.split(), "--help").stdout).items():
        for option in re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE):
            if (path, option) not in ELSEWHERE:
                assert HEADING_OF.get(option, heading) == heading, option


def test_all_filters_of_a_list_are_under_one_heading(chatctl: Chatctl) -> None:
    for line in LISTS:
        found = sections(chatctl(*line[:2], "--help").stdout)
        assert found.get("Options", "").split()[:1] in ([], ["--regex"])


@pytest.mark.parametrize("line", LISTS, ids=" ".join)
def test_the_help_of_a_list_names_its_columns_and_sort_fields(chatctl: Chatctl, line: list[str]) -> None:
    text = chatctl(*line[:2], "--help").stdout
    columns = chatctl(*line, "--columns", "-", code=2).stderr
    assert columns.endswith(f"use {', '.join(listed(text, 'Columns'))}\n")
    fields = chatctl(*line, "--sort", "!", code=2).stderr
    assert fields.endswith(f"sort by {', '.join(listed(text, 'Sort fields'))}\n")


def test_two_arguments_of_one_kind_are_described_once(chatctl: Chatctl) -> None:
    text = chatctl("roles", "diff", "--help").stdout
    assert text.startswith("Usage: chatctl roles diff [OPTIONS] {ROLE} {ROLE}\n")
    assert sections(text)["Arguments"] == "  ROLE  Name or id of a role.  [required]\n\n"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("columns", ["50", "80"])
def test_no_line_of_a_help_ends_inside_a_word(chatctl: Chatctl, path: str, columns: str) -> None:
    lines = chatctl(*path.split(), "--help", env={"COLUMNS": columns}).stdout.splitlines()
    assert [line for line in lines if re.search(r"\w-$", line)] == []


@pytest.mark.parametrize("context", CONTEXTS, ids=PATHS)
def test_every_option_is_described_by_a_sentence_that_says_if_it_repeats(context: Any) -> None:
    for option in context.command.get_params(context):
        if option.hidden:
            continue
        text = option.help or ""
        assert re.fullmatch(r"[A-Z].*[.\])]", text), (option.name, text)
        if option.param_type_name == "option":
            assert ("(repeatable)" in text) == option.multiple, (option.name, text)
