"""Hostile text on a terminal, and values in every format."""

import csv
import io
import json
import subprocess
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
import yaml
from bson import Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from actions import csv_cells
from cli.output import formats, text

JOINERS = {"\u200c", "\u200d"}  # These characters stay where a writing system needs them.
anything = st.text(st.characters(codec=None, categories=None), max_size=40)


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("ada\u202etxt.exe", r"ada\u202etxt.exe"),
        ("\u2066a\u2069", r"\u2066a\u2069"),
        ("ad\u200bmin", r"ad\u200bmin"),
        ("ad\u200dmin", r"ad\u200dmin"),
        ("ad\u3164min", r"ad\u3164min"),
        ("admin\U000e0061", r"admin\U000e0061"),
        ("line\u2028separator", r"line\u2028separator"),
        ("\ud800", r"\ud800"),
        ("[red]x[/red] :smile:", "[red]x[/red] :smile:"),
        ("日本語 é e\u0301", "日本語 é e\u0301"),
        ("👩\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f\u20e3 👍🏽", "👩\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f\u20e3 👍🏽"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
        ("👩\u200da", "👩\\u200da"),
    ],
)
def test_control_characters_are_shown_as_text(given_text: str, shown: str) -> None:
    assert text.safe(given_text) == shown


def test_texts_of_several_lines_keep_their_newlines_and_tabs() -> None:
    assert text.safe("a\n\tb\r\x1b", lines=True) == "a\n\tb\\r\\x1b"


@given(anything)
def test_no_printed_text_can_control_the_terminal(value: str) -> None:
    assert [character for character in text.safe(value) if character not in JOINERS and _acts(character)] == []


def _acts(character: str) -> bool:
    """Tell whether a character can control a terminal, hide text, or change the direction of text."""
    hides = unicodedata.bidirectional(character) in {
        "BN",
        "LRE",
        "RLE",
        "PDF",
        "LRO",
        "RLO",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
    }
    return hides or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}


def people(value: object) -> object:
    return {"name": value, "list": [value, {"key": value}]}


@given(anything)
def test_json_reads_back_and_has_only_printable_characters(value: str) -> None:
    written = formats.as_json(people(value))
    assert written.isprintable()
    assert json.loads(written) == people(value)


@given(anything)
def test_yaml_reads_back_as_the_same_value(value: str) -> None:
    written = formats.as_yaml([people(value)])
    assert written.replace("\n", "").isprintable()
    assert yaml.safe_load(written) == [people(value)]


@pytest.mark.parametrize(
    "value", ["no", "y", "1e3", "0o17", "1:20", ".5", "-1", "null", "~", "2026-03-01", "", " a", "a: b"]
)
def test_yaml_quotes_text_that_looks_like_another_type(value: str) -> None:
    assert yaml.safe_load(formats.as_yaml({"name": value})) == {"name": value}
    assert formats.as_yaml({"name": value}).strip().endswith(("'", '"')) or value == "a: b"


FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
BLANK = "\t\r\n"
hostile = st.one_of(anything, st.text(f"{''.join(FORMULA)}{BLANK},;\"'\\a ", max_size=12))


@given(hostile)
def test_a_spreadsheet_runs_no_cell_and_an_import_reads_the_original_text(value: str) -> None:
    cell = formats._cell(value)
    assert not cell.startswith((*FORMULA, *BLANK))
    assert csv_cells.unescape_formulas(cell) == value


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1", "'=1"),
        ("'=1", "''=1"),
        ("\uff1d1", "'\uff1d1"),
        ("\n=1", "'\n'=1"),
        ("a;=1", "a;'=1"),
        ('a;"=1"', 'a;\'"=1"'),
        ("a;'=1", "a;''=1"),
        ("a,\t\uff201", "a,\t'\uff201"),
        ("Dear all,\n\nHello; it's me - Ada's 'cat'", "Dear all,\n\nHello; it's me - Ada's 'cat'"),
        (["a", "=1"], "a;'=1"),
        ([{"k": "a;=1"}], '[{"k": "a;\'=1"}]'),
        (-3, "-3"),
    ],
)
def test_a_quote_is_added_wherever_a_spreadsheet_would_begin_a_formula(value: object, cell: str) -> None:
    assert formats._cell(value) == cell


@given(st.lists(st.lists(hostile, min_size=3, max_size=3), max_size=4), st.sampled_from(",;\t"))
def test_a_spreadsheet_with_another_delimiter_runs_no_cell(rows: list[list[str]], by: str) -> None:
    written = "".join(formats._csv([dict(zip("abc", row, strict=True)) for row in rows], "abc"))
    read = [
        *csv.reader(io.StringIO(written, newline=""), delimiter=by),
        *(line.split(by) for line in written.split("\n")),
    ]
    assert [cell for row in read for cell in row if cell.lstrip(BLANK).startswith(FORMULA)] == []


