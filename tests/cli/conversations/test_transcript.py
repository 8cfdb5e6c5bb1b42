"""The transcript of a conversation: the choice of messages, and their form as plain text."""

import json

import pytest
from bson import ObjectId
from lobby import Lobby
from people import Documents, conversation, messages, person

from tests.conftest import Chatctl

RULE = "─" * (80 - len("── Thursday, 1 January 2026 "))
HEADER = "Lobby\nada, bob, cyd · began Thursday, 1 January 2026 · times in UTC\n"
DAY = f"\n── Thursday, 1 January 2026 {RULE}\n"


def bodies(chatctl: Chatctl, *args: object) -> list[str]:
    shown = chatctl("conversations", "transcript", "Lobby", *args, "-o", "ndjson").stdout
    return [json.loads(line)["body"] for line in shown.splitlines()]


def test_a_transcript_has_a_heading_for_each_day_and_names_each_author_once_in_a_series(
    either: Chatctl, lobby: Lobby
) -> None:
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
       (document)

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


def test_a_time_that_is_text_is_shown_after_the_name(chatctl: Chatctl, lobby: Lobby) -> None:
    lobby.say(lobby.ada, None, "x", createAt="2026-01-01")
    assert "\n       ada 2026-01-01\n       x\n" in chatctl("conversations", "transcript", "Lobby").stdout


def test_a_one_to_one_transcript_names_its_participants_once(either: Chatctl, database: Documents) -> None:
    ada, bob = (person(database, name) for name in ("ada", "bob"))
    place = conversation(database, ada, bob)
    assert either("conversations", "transcript", str(place)).stdout == (
        "ada, bob\nbegan Thursday, 1 January 2026 · times in UTC\n\n(no messages)\n"
    )


@pytest.mark.parametrize(("last", "kept"), [(1, "5"), (3, "345"), (5, "12345"), (7, "12345"), (1000, "12345")])
def test_the_last_messages_are_in_order(either: Chatctl, lobby: Lobby, last: int, kept: str) -> None:
    messages(lobby.database, lobby.id, lobby.ada, *"12345")
    assert bodies(either, "--last", last) == list(kept)


@pytest.mark.parametrize("number", [199, 200, 201, 1_300])
def test_every_message_is_printed_exactly_once(chatctl: Chatctl, lobby: Lobby, number: int) -> None:
    said = [str(number) for number in range(number)]
    messages(lobby.database, lobby.id, lobby.ada, *said)
    lobby.say(lobby.ada, None, "undated")
    assert bodies(chatctl) == [*said, "undated"]
    assert bodies(chatctl, "--last", number - 1) == said[1:]
    assert bodies(chatctl, "--last", number + 1) == [*said, "undated"]


def test_messages_without_a_date_come_last_if_there_is_room(either: Chatctl, lobby: Lobby) -> None:
    messages(lobby.database, lobby.id, lobby.ada, *"12")
    for body in "ab":
        lobby.say(lobby.ada, None, body)
    assert [bodies(either, "--last", number) for number in (2, 3, 4)] == [
        ["1", "2"],
        ["1", "2", "a"],
        ["1", "2", "a", "b"],
    ]


def test_messages_of_the_same_time_and_with_odd_ids_are_counted_correctly(chatctl: Chatctl, lobby: Lobby) -> None:
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
def test_around_shows_ten_messages_on_each_side_of_the_message(
    either: Chatctl, lobby: Lobby, place: int, first: int, last: int
) -> None:
    names = [f"message {number}" for number in range(30)]
    ids = messages(lobby.database, lobby.id, lobby.ada, *names)
    assert bodies(either, "--around", ids[place]) == names[first : last + 1]
    shown = either("conversations", "transcript", "Lobby", "--around", ids[place]).stdout
    assert [line for line in shown.splitlines() if line.startswith("     > ")] == [f"     > {names[place]}"]
    assert "seen by" not in shown


def test_around_shows_the_neighbours_of_a_message_without_a_date(either: Chatctl, lobby: Lobby) -> None:
    messages(lobby.database, lobby.id, lobby.ada, *map(str, range(12)))
    ids = [lobby.say(lobby.ada, None, f"undated {number}") for number in range(3)]
    dated = [str(number) for number in range(3, 12)]
    assert bodies(either, "--around", ids[1]) == [*dated, "undated 0", "undated 1", "undated 2"]


def test_each_line_of_the_marked_message_is_marked(chatctl: Chatctl, lobby: Lobby) -> None:
    lobby.say(lobby.ada, 1, "a")
    marked = lobby.say(lobby.ada, 2, "b\n\nc")
    shown = chatctl("conversations", "transcript", "Lobby", "--around", marked).stdout
    assert shown.endswith("\n       a\n     > b\n     >\n     > c\n")


def test_invalid_options_are_refused(either: Chatctl, lobby: Lobby) -> None:
    other = conversation(lobby.database, lobby.ada, lobby.bob)
    [elsewhere] = messages(lobby.database, other, lobby.ada, "x")
    assert either("conversations", "transcript", "Lobby", "--around", elsewhere, code=3).stderr == (
        f"error: the message {elsewhere} is not in this conversation\n"
        f"hint: see its conversation: chatctl messages show {elsewhere}\n"
    )
    for option in (["--last", "3"], ["--since", "1d"], ["--until", "1d"]):
        wrong = either("conversations", "transcript", "Lobby", "--around", elsewhere, *option, code=2)
        assert wrong.stderr.startswith("error: --around cannot be combined with --last, --since or --until\n")
    either("conversations", "transcript", "Lobby", "--around", ObjectId(), code=3)
    either("conversations", "transcript", "Lobby", "--around", "x", code=2)
    either("conversations", "transcript", "Lobby", "--last", "0", code=2)
    either("conversations", "transcript", "Lobby", "-o", "yaml", code=2)
    assert 'did you mean "Lobby"?' in either("conversations", "transcript", "loby", code=3).stderr
