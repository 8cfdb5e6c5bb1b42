"""The transcript of a conversation in each format and as a file, also if writing fails."""

import csv
import io
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from lobby import Lobby
from people import BEGAN, Documents, conversation, messages, person

from actions.conversations import lacks_index
from actions.conversations import transcript as transcripts
from cli import views
from cli.output import text
from database import connection
from tests.cli.conftest import Process
from tests.conftest import Chatctl

RULE = "─" * (80 - len("── Thursday, 1 January 2026 "))
DAY = f"\n── Thursday, 1 January 2026 {RULE}\n"
PART = " · only around one message · times in UTC"


def test_programs_read_the_same_rows_in_every_format(either: Chatctl, lobby: Lobby) -> None:
    lobby.say(lobby.ada, 1, "=1+1", seenIds=[lobby.ada, lobby.bob])
    lobby.say(lobby.bob, 2, image="https://x/y.png")
    shown = {
        form: either("conversations", "transcript", "Lobby", "-o", form).stdout for form in ("json", "ndjson", "csv")
    }
    rows = json.loads(shown["json"])
    assert rows == [json.loads(line) for line in shown["ndjson"].splitlines()]
    keys = [column.key for column in views.MESSAGES]
    assert list(rows[0]) == next(csv.reader(io.StringIO(shown["csv"]))) == keys
    assert rows[0]["body"] == "=1+1"
    assert rows[0]["conversation"] == {"id": str(lobby.id), "title": "Lobby"}
    assert rows[0]["seen"][1] == {"id": str(lobby.bob), "username": "bob"}
    assert ",'=1+1," in shown["csv"]


def test_every_line_of_json_has_values_that_json_allows(chatctl: Chatctl, lobby: Lobby) -> None:
    """The fast JSON library writes null for a value that JSON does not have. So chatctl converts it first."""
    odd = [
        float("nan"),
        float("-inf"),
        1.5,
        2**63 - 1,
        b"\0",
        {"a": [float("nan"), None]},
        [None],
        datetime(2026, 1, 1, tzinfo=UTC),
    ]
    for number, body in enumerate([*odd, "null", "é", "\u2028"]):
        lobby.say(lobby.ada, number, body)
    lines = chatctl("conversations", "transcript", "Lobby", "-o", "ndjson").stdout.splitlines()
    connection.choose()
    for line, row in zip(lines, transcripts("Lobby").rows(), strict=True):
        assert json.loads(line) == text.plain(row)
        assert (
            line == orjson.dumps(text.plain(row)).decode() or not orjson.dumps(text.plain(row)).decode().isprintable()
        )


@pytest.mark.parametrize(
    ("file", "begins"),
    [
        ("a.txt", "Lobby\n"),
        ("a", "Lobby\n"),
        ("a.md", "# Lobby\n"),
        ("a.HTML", "<!doctype html>"),
        ("a.htm", "<!doctype html>"),
        ("a.json", "[\n"),
        ("a.ndjson", '{"id":'),
        ("a.jsonl", '{"id":'),
        ("a.csv", "id,createAt,"),
    ],
)
def test_the_ending_of_the_file_name_chooses_the_format(
    either: Chatctl, lobby: Lobby, tmp_path: Path, file: str, begins: str
) -> None:
    lobby.say(lobby.ada, 1, "hello")
    assert either("conversations", "transcript", "Lobby", "--to", file) == ("", "", 0)
    assert (tmp_path / file).read_text().startswith(begins)
    assert stat.S_IMODE((tmp_path / file).stat().st_mode) == 0o600
    either("conversations", "transcript", "Lobby", "--to", file, code=4)
    either("conversations", "transcript", "Lobby", "--to", file, "--overwrite", "-o", "csv")
    assert (tmp_path / file).read_text().startswith("id,")