@given(st.lists(hostile.filter(bool)))
def test_a_list_in_a_cell_is_read_back(values: list[str]) -> None:
    assert csv_cells.split_list(csv_cells.unescape_formulas(formats._cell(values))) == values


@given(st.lists(hostile, max_size=3), st.booleans())
def test_an_object_in_a_cell_is_read_back(values: list[str], nested: bool) -> None:
    value: object = [{"k": values}] if nested else {"k": values}
    assert json.loads(csv_cells.unescape_formulas(formats._cell(value))) == value


@given(st.lists(hostile, min_size=2))
def test_a_csv_line_ends_in_a_single_newline_and_is_read_back(values: list[str]) -> None:
    line = next(formats._csv([], values))
    assert line.endswith("\n")
    assert not line.endswith("\r\n") or values[-1].endswith("\r")
    assert list(csv.reader(io.StringIO(line, newline=""), strict=True)) == [values]


def test_csv_is_read_back_by_its_rules() -> None:
    row = {"a": 'say "hi"\nthere', "b": -3, "c": ["x", "y;z"], "d": {"k": "v"}, "e": None, "f": True}
    parts = formats._csv([row], list(row))
    header, line = csv.reader(io.StringIO("".join(parts), newline=""), strict=True)
    assert header == list(row)
    assert line == ['say "hi"\nthere', "-3", "x;y\\;z", '{"k": "v"}', "", "true"]


def test_values_have_the_same_form_in_all_formats_for_programs() -> None:
    time = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=timezone(timedelta(hours=2)))
    id_ = ObjectId("65f0c0ffee65f0c0ffee65f0")
    assert text.plain(
        [time, datetime(1, 1, 1, tzinfo=UTC), id_, Int64(7), 1.5, float("nan"), b"\x00\xff", None, True]
    ) == [
        "2026-03-01T10:00:00.123Z",
        "0001-01-01T00:00:00.000Z",
        "65f0c0ffee65f0c0ffee65f0",
        7,
        1.5,
        "nan",
        "AP8=",
        None,
        True,
    ]


def test_times_and_names_are_readable_for_people() -> None:
    assert text.cell(datetime(2026, 3, 1, 10, 0, 59, tzinfo=UTC)) == "2026-03-01 10:00Z"
    assert text.cell([{"id": 1, "username": "ada"}, {"id": 2, "username": "b\x1bob"}]) == r"ada, b\x1bob"
    assert [text.cell(value) for value in (None, True, False, 1234, {"pid": 1, "folder": "/x"})] == [
        "",
        "yes",
        "no",
        "1234",
        "pid 1, folder /x",
    ]


def test_cells_have_the_names_of_people_and_conversations() -> None:
    ada, ghost, place = {"id": 1, "username": "ada"}, {"id": 2, "username": None}, {"id": 3, "title": "a;b"}
    assert [text.cell(value) for value in (ada, [ada, ghost], place)] == ["ada", "ada, deleted user 2", "a;b"]
    assert [formats._cell(value) for value in (ada, ghost, [ada, ghost], [], place, {"id": 3, "messages": 5})] == [
        "ada",
        "2",
        "ada;2",
        "",
        "a;b",
        '{"id": 3, "messages": 5}',
    ]
    assert formats._cell([place, place]) == r"a\;b;a\;b"


def test_only_the_beginning_of_a_data_url_is_shown() -> None:
    assert text.address("https://images.example/" + "x" * 500) == "https://images.example/" + "x" * 500
    assert text.address("data:text/plain,hello") == "data:text/plain,hello"
    assert text.address("data:image/png;base64," + "A" * 2000) == "data:image/png;base64 (2,022 characters)"
    assert text.address("data:" + "\x1b" * 100) == "data:" + r"\x1b" * 55 + " (105 characters)"
    assert text.address(5) == "5"


@given(anything, anything, anything)
def test_a_match_is_marked_once_whatever_the_text_contains(before: str, found: str, after: str) -> None:
    shown = text.excerpt({"before": before, "found": found, "after": after})
    assert (shown.count(text.BEGIN), shown.count(text.END)) == ((1, 1) if found else (0, 0))
    assert shown.replace(text.BEGIN, "").replace(text.END, "") == "".join(map(text.safe, (before, found, after)))


@pytest.mark.parametrize("value", ["a b", "it's", "", "$(x)", "a\x1b[0m'b\\", "new\nline", "\u202e"])
def test_a_quoted_command_line_is_read_back_by_a_shell_and_safe_to_print(value: str) -> None:
    shown = text.quoted(["printf", "%s", value])
    assert shown == text.safe(shown)
    read = subprocess.run(["bash", "-c", shown], capture_output=True, check=True)  # noqa: S603, S607
    assert read.stdout.decode() == value
