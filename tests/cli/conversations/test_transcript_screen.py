"""A transcript on a terminal: its width, colours and links."""

import re
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents, conversation, messages, person
from rich.cells import cell_len

from actions import queries
from actions.conversations import with_short_ids
from cli.output.styles import NAMES
from database import connection
from tests.cli.conftest import Process, Terminal

LONG = "Shall we go to the lake this weekend? I have the car until Sunday evening, and it stays dry."
WIDE = "良い天気になりそうですね。湖の北側のキャンプ場は三月から開いていますが、夜はまだとても寒いので、寝袋を。"
WORD = "x" * 150
ADDRESS = f"https://img.example.org/{'a' * 100}.png"


@pytest.fixture
def place(database: Documents) -> ObjectId:
    ada, bob = (person(database, name) for name in ("ada", "bob"))
    place = conversation(database, ada, bob, name="Lobby")
    messages(database, place, ada, LONG, WIDE)
    messages(database, place, bob, WORD, f"  🎉 {LONG}\n\n  - a", after=2)
    image: dict[str, Any] = {"conversationId": place, "senderId": bob, "createAt": BEGAN, "image": ADDRESS}
    database["Message"].insert_one(image)
    return place


def plain(screen: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;;.*?\x1b\\", "", screen)


@pytest.mark.parametrize(("columns", "widest"), [(30, 30), (60, 60), (80, 80), (200, 80)])
def test_lines_fit_the_terminal_and_later_lines_are_indented(
    terminal: Terminal, place: ObjectId, columns: int, widest: int
) -> None:
    lines = plain(terminal("conversations", "transcript", place, "--no-ids", columns=columns).text).splitlines()
    assert max(map(cell_len, lines)) == widest
    began = next(number for number, line in enumerate(lines) if line.startswith("00:01  ada"))
    said = lines[began + 1 : lines.index("", began)]
    assert all(line.startswith((" " * 7, "     · ")) for line in said)
    assert " ".join(line[7:] for line in said).startswith(LONG)
    assert "".join(line[7:] for line in said).replace(" ", "") == (LONG + WIDE).replace(" ", "")


def test_each_participant_has_a_colour(terminal: Terminal, place: ObjectId) -> None:
    shown = terminal("conversations", "transcript", place).text
    assert f"\x1b[2m00:01  \x1b[0m\x1b[{NAMES[0]}mada\x1b[0m\n" in shown
    assert f"\x1b[{NAMES[1]}mbob\x1b[0m\n" in shown
    assert "\x1b" not in terminal("conversations", "transcript", place, env={"NO_COLOR": "1"}).text
    assert "\x1b" not in terminal("conversations", "transcript", place, env={"TERM": "dumb"}).text


def test_an_image_is_a_link_if_the_terminal_shows_links(terminal: Terminal, process: Process, place: ObjectId) -> None:
    link = f"\x1b]8;;{ADDRESS}\x1b\\{ADDRESS[:65]}…\x1b]8;;\x1b\\\n"
    assert f"       image: {link}" in terminal("conversations", "transcript", place, "--no-ids").text
    uncoloured = terminal("conversations", "transcript", place, "--no-ids", env={"NO_COLOR": "1"}).text
    assert ADDRESS in uncoloured.replace("\n       ", "")
    piped = process("conversations", "transcript", str(place), env={"FORCE_COLOR": "1"}).stdout.decode()
    assert f"\x1b[{NAMES[0]}mada" in piped
    assert f"image: {ADDRESS}\n" in piped


@pytest.mark.parametrize("address", ["javascript:alert(1)", "https://x/\u00e9", "https://x/\x1b\\", "https://x y"])
def test_other_urls_are_shown_as_text(terminal: Terminal, place: ObjectId, database: Documents, address: str) -> None:
    database["Message"].update_many({"image": ADDRESS}, {"$set": {"image": address}})
    assert "\x1b]8" not in terminal("conversations", "transcript", place).text


def test_a_pipe_gets_whole_lines_without_colour(process: Process, place: ObjectId) -> None:
    shown = process("conversations", "transcript", str(place)).stdout.decode()
    assert f"00:01  ada\n       {LONG}\n     · {WIDE}\n" in shown
    assert f"     · {'  🎉 ' + LONG}\n\n         - a\n" in shown
    assert "\x1b" not in shown


def test_hyphens_replace_drawn_lines_if_the_encoding_lacks_them(process: Process, place: ObjectId) -> None:
    shown = process("conversations", "transcript", str(place), env={"PYTHONIOENCODING": "ascii"}).stdout.decode("ascii")
    assert shown.startswith("Lobby\nada, bob - began Thursday, 1 January 2026 - times in UTC\n\n")
    assert "\n-- Thursday, 1 January 2026 ---" in shown
    assert "     - \\u826f" in shown


def test_the_marked_message_is_visible_without_colour(terminal: Terminal, place: ObjectId, database: Documents) -> None:
    marked = database["Message"].find_one({"body": LONG}) or {}
    for env in ({}, {"NO_COLOR": "1"}):
        shown = terminal("conversations", "transcript", place, "--no-ids", "--around", marked["_id"], env=env).text
        assert [line[:12] for line in plain(shown).splitlines() if line.startswith("     >")] == [
            "     > Shall",
            "     > eveni",
        ]


def test_a_file_is_written_as_for_a_pipe(terminal: Terminal, process: Process, place: ObjectId) -> None:
    shown = terminal("conversations", "transcript", place, "--to", "a.txt", columns=40)
    assert (shown.text, shown.code) == ("", 0)
    assert process("conversations", "transcript", str(place), line="| cmp - a.txt").returncode == 0


def test_ids_come_before_the_text_and_no_message_can_look_like_an_id(
    terminal: Terminal, place: ObjectId, database: Documents
) -> None:
    ada = database["User"].find_one({"username": "ada"}) or {}
    fake = "see\n6a0b1c2d  the next"
    twins = [ObjectId(f"6a0b1c2d{digit}{'0' * 15}") for digit in "ab"]
    alone = ObjectId("6a0b1c2f" + "0" * 16)
    common = {"conversationId": place, "senderId": ada["_id"]}
    times = [BEGAN + timedelta(days=1, minutes=minute) for minute in range(3)]
    bodies = ("first", "second", fake)
    database["Message"].insert_many(
        [
            {"_id": one, "createAt": time, "body": body, **common}
            for one, time, body in zip((*twins, alone), times, bodies, strict=True)
        ]
    )
    for columns, lines in {
        80: [
            "       6a0b1c2da",
            "                 first",
            "     · 6a0b1c2db",
            "                 second",
            "     · 6a0b1c2f  see",
            "                 6a0b1c2d  the next",
        ],
        45: [
            "       6a0b1c2da",
            "         first",
            "     · 6a0b1c2db",
            "         second",
            "     · 6a0b1c2f",
            "         see",
            "         6a0b1c2d  the next",
        ],
    }.items():
        shown = plain(terminal("conversations", "transcript", place, "--last", "3", columns=columns).text).splitlines()
        began = shown.index("00:00  ada")
        assert shown[began + 1 : began + 1 + len(lines)] == lines
    assert "\x1b[2m6a0b1c2da\x1b[0m" in terminal("conversations", "transcript", place).text


def test_a_message_can_be_redacted_by_the_short_id_in_a_transcript(terminal: Terminal, place: ObjectId) -> None:
    shown = plain(terminal("conversations", "transcript", place, "--last", "1").text)
    [digits] = re.findall(r"^       ([0-9a-f]{8,24})", shown, re.MULTILINE)
    done = terminal("messages", "redact", digits, typed="y\n")
    assert done.code == 0
    assert "[removed by an administrator]" in terminal("conversations", "transcript", place, "--last", "1").text


def test_a_pipe_has_ids_only_with_the_option_ids_and_they_are_whole(
    process: Process, place: ObjectId, database: Documents
) -> None:
    first = database["Message"].find_one({"body": LONG}) or {}
    assert str(first["_id"]) not in process("conversations", "transcript", str(place)).stdout.decode()
    shown = {
        form: process("conversations", "transcript", str(place), "--ids", "-o", form).stdout.decode()
        for form in ("text", "markdown", "html")
    }
    assert f"00:01  ada\n       {first['_id']}  {LONG}\n" in shown["text"]
    assert f"> `{first['_id']}` Shall we go" in shown["markdown"]
    assert f'<p class="quiet">{first["_id"]}</p>' in shown["html"]


def test_ids_are_not_shortened_if_too_many_begin_with_the_same_digits(
    url: str, place: ObjectId, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_ALIKE", 3)
    rows = [{"id": message["_id"]} for message in database["Message"].find({"conversationId": place})]
    connection.choose(url)
    try:
        short = [row["shortId"] for row in with_short_ids([*rows, {"id": "odd"}])]
    finally:
        connection.choose()
    assert short == [*(str(row["id"]) for row in rows), "odd"]
