"""Every example of the documentation is typed, and prints what the page shows."""

import os
from pathlib import Path

import pytest
from generate import NAMES, PAGES, ROOT
from session import Session, blocks, steps, write

from tests.conftest import Chatctl

TAKE = "CHATCTL_DOCS"
"""An environment variable. With the value `take`, the tests write the output into the pages. Review these changes."""
INSTALLING = ("git clone ", "cd ", "uv tool install ", "pipx install ", "uv run pytest", "uv run python docs/")
INSTALLING += ("uv build ", "docker ")
"""The possible beginnings of the lines in a `sh` block. These lines install or build chatctl, so no test runs them."""


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_each_command_on_a_page_prints_what_the_page_shows(page: Path, session: Session, workspace: Path) -> None:
    text = page.read_text("utf-8")
    wrong = []
    for block in blocks(text):
        if block.name:
            write(workspace, block)
        for step in steps(block) if block.language == "console" else ():
            if step.command == "echo $?":
                assert step.shown == f"{session.code}\n", f"before: {block.text}"
                session.code = 0
                continue
            assert session.code == 0, f"failed with {session.code}, before: {step.command}"
            printed = session.type(step)
            if step.shown and not session.fits(step.shown, printed):
                wrong.append((step, session.taken(step.shown, printed)))
    assert session.code == 0
    if wrong and os.environ.get(TAKE) == "take":
        for step, printed in reversed(wrong):
            text = text[: step.start] + printed + text[step.end :]
        page.write_text(text, "utf-8")
    assert [(step.command, step.shown) for step, _ in wrong] == [(step.command, printed) for step, printed in wrong]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_block_of_a_page_has_a_kind_that_is_tested(page: Path) -> None:
    found = blocks(page.read_text("utf-8"))
    assert len(found) * 2 == sum(line.startswith("```") for line in page.read_text("utf-8").splitlines())
    for block in found:
        assert block.language in {"console", "text", "sh"} or block.name, block
        if block.language == "sh" and not block.name:
            assert [line for line in block.text.splitlines() if not line.startswith(INSTALLING)] == []


def test_output_that_differs_from_the_page_is_noticed(session: Session, chatctl: Chatctl) -> None:
    shown = "ID  USERNAME\n650000000000000000000001  …\n"
    assert session.fits(shown, "ID   USERNAME\n650000000000000000000001  ada\n")
    assert not session.fits(shown, "ID   USERNAME\n650000000000000000000002  ada\n")
    assert session.fits("undo: 111111111111111111111111\n", "undo: 222222222222222222222222\n")
    assert not session.fits("undo: 111111111111111111111111\n", "undo: 333333333333333333333333\n")
    assert not session.fits("one\n", "one\ntwo\n")
    assert session.fits("one\n…\n", "one\ntwo\nthree\n")


def test_each_task_has_three_to_six_commands() -> None:
    page = (ROOT / "docs" / "tasks.md").read_text("utf-8")
    tasks = page.split("\n### ")[1:]
    assert len(tasks) >= 20
    for task in tasks:
        [block] = blocks(task)
        assert 3 <= len([*steps(block)]) <= 6, task
    for linking in ("README.md", "docs/README.md"):
        assert "tasks.md)" in (ROOT / linking).read_text("utf-8")
