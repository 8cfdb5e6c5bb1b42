"""The transcript of a conversation: which messages, as plain text, in which formats and files."""

import csv
import io
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from bson import ObjectId
from people import BEGAN, Documents, conversation, messages, person

from actions.conversations import lacks_index
from actions.conversations import transcript as transcripts
from cli import views
from cli.output import text
from models import connection
from tests.cli.conftest import Process
from tests.conftest import Chatctl

RULE = "─" * (80 - len("── Thursday, 1 January 2026 "))
HEADER = "Lobby\nada, bob, cyd · began Thursday, 1 January 2026\n"
DAY = f"\n── Thursday, 1 January 2026 {RULE}\n"
PART = " · only around one message"


class Lobby:
    """A group of three."""

    def __init__(self, database: Documents) -> None:
        self.database = database
        self.ada, self.bob, self.cyd = (person(database, name) for name in ("ada", "bob", "cyd"))
        self.id = conversation(database, self.ada, self.bob, self.cyd, name="Lobby")

    def say(self, sender: Any, minute: float | None, body: Any = None, **fields: Any) -> ObjectId:
        message = {"_id": ObjectId(), "conversationId": self.id, "senderId": sender, "seenIds": [sender]}
        message |= {} if minute is None else {"createAt": BEGAN + timedelta(minutes=minute)}
        message |= {} if body is None else {"body": body}
        self.database["Message"].insert_one(message | fields)
        return message["_id"]


@pytest.fixture
def lobby(database: Documents) -> Lobby:
    return Lobby(database)


def bodies(chatctl: Chatctl, *args: object) -> list[str]:
    shown = chatctl("conversations", "transcript", "Lobby", *args, "-o", "ndjson").stdout
    return [json.loads(line)["body"] for line in shown.splitlines()]


def test_a_chat_has_its_days_and_names_who_speaks_once(either: Chatctl, lobby: Lobby) -> None:
    lobby.say(lobby.ada, 1, "hello")
    lobby.say(lobby.ada, 2, "who is in?\n\n- me")
    lobby.say(lobby.bob, 3, "me")
    lobby.say(lobby.bob, 3.5, image="https://img.example.org/1.png")
    lobby.say(lobby.bob, 8.6, "still here")
    lobby.say(lobby.bob, 24 * 60 + 1, "good morning", seenIds=[lobby.bob, lobby.ada])
    done = either("conversations", "transcript", "Lobby")
    assert (
        done.stdout
        == f"""\
{HEADER}{DAY}
00:01  ada
       hello
     · who is in?

       - me

00:03  bob
       me
     · image: https://img.example.org/1.png

00:08  bob
       still here

── Friday, 2 January 2026 {"─" * (80 - len("── Friday, 2 January 2026 "))}

00:01  bob
       good morning

seen by ada · not seen by cyd
"""
    )
    assert done.stderr == ""


def test_broken_data_is_shown_as_it_is(either: Chatctl, lobby: Lobby) -> None:
    gone = ObjectId("65000000000000000000000a")
    lobby.say(gone, 1, "I am gone")
    lobby.say(lobby.ada, 20)
    lobby.say(lobby.ada, 30, {"text": 1}, seenIds=None)
    lobby.say(lobby.bob, 40, "  ", conversationId=str(lobby.id))
    lobby.say(lobby.bob, 50, image=f"data:image/png;base64,{'A' * 4000}")
    lobby.say(lobby.cyd, None, "once")
    lobby.say(None, None, "nobody", createAt=None)
    shown = either("conversations", "transcript", str(lobby.id)).stdout
    assert (
        shown
        == f"""\
{HEADER}{DAY}
00:01  deleted user 65000000000000000000000a
       I am gone

00:20  ada
       (empty)

00:30  ada
       text 1

00:40  bob
       (empty)

00:50  bob
       image: data:image/png, 3.0 kB

── Without a date {"─" * (80 - len("── Without a date "))}

       cyd
       once

       unknown author
       nobody

not seen by ada, cyd
"""
    )


def test_a_time_that_is_text_stands_behind_the_name(chatctl: Chatctl, lobby: Lobby) -> None:
    lobby.say(lobby.ada, None, "x", createAt="2026-01-01")
    assert "\n       ada 2026-01-01\n       x\n" in chatctl("conversations", "transcript", "Lobby").stdout


def test_one_to_one_is_called_by_its_people_once(either: Chatctl, database: Documents) -> None:
    ada, bob = (person(database, name) for name in ("ada", "bob"))
    place = conversation(database, ada, bob)
    assert either("conversations", "transcript", str(place)).stdout == (
        "ada, bob\nbegan Thursday, 1 January 2026\n\n(no messages)\n"
    )


@pytest.mark.parametrize(("last", "kept"), [(1, "5"), (3, "345"), (5, "12345"), (7, "12345"), (1000, "12345")])
def test_the_last_are_in_their_order(either: Chatctl, lobby: Lobby, last: int, kept: str) -> None:
    messages(lobby.database, lobby.id, lobby.ada, *"12345")
    assert bodies(either, "--last", last) == list(kept)


