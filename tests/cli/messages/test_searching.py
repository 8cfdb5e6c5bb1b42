"""Searching the text of messages."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pymongo
import pytest
import talk
from hypothesis import given
from hypothesis import strategies as st
from people import Documents
from talk import DIRECT, MESSAGES

from actions.messages import listing
from cli.output import streams, table, text
from cli.output.styles import FOUND as FOUND_STYLE
from cli.output.table import Heading
from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

Fail = Callable[[str, int], None]

FOUND = f"""\
ID                        TIME               SENDER  CONVERSATION  MATCH
{MESSAGES[3]}  2026-01-01 00:10Z  ada     Night shift   who has the «Kettle»?
{MESSAGES[1]}  2026-01-01 00:02Z  ada     ada, bob      pier\\n+ bring the «kettle», the one that whistles
"""


def numbers(chatctl: Chatctl, *args: object) -> list[int]:
    found = chatctl("messages", "search", "-o", "ids", *args).stdout.split()
    return [[str(identifier) for identifier in MESSAGES].index(one) for one in found]


def test_the_match_is_marked_in_its_line(talking: Chatctl) -> None:
    assert talking("messages", "search", "KETTLE") == (FOUND, "", 0)
    assert talking("messages", "search", "KETTLE", env={"FORCE_COLOR": "1"}).stdout.splitlines()[1] == (
        f"{MESSAGES[3]}  2026-01-01 00:10Z  ada     Night shift   who has the \x1b[{FOUND_STYLE}mKettle\x1b[0m?"
    )
    [one] = json.loads(talking("messages", "search", "whistles", "-o", "json").stdout)
    assert (one["match"], one["body"]) == (
        {"before": "the one that ", "found": "whistles", "after": ""},
        talk.WRITTEN[1][3]["body"],
    )
    assert talking("messages", "search", "not", "-o", "csv", "--columns", "match").stdout == (
        'match\n"{""before"": """", ""found"": ""not"", ""after"": "" me""}"\n'
    )


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["kettle"], [3, 1]),
        (["kettle", "--conversation", "Night shift"], [3]),
        (["e", "--sender", "bob"], [5, 2]),
        (["e", "--since", "2026-01-01T00:03Z", "--until", "2026-01-01T00:12Z"], [3, 2]),
        (["me", "--with-image"], [5]),
        (["e", "--unseen-by", "ada"], [5, 2]),
        (["e", "--sort", "createAt"], [0, 1, 2, 3, 5]),
        (["."], []),
        (["pier\n+"], [1]),
        (["?"], [3]),
        (["nothing of the kind"], []),
        (["^h.llo", "--regex"], [0]),
        (["KETTLE[,?]", "--regex"], [3, 1]),
        (["(?:fine|me)$", "--regex"], [5, 2]),
    ],
)
def test_a_text_is_literal_unless_regex_is_given(talking: Chatctl, args: list[str], expected: list[int]) -> None:
    assert numbers(talking, *args) == expected
    assert talking("messages", "search", "--count", *args).stdout == f"{len(expected)}\n"


AS_WRITTEN = "\nhint: remove --regex to search for the text as it is written"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ([""], 2, "the search text cannot be empty"),
        (["", "--regex"], 2, "the search text cannot be empty"),
        (["(a", "--regex"], 5, '"(a" is not a valid pattern: missing ) at position 2' + AS_WRITTEN),
        (["[", "--regex"], 5, '"[" is not a valid pattern: unterminated character set at position 1' + AS_WRITTEN),
        (["x" * 201, "--regex"], 5, "the pattern has 201 characters; the limit is 200"),
        (["x", "--sender", "nobody"], 3, 'no user "nobody"\nhint: see chatctl users list --search nobody'),
    ],
)
def test_an_invalid_search_is_explained(talking: Chatctl, args: list[str], code: int, said: str) -> None:
    assert talking("messages", "search", *args, code=code) == ("", f"error: {said}\n", code)


TOO_LONG = """\
error: the search was stopped after 10 seconds
hint: limit the search with --conversation, --sender or --since. Make these fast: chatctl db indexes --apply
"""


@pytest.fixture
def fail(server_client: pymongo.MongoClient[dict[str, Any]]) -> Iterator[Fail]:
    """Let a command of the server fail until the end of the test."""

    def fail(command: str, code: int) -> None:
        data = {"failCommands": [command], "errorCode": code}
        # the marker of a protected database is read first, and must not fail
        mode = {"skip": 1} if command == "find" else {"times": 1}
        server_client.admin.command("configureFailPoint", "failCommand", mode=mode, data=data)

    yield fail
    server_client.admin.command("configureFailPoint", "failCommand", mode="off")


@pytest.mark.parametrize(("option", "command"), [("--all", "find"), ("--count", "aggregate"), ("-oids", "find")])
def test_a_search_that_takes_too_long_suggests_filters_and_indexes(
    chatctl: Chatctl, database: Documents, fail: Fail, option: str, command: str
) -> None:
    talk.settle(database)
    fail(command, 50)
    assert chatctl("messages", "search", "kettle", option, code=6) == ("", TOO_LONG, 6)


def test_a_program_is_told_that_it_can_try_again(chatctl: Chatctl, database: Documents, fail: Fail) -> None:
    talk.settle(database)
    fail("find", 50)
    error = json.loads(chatctl("messages", "search", "kettle", "-o", "json", code=6).stderr)["error"]
    assert (error["code"], error["exit"], error["retryable"]) == ("timed-out", 6, True)


@pytest.mark.parametrize("code", sorted(listing.UNREADABLE_PATTERN))
def test_a_pattern_that_the_server_refuses_is_explained(
    chatctl: Chatctl, database: Documents, fail: Fail, code: int
) -> None:
    talk.settle(database)
    fail("find", code)
    assert chatctl("messages", "search", "--regex", "(?<=a+)b", code=5) == (
        "",
        "error: the server does not accept the pattern\nhint: use the syntax of PCRE\n",
        5,
    )