def test_a_file_is_complete_or_absent(chatctl: Chatctl, lobby: Lobby, tmp_path: Path) -> None:
    lobby.say(lobby.ada, 1, "hello", createAt=BEGAN)
    (tmp_path / "link.html").symlink_to("elsewhere")
    chatctl("conversations", "transcript", "Lobby", "--to", "link.html", code=4)
    chatctl("conversations", "transcript", "Lobby", "--to", "nowhere/a.html", code=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.html"]
    assert not (tmp_path / "elsewhere").exists()


def test_a_missing_index_is_noted(chatctl: Chatctl, lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    said = (
        "the index for the messages of a conversation is missing, so all messages are read, which is slow; "
        "create it with: chatctl db indexes --apply\n"
    )
    lobby.say(lobby.ada, 1, "hello")
    assert chatctl("conversations", "transcript", "Lobby").stderr == ""
    monkeypatch.setitem(lacks_index.__globals__, "MANY_MESSAGES", 0)
    assert chatctl("conversations", "transcript", "Lobby").stderr == said
    assert chatctl("conversations", "transcript", "Lobby", "-o", "json").stderr == ""
    assert chatctl("conversations", "list").stderr == said
    assert chatctl("conversations", "list", "--count").stderr == ""
    chatctl("db", "indexes", "--apply", "--yes")
    assert chatctl("conversations", "transcript", "Lobby").stderr == ""


def test_text_of_users_cannot_act_on_a_terminal(either: Chatctl, lobby: Lobby) -> None:
    lobby.database["User"].update_one({"_id": lobby.ada}, {"$set": {"username": "ad\na\x1b[31m"}})
    lobby.say(lobby.ada, 1, "a\x1b]8;;http://x\x07b\u202e\0\r\nnext\rline\n\n── Friday ──\n10:00  bob", image="\x1b[2J")
    shown = either("conversations", "transcript", "Lobby").stdout
    assert r"00:01  ad\na\x1b[31m" in shown
    assert r"       a\x1b]8;;http://x\x07b\u202e\x00" + "\n" in shown
    assert "\n       next\\rline\n\n       ── Friday ──\n       10:00  bob\n       image: \\x1b[2J\n" in shown
    assert all(character.isprintable() or character == "\n" for character in shown)


@pytest.mark.parametrize("form", ["text", "markdown", "html", "ndjson", "json", "csv"])
def test_a_closed_pipe_ends_the_command_quietly(process: Process, lobby: Lobby, form: str) -> None:
    messages(lobby.database, lobby.id, lobby.ada, *("more than a pipe holds" * 5 for _ in range(1_100)))
    done = process("conversations", "transcript", "Lobby", "-o", form, line="| head -1")
    assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (141, b"", 1)
    full = process("conversations", "transcript", "Lobby", "-o", form, line="> /dev/full")
    assert full.returncode == 74


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("text", f"Lobby\nada, bob{PART}\n{DAY}\n00:01  ada\n     > (empty)\n"),
        ("markdown", f"# Lobby\n\nada, bob{PART}\n\n## Thursday, 1 January 2026\n\n**ada** 00:01\n\n> **→** (empty)\n"),
        ("html", '<div><bdi class="passage">(empty)</bdi></div></article>'),
    ],
)
def test_an_empty_image_and_an_invalid_time_are_left_out(
    either: Chatctl, database: Documents, form: str, expected: str
) -> None:
    ada = person(database, "ada")
    place = conversation(database, ada, person(database, "bob"), name="Lobby")
    [said] = messages(database, place, ada, "")
    database["Message"].update_one({"_id": said}, {"$set": {"image": ""}, "$unset": {"body": ""}})
    database["Conversation"].update_one({"_id": place}, {"$set": {"created_at": "yesterday"}})
    assert expected in either("conversations", "transcript", "Lobby", "--around", said, "-o", form).stdout


def test_a_partial_transcript_says_which_part_it_is(either: Chatctl, lobby: Lobby) -> None:
    asked = ("--since", "2026-01-01", "--until", "2026-02-01T12:30Z", "--last", "2")
    said = "only since 2026-01-01 00:00Z, before 2026-02-01 12:30Z, the last 2"
    for form in ("text", "markdown", "html"):
        assert said in either("conversations", "transcript", "Lobby", *asked, "-o", form).stdout.replace("\\", "")
