"""Output on any terminal: columns are aligned, colours are readable, and notes break between words."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st
from people import BEGAN, Documents, conversation, messages, person
from rich.cells import cell_len, get_character_cell_size

from cli.output import streams, styles, table, text
from cli.output.table import Heading
from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

FAMILY, FLAG, THUMB, HEART = "👩\u200d👩\u200d👧", "🇨🇭", "👍🏽", "❤\ufe0f"
HEBREW, ARABIC, HINDI, JAPANESE = "דוד כהן", "محمد علي", "क्षत्रिय नमस्ते", "山田太郎"
ODD = (FAMILY, FLAG, THUMB, HEART, HEBREW, ARABIC, HINDI, JAPANESE, f"{FAMILY * 5} and {HINDI * 3}", "Zoë", "plain")
MOVES = re.compile(r"\x1b\[(\d+)G")
STYLED = re.compile(r"\x1b\[([0-9;]*)m")
ISOLATE, POP = "\u2068", "\u2069"
WIDTHS: dict[str, Callable[[str], int]] = {
    "one sign for what is joined": cell_len,
    "each character for itself": lambda cell: sum(map(get_character_cell_size, cell)),
    "two cells for all that is not ASCII": lambda cell: sum(1 + (not character.isascii()) for character in cell),
    "one cell for each character": len,
    "a box for each invisible character": lambda cell: sum(max(get_character_cell_size(one), 1) for one in cell),
}
"""Name → a function that measures the width of a text. Terminals measure this width in different ways."""


@pytest.fixture
def cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "draws", lambda: True)


def places(line: str, width: Callable[[str], int]) -> dict[str, int]:
    """Return at which columns of the terminal the cells like `<a>` begin. `width` measures the width of a text."""
    found = {}
    column = 1
    for number, part in enumerate(MOVES.split(line)):
        if number % 2:
            column = int(part)
            continue
        for cell in re.split(r"(<\w+>)", part):
            if cell.startswith("<"):
                found[cell] = column
            column += width(cell)
    return found


@pytest.mark.usefixtures("cursor")
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
@pytest.mark.parametrize("available", [40, 60, 80, 200])
def test_columns_are_aligned_on_terminals_that_measure_texts_differently(
    width: Callable[[str], int], available: int
) -> None:
    headings = [Heading("NAME"), Heading("<b>"), Heading("OTHER"), Heading("<d>")]
    lines = list(table.lines(headings, [[odd, "<b>", odd, "<d>"] for odd in ODD], available))
    assert len({tuple(places(line, width).items()) for line in lines}) == 1, lines


@pytest.mark.usefixtures("cursor")
def test_lines_of_plain_text_have_no_escapes() -> None:
    lines = list(table.lines([Heading("NAME"), Heading("TEXT")], [["ada", "x" * 100], [HEBREW, "y"]], 40))
    assert [bool(MOVES.search(line)) for line in lines] == [False, False, True]
    assert "\u2068" not in "".join(lines[:2])


@pytest.mark.usefixtures("cursor")
def test_a_right_to_left_cell_does_not_change_the_order_of_other_cells() -> None:
    lines = list(table.lines([Heading("A"), Heading("B")], [[HEBREW, ARABIC], [JAPANESE, FAMILY]], 40))
    assert lines[1:] == [
        f"{ISOLATE}{HEBREW}{POP}\u200e   \x1b[11G{ISOLATE}{ARABIC}{POP}\u200e",
        f"{JAPANESE}  \x1b[11G{FAMILY}",
    ]


def test_no_text_is_cut_if_there_is_room_for_all() -> None:
    roles = ["admin", "moderator", "support", "viewer", "one", "two", "six"]
    headings = [Heading("PERMISSION"), *map(Heading, roles)]
    [_, line] = table.lines(headings, [["conversation.create", *"xxxxxxx"]], 80)
    assert line.startswith("conversation.create  x")


def test_a_pipe_and_a_dumb_terminal_get_no_invisible_control_codes(
    terminal: Terminal, process: Process, database: Documents
) -> None:
    person(database, "דוד")
    line = ("users", "list", "--columns", "username,email,status")
    shown = terminal(*line).text
    assert f"{ISOLATE}דוד{POP}\u200e" in shown
    assert MOVES.search(shown)
    assert MOVES.search(terminal(*line, env={"NO_COLOR": "1"}).text)
    piped = process(*line, env={"FORCE_COLOR": "1"}).stdout.decode()
    for plain in (terminal(*line, env={"TERM": "dumb"}).text, piped):
        assert "דוד" in plain
        assert not {ISOLATE, POP, "\u200e"} & {*plain}
        assert not MOVES.search(plain)


def test_texts_of_users_cannot_move_the_cursor_or_change_the_text_direction(
    terminal: Terminal, database: Documents
) -> None:
    hostile = "שלום\u2069\u202e\x1b[5G\x1b[31m"
    person(database, "ada", profile=hostile)
    place = conversation(database, person(database, "דוד"), name=hostile)
    messages(database, place, person(database, hostile), hostile)
    for line in (["users", "list"], ["messages", "list"], ["conversations", "transcript", str(place)]):
        shown = terminal(*line, columns=200).text
        assert r"שלום\u2069\u202e\x1b[5G" in shown
        assert "\x1b[31m" not in shown
        assert "\x1b[5G" not in shown
        assert shown.count(ISOLATE) == shown.count(POP)


@given(st.lists(st.text(st.sampled_from("".join(ODD) + text.BEGIN + text.END + " ab")), min_size=1), st.integers(1, 20))
def test_a_text_is_cut_between_signs_and_then_fits(cells: list[str], width: int) -> None:
    for cell in cells:
        marked = text.excerpt({"before": cell, "found": cell[:1], "after": cell})
        cut = table._cut(marked, width)
        assert table.cell_width(cut) <= width
        assert cut.count(text.BEGIN) == cut.count(text.END)
        assert cut == marked or not re.search("[\u200d\u094d]…", cut)


@pytest.mark.parametrize(
    ("whole", "width", "cut"),
    [
        (FAMILY * 2, 10, f"{FAMILY}…"),
        (FAMILY, 5, "…"),
        (THUMB * 2, 6, f"{THUMB}…"),
        ("नमस्ते", 3, "नम…"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
        (JAPANESE, 6, "山田…"),
    ],
)
def test_a_sign_of_several_characters_is_never_cut(whole: str, width: int, cut: str) -> None:
    assert table._cut(whole, width) == cut


def luminance(number: int) -> float:
    """Return the relative luminance (WCAG 2) of a colour of the 256-colour palette."""
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    parts = [levels[number // 36] / 255, levels[number // 6 % 6] / 255, levels[number % 6] / 255]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(number: int) -> float:
    """Return the contrast to white or the contrast to black, whichever is lower."""
    own = luminance(number) + 0.05
    return min(1.05 / own, own / 0.05)


def test_every_colour_of_chatctl_is_readable_on_white_and_on_black() -> None:
    assert sorted(styles.COLOURS.values()) == [number for number in range(16, 232) if contrast(number) >= 4.5]


def test_ten_participants_have_different_colours() -> None:
    assert len({*styles.NAMES}) == len(styles.NAMES) == 10


@pytest.fixture
def crowd(database: Documents, chatctl: Chatctl) -> ObjectId:
    """Insert a conversation with 14 users. At least one user has each status."""
    chatctl("permissions", "create", "user.read")
    chatctl("roles", "create", "support", "--permission", "user.read")
    status = ("ACTIVE", "SUSPENDED", "EMAIL_VERIFIED", None)
    people = [person(database, f"p{number}", status=status[number % 4]) for number in range(14)]
    place = conversation(database, *people, name="Lobby")
    for number, one in enumerate(people):
        messages(database, place, one, f"- number {number}", after=number)
    return place


SCREENS = [
    ["users", "list"],
    ["users", "show", "p1"],
    ["users", "show", "nobody"],
    ["users", "suspend", "p0", "p2", "--dry-run"],
    ["roles", "delete", "support"],
    ["roles", "matrix"],
    ["conversations", "transcript", "Lobby"],
    ["messages", "search", "number"],
    ["audit", "list"],
    ["db", "check"],
    ["db", "indexes"],
    ["db", "status"],
]


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("line", SCREENS, ids=" ".join)
def test_all_output_has_only_readable_colours(
    chatctl: Chatctl, terminal: Terminal, line: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = terminal(*line, typed="n\n").text
    known = {"0", styles.BOLD, styles.FAINT, *styles.NAMES, *styles.STATES.values(), styles.FOUND}
    known |= {f"{styles.BOLD};{colour}" for colour in styles.STATES.values()}
    assert {*STYLED.findall(shown)} <= known
    monkeypatch.setattr(streams, "is_terminal", lambda _: True)
    plain = {"TERM": "xterm-256color", "PAGER": ""}
    assert STYLED.search(chatctl("users", "list", env=plain).stdout)
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        shown = chatctl(*line, input="n\n", env=plain | env, code=None)
        assert shown.stdout + shown.stderr
        assert not STYLED.search(shown.stdout + shown.stderr)


@pytest.mark.usefixtures("crowd")
def test_states_errors_and_warnings_have_colours(terminal: Terminal, process: Process) -> None:
    users = terminal("users", "list", columns=200).text
    assert f"\x1b[{styles.GREEN}mACTIVE\x1b[0m" in users
    assert f"\x1b[{styles.GREEN}mEMAIL_VERIFIED\x1b[0m" in users
    assert f"\x1b[{styles.RED}mSUSPENDED\x1b[0m" in users
    assert f"\x1b[{styles.MAGENTA}mnone\x1b[0m" in users
    assert f"\x1b[{styles.RED}mSUSPENDED\x1b[0m\n" in terminal("users", "show", "p1").text
    assert f"\x1b[{styles.GREEN}mdone\x1b[0m" in terminal("audit", "list", columns=200).text
    wrong = terminal("users", "show", "nobody").text
    assert f"\x1b[1;{styles.RED}merror:\x1b[0m " in wrong
    assert "\x1b[1mhint:\x1b[0m " in wrong
    assert b"\x1b" not in process("users", "show", "nobody").stderr
    assert b"\x1b" not in process("users", "list").stdout


def test_a_state_that_is_cut_keeps_its_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "has_colour", lambda _: True)
    shown = [*table.lines([Heading("A", state=True)], [["EMAIL_VERIFIED"], ["other"]], 6)]
    assert shown[1:] == [styles.styled("EMAIL…", styles.GREEN), "other"]


@pytest.mark.parametrize(
    ("line", "style"),
    [
        ("+ role x", styles.GREEN),
        ("    - role x", styles.RED),
        ("  ~ role x", styles.BLUE),
        ("+1 for this", ""),
        ("-o json", ""),
        ("role + x", ""),
    ],
)
def test_lines_of_a_diff_have_colours_however_far_they_are_indented(line: str, style: str) -> None:
    assert styles.line(line) == (styles.styled(line, style) if style else line)


def test_a_preview_has_colours_wherever_it_is_printed(terminal: Terminal, chatctl: Chatctl) -> None:
    chatctl("roles", "create", "support")
    shown = terminal("roles", "delete", "support", "--dry-run").text
    assert f"\x1b[{styles.RED}m- " in shown
    assert styles.line("Warning: x") == f"\x1b[1;{styles.MAGENTA}mWarning:\x1b[0m x"


NOTE = "the protected role would lose its last active member: give it to somebody else first"
COMMAND = "chatctl --local users list --columns a,b --search 'two; words' --after 65f0c0ffee65f0c0ffee65f0"


@pytest.mark.parametrize("width", [10, 20, 40, 60, 80, 200])
@pytest.mark.parametrize(
    "note",
    [NOTE, f"50 of 1,234; next page: {COMMAND}", f"see ({COMMAND}), or {COMMAND}; or both", f"  {NOTE} {'x' * 100} y"],
)
def test_a_note_breaks_only_between_words_and_never_in_a_command(note: str, width: int) -> None:
    lines = table.wrap(note, width, 0).split("\n")
    assert " ".join(lines) == note
    assert note.count(COMMAND) == sum(line.count(COMMAND) for line in lines)
    long = [line for line in lines if len(line) > width]
    assert all("chatctl" in line or " " not in line.strip() for line in long)


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_notes_on_a_terminal_break_between_words(terminal: Terminal, chatctl: Chatctl, columns: int) -> None:
    chatctl("permissions", "create", "user.read")
    chatctl("roles", "create", "support", "--permission", "user.read")
    screen = terminal("roles", "grant", "support", "user.rea", columns=columns, env={"NO_COLOR": "1"})
    told = chatctl("roles", "grant", "support", "user.rea", code=3).stderr
    assert screen.text.split() == told.split()
    assert max(map(len, screen.text.splitlines())) <= columns
    piped = chatctl("users", "list", "--role", "nobody" * 20, code=3).stderr
    assert len(piped.splitlines()[0]) == 77


def test_a_question_breaks_between_words_too(terminal: Terminal, database: Documents) -> None:
    person(database, "x" * 50, createdAt=BEGAN + timedelta(days=1))
    screen = terminal("users", "suspend", "x" * 50, columns=40, typed="n\n", env={"NO_COLOR": "1"})
    assert "x" * 50 in screen.text
    assert screen.code == 7


def test_json_on_a_terminal_is_one_line(terminal: Terminal) -> None:
    shown = terminal("users", "show", "nobody" * 30, "-o", "json", columns=40).text
    assert shown.count("\n") == 1
    assert "\x1b" not in shown
