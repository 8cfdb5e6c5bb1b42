"""The README lists the same commands and libraries as the program, and all its links work."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from generate import NAMES, PAGES, ROOT
from typer.main import get_command

from cli.app import app
from cli.commands import COMMANDS, GROUPS

README = (ROOT / "README.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| \[`(\w+)`\]\(.*?\) \| .*? \| ((?:`[\w-]+` ?)*)\|$", README, re.MULTILINE))


def test_the_readme_lists_the_same_groups_as_the_help() -> None:
    assert list(ROWS) == [*GROUPS, *COMMANDS]


@pytest.mark.parametrize("name", GROUPS)
def test_the_readme_lists_the_same_commands_of_a_group_as_the_help(name: str) -> None:
    group: Any = get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    assert re.findall(r"`([\w-]+)`", ROWS[name]) == group.list_commands(None)


def test_the_readme_lists_the_libraries_that_are_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    table = README.partition("| library |")[2]
    said = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([\w-]+)`", row)
    ]
    assert {name for name in said if name != "local"} == {re.split(r"[^\w-]", one)[0] for one in needed}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_of_a_page_leads_to_an_existing_file(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[\w-]*)?\)", page.read_text("utf-8")):
        assert link.startswith("https://") or (page.parent / link).exists(), link
