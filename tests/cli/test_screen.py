"""Tables at every width of a terminal: their columns, the length of ids, and the time zone of times."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import typed
from bson import ObjectId
from people import BEGAN, Documents, conversation, person
from rich.cells import cell_len
from samples import role

from actions import queries
from actions.queries import short_ids
from cli.group import Timed, TimedRevealing
from cli.output import streams, text
from cli.output.screen import Screen
from cli.views import Column
from database import times
from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

BERLIN = {"TZ": "Europe/Berlin", "NO_COLOR": "1"}
NOTE = "times are in CET/CEST; for UTC add --utc"
LONG = "Ada " + "Lovelace" * 25
NAMES = (
    "Ada Lovelace",
    LONG,
    "日本語の名前はとても長いです、本当に",
    "👩‍👩‍👧 family 🎉🎉🎉🎉🎉🎉🎉🎉🎉",
    "a\x1b[31m\u202eb\nc",
)


@pytest.fixture
def crowd(database: Documents) -> None:
    """Insert users with names of every kind. One user has thirty roles."""
    roles = [f"role-{number:02}" for number in range(30)]
    database["Role"].insert_many([role(name) for name in roles])
    for number, name in enumerate(NAMES):
        mine = tuple(roles) if number == 1 else ()
        person(database, f"person{number}", name=name, roles=mine, lastLogin=BEGAN, status="EMAIL_VERIFIED")


@pytest.fixture
def talk(database: Documents) -> list[ObjectId]:
    """Insert messages whose ids differ in the first eight digits. Return the ids."""
    ada, bob = (person(database, name) for name in ("ada", "bob"))
    place = conversation(database, ada, bob, name="Night shift")
    ids = [ObjectId(f"{0x6900_0000 + number:08x}{'ab' * 8}") for number in range(3)]
    bodies = ("who has the kettle, the one that whistles?", "you", "the kettle is on the pier " * 9)
    documents: list[dict[str, Any]] = [
        {"_id": id_, "body": body, "createAt": datetime(2026, 7, 1, 22, 30 + number, tzinfo=UTC)}
        for number, (id_, body) in enumerate(zip(ids, bodies, strict=True))
    ]
    database["Message"].insert_many([{**one, "conversationId": place, "senderId": ada} for one in documents])
    return ids


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize(
    ("columns", "headings"),
    [
        (60, "USERNAME EMAIL STATUS"),
        (80, "USERNAME NAME EMAIL STATUS ROLES"),
        (120, "USERNAME NAME EMAIL STATUS ROLES LAST SIGN-IN"),
        (200, "ID USERNAME NAME EMAIL STATUS ROLES LAST SIGN-IN"),
    ],
)
def test_long_names_and_many_roles_hide_no_other_column(terminal: Terminal, columns: int, headings: str) -> None:
    lines = terminal("users", "list", columns=columns, env={"NO_COLOR": "1"}).lines
    assert " ".join(lines[0].split()) == headings
    assert max(map(cell_len, lines)) <= columns
    assert [line.split()[lines[0].startswith("ID")] for line in lines[1:6]] == [f"person{n}" for n in range(5)]
    start = lines[0].index("STATUS")
    assert all(line[start - 2 :].startswith("  EMAIL_VERIFIED") for line in lines[1:3])


@pytest.mark.usefixtures("crowd")
def test_a_note_names_hidden_columns_and_wide_output_has_all(terminal: Terminal, process: Process) -> None:
    assert terminal("users", "list", columns=80).lines[6:] == ["2 columns hidden (id, lastLogin): -o wide"]
    assert terminal("users", "list", columns=120).lines[6] == "1 column hidden (id): -o wide"
    wide = terminal("users", "list", "-o", "wide", columns=80, env={"NO_COLOR": "1"})
    piped = process("users", "list")
    assert wide.lines == piped.stdout.decode().splitlines()
    assert LONG in wide.text
    assert piped.stderr == b""
    assert process("users", "list", "-o", "wide").stdout == piped.stdout


def test_a_hidden_column_without_values_is_not_named(terminal: Terminal, talk: list[ObjectId]) -> None:
    del talk
    shown = terminal("messages", "list", columns=80, env={"NO_COLOR": "1"}).lines
    assert shown[0].split() == ["ID", "TIME", "SENDER", "CONVERSATION", "BODY"]
    assert len(shown) == 4


def test_columns_chosen_by_the_user_are_shown_on_every_width(terminal: Terminal, talk: list[ObjectId]) -> None:
    del talk
    lines = terminal("messages", "list", "--columns", "conversation,sender,body,createAt", columns=40).lines
    assert len(lines) == 4
    assert len(lines[0].split()) == 4


def test_a_list_of_events_has_time_actor_command_and_reason_on_eighty_columns(
    chatctl: Chatctl, terminal: Terminal, database: Documents
) -> None:
    person(database, "ada")
    chatctl("users", "suspend", "ada", "--reason", "stolen laptop", "--yes")
    chatctl("users", "reinstate", "ada", "--reason", "found again, in the tram", "--yes")
    ids = [one["_id"] for one in database["chatctl_audit"].find({"kind": "event"}).sort("_id", -1)]
    lines = terminal("audit", "list", columns=80, env={"NO_COLOR": "1"}).lines
    assert lines[0].split() == ["ID", "AT", "ACTOR", "COMMAND", "REASON"]
    assert all(str(id_).startswith(line.split()[0]) for id_, line in zip(ids, lines[1:3], strict=True))
    assert max(len(line.split()[0]) for line in lines[1:3]) <= 12, "ids of one process and one second are short, too"
    assert "users suspend" in lines[2]
    assert "stolen" in lines[2]
    assert "users suspend" in terminal("audit", "list", "-o", "wide", columns=80).text


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_a_search_keeps_the_conversation_and_shows_the_match(
    terminal: Terminal, talk: list[ObjectId], columns: int
) -> None:
    del talk
    lines = terminal("messages", "search", "kettle", columns=columns, env={"NO_COLOR": "1"}).lines
    assert ("CONVERSATION" in lines[0]) is (columns > 60)
    assert all("«kettle»" in line for line in lines[1:3])


def test_ids_are_shortened_only_if_a_table_needs_the_room(
    terminal: Terminal, process: Process, talk: list[ObjectId]
) -> None:
    def ids(*options: str, columns: int) -> list[str]:
        shown = terminal("messages", "list", *options, columns=columns, env={"NO_COLOR": "1"}).lines
        return [line.split()[0] for line in shown[1:4]]

    whole = [str(id_) for id_ in reversed(talk)]
    assert ids(columns=80) == [id_[:8] for id_ in whole]
    assert ids(columns=200) == ids("-o", "wide", columns=80) == whole
    piped = process("messages", "list").stdout.decode().splitlines()
    assert [line.split()[0] for line in piped[1:]] == whole


@pytest.mark.parametrize(
    ("others", "digits"),
    [
        ([], 8),
        (["6900000100000000000000ff"], 10),
        (["690000010a0000000000000a", "690000010abc00000000000b"], 13),
        (["690000010abcdef123456788"], 24),
    ],
)
def test_a_short_id_has_enough_digits_to_mean_one_document(
    chatctl: Chatctl, database: Documents, others: list[str], digits: int
) -> None:
    mine = ["690000010abcdef123456789", "690000020abcdef123456789"]
    database["Message"].insert_many([{"_id": ObjectId(id_)} for id_ in (*mine, *others)])
    chatctl("messages", "list", "--count")
    short = short_ids("Message", [*mine, "an id of another type", "69" * 12])
    assert short == {mine[0]: mine[0][:digits], mine[1]: mine[1][:8]}


def test_an_id_is_not_shortened_if_very_many_begin_alike(
    chatctl: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_ALIKE", 4)
    ids = [ObjectId(f"69000001{number:016x}") for number in range(4)]
    database["Message"].insert_many([{"_id": id_} for id_ in [*ids, ObjectId(f"69000003{1:016x}")]])
    chatctl("messages", "list", "--count")
    assert short_ids("Message", [str(ids[0])]) == {}
    assert short_ids("Message", [f"69000003{1:016x}"]) == {f"69000003{1:016x}": "69000003"}


def test_an_id_stored_as_text_is_not_shortened(terminal: Terminal, database: Documents, talk: list[ObjectId]) -> None:
    message = database["Message"].find_one({"_id": talk[0]}) or {}
    database["Message"].insert_one({**message, "_id": "69000009" + "cd" * 8})
    shown = terminal("messages", "list", columns=80, env={"NO_COLOR": "1"}).text
    assert "69000009" + "cd" * 8 in shown


def test_columns_are_left_out_in_the_declared_order() -> None:
    view = (Column("a", table=90), Column("b"), Column("c", table=70), Column("d", table=80), Column("e", table=10))
    row = dict.fromkeys("abcde", "x" * 12)
    kept = {width: "".join(c.key for c in Screen(width).table([row], view).columns) for width in range(5, 100)}
    assert list(dict.fromkeys(kept.values())) == ["b", "be", "bce", "bcde", "abcde"]
    assert kept[69] == "abcde"
    assert [kept[width] for width in (26, 39, 40, 53, 54)] == ["be", "be", "bce", "bce", "bcde"]


def test_every_command_that_prints_rows_has_a_wide_table() -> None:
    forms = {
        name: parameter.metavar.split("|")
        for name, command in typed.commands()
        for parameter in command.params
        if "--output" in parameter.opts
    }
    reads = {name for name, given in forms.items() if {"table", "yaml"} <= {*given}}
    assert {"users list", "users show", "audit list", "db check", "db indexes", "context list", "roles matrix"} <= reads
    assert {name for name, given in forms.items() if "wide" in given} == reads


@pytest.mark.parametrize(
    "line",
    [
        "users list --columns username,lastLogin",
        "users show ada",
        "conversations show Lobby",
        "messages list",
        "messages search hello",
        "messages show 690000000000000000000000",
        "audit list",
        "audit show EVENT",
    ],
)
def test_times_on_a_terminal_are_local_and_a_note_names_the_zone_once(
    chatctl: Chatctl,
    terminal: Terminal,
    process: Process,
    *,
    database: Documents,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    night = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    ada = person(database, "ada", lastLogin=night, createdAt=night)
    place = conversation(database, ada, name="Lobby")
    database["Conversation"].update_one({"_id": place}, {"$set": {"created_at": night}})
    message = {"_id": ObjectId("69" + "0" * 22), "body": "hello", "createAt": night}
    database["Message"].insert_one({**message, "conversationId": place, "senderId": ada})
    chatctl("users", "suspend", "ada", "--reason", "x", "--yes")
    event = {"kind": "event"}
    database["chatctl_audit"].update_one(event, {"$set": {"at": night}})
    words = line.replace("EVENT", str((database["chatctl_audit"].find_one(event) or {})["_id"])).split()
    shown = terminal(*words, env=BERLIN)
    assert "2026-07-02 00:30" in shown.text
    assert "00:30Z" not in shown.text
    assert shown.lines.count(NOTE) == 1
    for utc in (terminal(*words, "--utc", env=BERLIN), terminal(*words, env=BERLIN | {"TZ": "UTC"})):
        assert "2026-07-01 22:30Z" in utc.text
        assert "times are in" not in utc.text
    piped = process(*words, env=BERLIN)
    assert b"2026-07-01 22:30Z" in piped.stdout
    assert b"times" not in piped.stderr
    monkeypatch.setattr(streams, "is_terminal", lambda _: True)
    for form in ("json", "csv", "yaml"):
        assert "2026-07-01T22:30:00.000Z" in chatctl(*words, "-o", form, env=BERLIN | {"PAGER": ""}).stdout


def test_a_transcript_has_local_times_only_on_a_terminal(
    terminal: Terminal, process: Process, talk: list[ObjectId]
) -> None:
    line = ("conversations", "transcript", "Night shift")
    del talk
    shown = terminal(*line, env=BERLIN).text
    assert "Thursday, 2 July 2026" in shown
    assert "00:30  ada" in shown
    assert shown.count("times in CET/CEST") == 1
    for other in (
        terminal(*line, "--utc", env=BERLIN).text,
        process(*line, env=BERLIN).stdout.decode(),
        terminal(*line, "-o", "markdown", env=BERLIN).text,
        terminal(*line, "-o", "html", env=BERLIN).text,
    ):
        assert "Wednesday, 1 July 2026" in other
        assert "22:30" in other
        assert "CET" not in other


def test_a_transcript_in_a_file_is_in_utc(terminal: Terminal, process: Process, talk: list[ObjectId]) -> None:
    del talk
    terminal("conversations", "transcript", "Night shift", "--to", "chat.txt", env=BERLIN)
    assert process("--version", line="; cat chat.txt").stdout.decode().count("22:30  ada") == 1


def test_all_commands_that_print_times_take_utc() -> None:
    timed = {name for name, command in typed.commands() if isinstance(command, (Timed, TimedRevealing))}
    assert timed == {
        *("users list", "users show", "conversations list", "conversations show", "conversations transcript"),
        *("messages list", "messages search", "messages show", "messages tail", "audit list", "audit show"),
        *("db status", "access who", "proposals list", "proposals show", "holds list", "holds show"),
        *("users duplicates", "retention plan"),
    }
    for name, command in typed.commands():
        dated = [column for column in command.columns if column in {"lastLogin", "createAt", "created_at", "at"}]
        assert not dated or name in timed, name


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Berlin", "2026-01-01 01:00"),
        ("Asia/Kathmandu", "2026-01-01 05:45"),
        ("America/New_York", "2025-12-31 19:00"),
    ],
)
def test_a_time_is_shown_in_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch, zone: str, shown: str) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert text.cell(BEGAN, local=True) == shown
        assert text.cell([BEGAN], local=True) == text.cell({"x": BEGAN}, local=True).removeprefix("x ") == shown
        assert text.cell(BEGAN) == "2026-01-01 00:00Z"
        for far in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)):
            assert text.cell(far, local=True)[:4] in {"0001", "9999"}
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Europe/Berlin", "CET/CEST"),
        ("Asia/Tokyo", "JST"),
        ("Asia/Kathmandu", "+0545"),
        ("Europe/London", "GMT/BST"),
        ("UTC", None),
        ("Atlantic/Reykjavik", None),
        ("Nowhere/Else", None),
    ],
)
def test_a_time_zone_is_shown_with_both_names_and_utc_with_none(
    monkeypatch: pytest.MonkeyPatch, zone: str, name: str | None
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        assert times.local_zone() == name
    time.tzset()