@pytest.mark.parametrize("number", [199, 200, 201, 1_300])
def test_none_is_lost_or_said_twice_however_many_there_are(chatctl: Chatctl, lobby: Lobby, number: int) -> None:
    said = [str(number) for number in range(number)]
    messages(lobby.database, lobby.id, lobby.ada, *said)
    lobby.say(lobby.ada, None, "undated")
    assert bodies(chatctl) == [*said, "undated"]
    assert bodies(chatctl, "--last", number - 1) == said[1:]
    assert bodies(chatctl, "--last", number + 1) == [*said, "undated"]


def test_those_without_a_date_are_among_the_last_if_there_is_room(either: Chatctl, lobby: Lobby) -> None:
    messages(lobby.database, lobby.id, lobby.ada, *"12")
    for body in "ab":
        lobby.say(lobby.ada, None, body)
    assert [bodies(either, "--last", number) for number in (2, 3, 4)] == [
        ["1", "2"],
        ["1", "2", "a"],
        ["1", "2", "a", "b"],
    ]


def test_messages_of_one_moment_and_of_odd_ids_are_counted_right(chatctl: Chatctl, lobby: Lobby) -> None:
    for number in range(6):
        lobby.say(lobby.ada, 1, str(number), **({"_id": str(ObjectId())} if number == 0 else {}))
    assert bodies(chatctl, "--last", 3) == ["3", "4", "5"]
    lobby.say(lobby.ada, 0.5, "before", _id=7)
    lobby.say(lobby.ada, 0.6, "text", _id=str(ObjectId()))
    assert bodies(chatctl, "--last", 7) == ["text", *"012345"]


def test_since_is_included_and_until_is_not(either: Chatctl, lobby: Lobby) -> None:
    messages(lobby.database, lobby.id, lobby.ada, *"12345")
    lobby.say(lobby.ada, None, "undated")
    assert bodies(either, "--since", "2026-01-01T00:02Z", "--until", "2026-01-01T00:04Z") == ["2", "3"]
    assert bodies(either, "--since", "2026-01-01T00:02Z", "--last", "2") == ["4", "5"]
    assert bodies(either, "--until", "2026-01-01T00:04Z", "--last", "2") == ["2", "3"]
    assert "seen by" not in either("conversations", "transcript", "Lobby", "--until", "2026-01-01T00:04Z").stdout


@pytest.mark.parametrize(
    ("place", "first", "last"), [(0, 0, 10), (3, 0, 13), (10, 0, 20), (15, 5, 25), (28, 18, 29), (29, 19, 29)]
)
def test_around_a_message_are_ten_on_each_side(
    either: Chatctl, lobby: Lobby, place: int, first: int, last: int
) -> None:
    names = [f"message {number}" for number in range(30)]
    ids = messages(lobby.database, lobby.id, lobby.ada, *names)
    assert bodies(either, "--around", ids[place]) == names[first : last + 1]
    shown = either("conversations", "transcript", "Lobby", "--around", ids[place]).stdout
    assert [line for line in shown.splitlines() if line.startswith("     > ")] == [f"     > {names[place]}"]
    assert "seen by" not in shown


def test_around_a_message_without_a_date_is_what_stands_there(either: Chatctl, lobby: Lobby) -> None:
    messages(lobby.database, lobby.id, lobby.ada, *map(str, range(12)))
    ids = [lobby.say(lobby.ada, None, f"undated {number}") for number in range(3)]
    dated = [str(number) for number in range(3, 12)]
    assert bodies(either, "--around", ids[1]) == [*dated, "undated 0", "undated 1", "undated 2"]


def test_each_line_of_the_marked_message_is_marked(chatctl: Chatctl, lobby: Lobby) -> None:
    lobby.say(lobby.ada, 1, "a")
    marked = lobby.say(lobby.ada, 2, "b\n\nc")
    shown = chatctl("conversations", "transcript", "Lobby", "--around", marked).stdout
    assert shown.endswith("\n       a\n     > b\n     >\n     > c\n")


def test_what_is_asked_wrongly_is_refused(either: Chatctl, lobby: Lobby) -> None:
    other = conversation(lobby.database, lobby.ada, lobby.bob)
    [elsewhere] = messages(lobby.database, other, lobby.ada, "x")
    assert either("conversations", "transcript", "Lobby", "--around", elsewhere, code=3).stderr == (
        f"error: the message {elsewhere} is not in this conversation\n"
        f"hint: see where it is: chatctl messages show {elsewhere}\n"
    )
    for option in (["--last", "3"], ["--since", "1d"], ["--until", "1d"]):
        wrong = either("conversations", "transcript", "Lobby", "--around", elsewhere, *option, code=2)
        assert wrong.stderr.startswith("error: --around contradicts --last, --since and --until\n")
    either("conversations", "transcript", "Lobby", "--around", ObjectId(), code=3)
    either("conversations", "transcript", "Lobby", "--around", "x", code=2)
    either("conversations", "transcript", "Lobby", "--last", "0", code=2)
    either("conversations", "transcript", "Lobby", "-o", "yaml", code=2)
    assert 'did you mean "Lobby"?' in either("conversations", "transcript", "loby", code=3).stderr


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


