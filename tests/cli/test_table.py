"""A table is not wider than the terminal. In a pipe, a table is complete."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.output import streams, table
from cli.output.table import Heading

HEADINGS = [Heading("ID", whole=True), Heading("NAME"), Heading("COUNT", right=True)]
ROWS = [["a" * 24, "support", "3"], ["b" * 24, "日本語の役割", "12"]]


def test_columns_are_aligned_by_the_width_of_characters() -> None:
    assert list(table.lines(HEADINGS, ROWS, None)) == [
        "ID                        NAME          COUNT",
        "aaaaaaaaaaaaaaaaaaaaaaaa  support           3",
        "bbbbbbbbbbbbbbbbbbbbbbbb  日本語の役割     12",
    ]


def test_a_narrow_terminal_cuts_names_before_ids() -> None:
    assert list(table.lines(HEADINGS, ROWS, 40)) == [
        "ID                        NAME     COUNT",
        "aaaaaaaaaaaaaaaaaaaaaaaa  support      3",
        "bbbbbbbbbbbbbbbbbbbbbbbb  日本語…     12",
    ]


def test_a_long_text_in_a_pipe_is_complete_and_does_not_misalign_other_lines() -> None:
    lines = list(table.lines(HEADINGS[1:], [["x" * 10_000, "1"], ["y", "2"]], None))
    assert lines[1] == "x" * 10_000 + "      1"
    assert len(lines[2]) == table.WIDEST + len("  COUNT")


@given(st.lists(st.lists(st.text(st.characters(categories=["L", "Zs"])), min_size=3, max_size=3), max_size=5))
def test_no_line_is_wider_than_the_terminal(rows: list[list[str]]) -> None:
    lines = list(table.lines(HEADINGS, rows, 40))
    assert len(lines) == len(rows) + 1
    assert all(table.cell_width(line) <= 40 for line in lines)


def test_a_list_that_is_too_wide_continues_on_the_next_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "width", lambda: 30)
    assert table.wrap_parts(["user.read", "user.suspend", "message.read"], 10).split("\n") == [
        "user.read,",
        "          user.suspend,",
        "          message.read",
    ]
    assert list(table.column_ranges(10, ["support", "admin", "moderator"], 30)) == [(0, 2), (2, 3)]


def test_without_a_terminal_a_wide_list_is_not_divided() -> None:
    assert table.wrap_parts(["a" * 80, "b" * 80], 10) == f"{'a' * 80}, {'b' * 80}"
    assert list(table.column_ranges(10, ["x" * 100] * 5, None)) == [(0, 5)]


@pytest.mark.parametrize(
    ("headings", "widths", "available", "shown"),
    [
        ([Heading(""), Heading(""), Heading("")], [5, 5, 5], 40, [5, 5, 5]),
        ([Heading(""), Heading(""), Heading("")], [5, 50, 50], 49, [5, 20, 20]),
        ([Heading(""), Heading(""), Heading("", share=2)], [50, 50, 50], 44, [10, 10, 20]),
        ([Heading("", share=2), Heading(""), Heading("", share=2)], [3, 50, 500], 37, [3, 10, 20]),
        ([Heading(""), Heading("CONVERSATION"), Heading("", share=2)], [6, 20, 500], 38, [6, 12, 16]),
        ([Heading("USERNAME"), Heading("EMAIL")], [50, 50], 8, [3, 3]),
        ([Heading(""), Heading(""), Heading("")], [50, 50, 50], 3, [1, 1, 1]),
    ],
)
def test_columns_that_are_cut_divide_the_rest_by_their_shares_and_keep_their_headings(
    headings: list[Heading], widths: list[int], available: int, shown: list[int]
) -> None:
    assert table._fitted(widths, headings, available) == shown


def test_a_very_long_id_leaves_room_for_other_columns() -> None:
    [_, line] = table.lines(HEADINGS, [["a" * 500, "support", "3"]], 40)
    assert line == f"{'a' * 23}…  support      3"