@pytest.mark.parametrize("pattern", ["((((a{100}){100}){100}){100})", "(?:a{1,300}){400}"])
def test_a_pattern_that_would_need_too_much_memory_is_not_compiled_by_python(pattern: str) -> None:
    assert listing._compile(pattern) is None
    assert listing._compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}") is not None


def test_a_match_that_python_cannot_find_in_time_is_not_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SECONDS_PER_MESSAGE", 0.01)
    matches = listing._MatchRows(r"(x|xx|xxx)*\d")
    slow = "x" * 60
    assert matches._excerpt(slow) == {"before": "", "found": "", "after": slow}
    assert matches._excerpt("xx1")["found"] == ""


@given(st.text(max_size=60), st.text(min_size=1, max_size=20), st.text(max_size=90))
def test_a_text_is_found_anywhere_in_a_message(before: str, found: str, after: str) -> None:
    match = listing._MatchRows(re.escape(found))._excerpt(before + found + after)
    assert match["found"].casefold() == found.casefold() or len(match["found"]) == len(found)
    assert match["before"] + match["found"] + match["after"] in before + found + after
    assert len(match["before"]) <= listing.CHARACTERS_BEFORE
    assert len(match["after"]) <= listing.CHARACTERS_AFTER


def test_a_match_that_only_the_server_finds_is_shown_from_the_beginning() -> None:
    found = listing._MatchRows("kettle")._excerpt("x" * 100)
    assert text.excerpt(found) == "x" * listing.CHARACTERS_AFTER


HEADINGS = [Heading("ID", whole=True), Heading("MATCH"), Heading("N", right=True)]
ROWS = [["a" * 24, f"the {text.BEGIN}日本語 kettle{text.END} that whistles", "1"], ["b" * 24, "", "2"]]


@pytest.mark.parametrize("columns", [40, 60])
def test_marks_around_a_match_need_no_width_and_end_with_the_cell(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setattr(streams, "has_colour", lambda _: True)
    _, line, other = table.lines(HEADINGS, ROWS, columns)
    before, found = ("", "日本語 ket") if columns == 40 else ("the ", "日本語 kettle")
    assert f"  {before}\x1b[{FOUND_STYLE}m{found}\x1b[0m" in line
    assert line.count(f"\x1b[{FOUND_STYLE}m") == line.count("\x1b[0m") == 1
    assert line.endswith("  1")
    assert "\x1b" not in other
    assert not {text.BEGIN, text.END} & {*line}


def test_a_match_is_marked_in_every_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "encodable", lambda shown, _: shown.encode("ascii", "backslashreplace").decode())
    monkeypatch.setattr(streams, "has_colour", lambda _: False)
    rows = [["a", f"x {text.BEGIN}kettle{text.END}", "1"]]
    assert list(table.lines(HEADINGS, rows, None))[1] == "a   x [kettle]  1"


def test_on_a_terminal_the_match_has_a_colour(chatctl: Chatctl, database: Documents, terminal: Terminal) -> None:
    talk.settle(database)
    assert chatctl("messages", "search", "kettle", "--count").stdout == "2\n"
    shown = terminal("messages", "search", "kettle", columns=100).text
    assert f"who has the \x1b[{FOUND_STYLE}mKettle\x1b[0m?" in shown
    assert "who has the «Kettle»?" in terminal("messages", "search", "kettle", columns=100, env={"NO_COLOR": "1"}).text


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_match_is_visible_on_a_narrow_terminal(
    chatctl: Chatctl, database: Documents, terminal: Terminal, columns: int
) -> None:
    talk.settle(database)
    database["Message"].update_one({"_id": MESSAGES[0]}, {"$set": {"body": "我對你的感情還是人類和友誼之間獨有的"}})
    assert chatctl("messages", "search", "類和", "--count").stdout == "1\n"
    shown = terminal("messages", "search", "類和", columns=columns, env={"NO_COLOR": "1"}).text
    assert "人«類和»" in shown
    assert ("我對你的感情還是人«類和»友誼之間獨有的" in shown) is (columns == 200)


@pytest.mark.parametrize(
    ("cell", "width", "shown"),
    [
        ("only if you bring «cake»", 24, "only if you bring «cake»"),
        ("only if you bring «cake»", 20, "if you bring «cake»"),
        ("only if you bring «cake» or tea", 20, "bring «cake» or tea"),
        ("unbelievably «good»", 14, "ievably «good»"),
        ("«cake» is what there was", 12, "«cake» is w…"),
        ("the very «best cakes» of all", 15, "y «best cakes»…"),
        ("we could revise the «plan» on the pier tomorrow", 18, "the «plan» on the…"),
    ],
)
def test_words_before_a_match_are_left_out_and_never_cut(
    monkeypatch: pytest.MonkeyPatch, cell: str, width: int, shown: str
) -> None:
    monkeypatch.setattr(streams, "has_colour", lambda _: False)
    marked = cell.replace("«", text.BEGIN).replace("»", text.END)
    assert list(table.lines([Heading("MATCH")], [[marked]], width))[1] == shown


def test_a_message_cannot_contain_a_false_mark_of_a_match(talking: Chatctl, database: Documents) -> None:
    body = f"{text.BEGIN}kettle{text.END} \x1b[31m"
    database["Message"].update_one({"_id": MESSAGES[0]}, {"$set": {"body": body}})
    shown = talking("messages", "search", "kettle", "--conversation", DIRECT).stdout
    assert r"\x02«kettle»\x03 \x1b[31m" in shown