def test_every_line_is_what_the_values_are_in_plain(chatctl: Chatctl, lobby: Lobby) -> None:
    """A value that JSON does not have must not become null because it is fast."""
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
def test_the_name_of_a_file_says_the_format(
    either: Chatctl, lobby: Lobby, tmp_path: Path, file: str, begins: str
) -> None:
    lobby.say(lobby.ada, 1, "hello")
    assert either("conversations", "transcript", "Lobby", "--to", file) == ("", "", 0)
    assert (tmp_path / file).read_text().startswith(begins)
    assert stat.S_IMODE((tmp_path / file).stat().st_mode) == 0o600
    either("conversations", "transcript", "Lobby", "--to", file, code=4)
    either("conversations", "transcript", "Lobby", "--to", file, "--overwrite", "-o", "csv")
    assert (tmp_path / file).read_text().startswith("id,")


def test_a_file_is_whole_or_not_there(chatctl: Chatctl, lobby: Lobby, tmp_path: Path) -> None:
    lobby.say(lobby.ada, 1, "hello", createAt=BEGAN)
    (tmp_path / "link.html").symlink_to("elsewhere")
    chatctl("conversations", "transcript", "Lobby", "--to", "link.html", code=4)
    chatctl("conversations", "transcript", "Lobby", "--to", "nowhere/a.html", code=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.html"]
    assert not (tmp_path / "elsewhere").exists()


def test_it_is_said_when_there_is_no_index(chatctl: Chatctl, lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    said = (
        "there is no index for the messages of a conversation: all messages are gone through, which takes long; "
        "make it with: chatctl db indexes --apply\n"
    )
    lobby.say(lobby.ada, 1, "hello")
    assert chatctl("conversations", "transcript", "Lobby").stderr == ""
    monkeypatch.setitem(lacks_index.__globals__, "MANY", 0)
    assert chatctl("conversations", "transcript", "Lobby").stderr == said
    assert chatctl("conversations", "transcript", "Lobby", "-o", "json").stderr == ""
    assert chatctl("conversations", "list").stderr == said
    assert chatctl("conversations", "list", "--count").stderr == ""
    chatctl("db", "indexes", "--apply", "--yes")
    assert chatctl("conversations", "transcript", "Lobby").stderr == ""


def test_what_people_wrote_does_nothing_in_a_text(either: Chatctl, lobby: Lobby) -> None:
    lobby.database["User"].update_one({"_id": lobby.ada}, {"$set": {"username": "ad\na\x1b[31m"}})
    lobby.say(lobby.ada, 1, "a\x1b]8;;http://x\x07b\u202e\0\r\nnext\rline\n\n── Friday ──\n10:00  bob", image="\x1b[2J")
    shown = either("conversations", "transcript", "Lobby").stdout
    assert r"00:01  ad\na\x1b[31m" in shown
    assert r"       a\x1b]8;;http://x\x07b\u202e\x00" + "\n" in shown
    assert "\n       next\\rline\n\n       ── Friday ──\n       10:00  bob\n       image: \\x1b[2J\n" in shown
    assert all(character.isprintable() or character == "\n" for character in shown)


@pytest.mark.parametrize("form", ["text", "markdown", "html", "ndjson", "json", "csv"])
def test_a_reader_that_has_read_enough_ends_it_quietly(process: Process, lobby: Lobby, form: str) -> None:
    messages(lobby.database, lobby.id, lobby.ada, *(f"message {number}" for number in range(3_000)))
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
def test_an_image_without_an_address_is_none_and_what_is_no_time_no_beginning(
    either: Chatctl, database: Documents, form: str, expected: str
) -> None:
    ada = person(database, "ada")
    place = conversation(database, ada, person(database, "bob"), name="Lobby")
    [said] = messages(database, place, ada, "")
    database["Message"].update_one({"_id": said}, {"$set": {"image": ""}, "$unset": {"body": ""}})
    database["Conversation"].update_one({"_id": place}, {"$set": {"created_at": "yesterday"}})
    assert expected in either("conversations", "transcript", "Lobby", "--around", said, "-o", form).stdout


def test_a_part_says_which_it_is(either: Chatctl, lobby: Lobby) -> None:
    asked = ("--since", "2026-01-01", "--until", "2026-02-01T12:30Z", "--last", "2")
    said = "only since 2026-01-01 00:00Z, before 2026-02-01 12:30Z, the last 2"
    for form in ("text", "markdown", "html"):
        assert said in either("conversations", "transcript", "Lobby", *asked, "-o", form).stdout.replace("\\", "")
