"""Tables: fitted to a terminal, complete in a pipe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.output import streams, table
from cli.output.table import Heading

HEADINGS = [Heading("ID", whole=True), Heading("NAME"), Heading("COUNT", right=True)]
ROWS = [["a" * 24, "support", "3"], ["b" * 24, "日本語の役割", "12"]]


@pytest.fixture
def width(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(streams, "width", lambda: request.param)


def test_columns_are_aligned_by_the_width_of_characters() -> None:
    assert list(table.lines(HEADINGS, ROWS)) == [
        "ID                        NAME          COUNT",
        "aaaaaaaaaaaaaaaaaaaaaaaa  support           3",
        "bbbbbbbbbbbbbbbbbbbbbbbb  日本語の役割     12",
    ]


@pytest.mark.parametrize("width", [40], indirect=True)
@pytest.mark.usefixtures("width")
def test_a_narrow_terminal_cuts_names_before_ids() -> None:
    assert list(table.lines(HEADINGS, ROWS)) == [
        "ID                        NAME     COUNT",
        "aaaaaaaaaaaaaaaaaaaaaaaa  support      3",
        "bbbbbbbbbbbbbbbbbbbbbbbb  日本語…     12",
    ]


def test_a_long_text_in_a_pipe_is_complete_and_does_not_misalign_other_lines() -> None:
    lines = list(table.lines(HEADINGS[1:], [["x" * 10_000, "1"], ["y", "2"]]))
    assert lines[1] == "x" * 10_000 + "      1"
    assert len(lines[2]) == table.WIDEST + len("  COUNT")


@given(st.lists(st.lists(st.text(st.characters(categories=["L", "Zs"])), min_size=3, max_size=3), max_size=5))
def test_no_line_is_wider_than_the_terminal(rows: list[list[str]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "width", lambda: 40)
        lines = list(table.lines(HEADINGS, rows))
    assert len(lines) == len(rows) + 1
    assert all(table.cell_width(line) <= 40 for line in lines)


@pytest.mark.parametrize("width", [30], indirect=True)
@pytest.mark.usefixtures("width")
def test_a_long_list_continues_below_itself() -> None:
    assert table.wrap_parts(["user.read", "user.suspend", "message.read"], 10).split("\n") == [
        "user.read,",
        "          user.suspend,",
        "          message.read",
    ]
    assert list(table.column_ranges(10, ["support", "admin", "moderator"])) == [(0, 2), (2, 3)]


def test_a_pipe_has_room_for_all_on_one_line() -> None:
    assert table.wrap_parts(["a" * 80, "b" * 80], 10) == f"{'a' * 80}, {'b' * 80}"
    assert list(table.column_ranges(10, ["x" * 100] * 5)) == [(0, 5)]
