"""The output of the commands that list and show conversations."""

import json
import re

import pytest
import talk
from people import Documents
from rich.cells import cell_len
from talk import ADA, BOB, CLUB, CYD, DIRECT, GHOST, MESSAGES, SHIFT, SILENT

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

NAMES = {"club": CLUB, "shift": SHIFT, "direct": DIRECT, "silent": SILENT}


def test_a_list_is_sorted_by_activity_and_names_who_has_unread_messages(talking: Chatctl) -> None:
    assert talking("conversations", "list").stdout == (
        "ID                        CONVERSATION      NOT READ BY  LAST ACTIVITY\n"
        f"{CLUB}  Book club (2026)               2026-01-01 00:20Z\n"
        f"{SHIFT}  Night shift       ada, cyd     2026-01-01 00:12Z\n"
        f"{DIRECT}  ada, bob          ada          2026-01-01 00:03Z\n"
        f"{SILENT}  cyd, dan                       2026-01-01 00:00Z\n"
    )


def test_programs_get_people_by_id_and_name(talking: Chatctl) -> None:
    club, *_, silent = json.loads(talking("conversations", "list", "-o", "json").stdout)
    assert club == {
        "id": str(CLUB),
        "title": "Book club (2026)",
        "participants": [{"id": str(CYD), "username": "cyd"}, {"id": str(GHOST), "username": None}],
        "unread": [],
        "lastMessageAt": "2026-01-01T00:20:00.000Z",
        "name": "Book club (2026)",
        "isGroup": True,
        "created_at": "2026-01-01T00:00:00.000Z",
    }
    assert (silent["name"], silent["isGroup"], silent["title"]) == (None, None, "cyd, dan")
    assert talking("conversations", "list", "-o", "csv", "--columns", "title,participants,unread").stdout == (
        "title,participants,unread\n"
        f"Book club (2026),cyd;{GHOST},\n"
        "Night shift,ada;bob;cyd,ada;cyd\n"
        '"ada, bob",ada;bob,ada\n'
        '"cyd, dan",cyd;dan,\n'
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--user", "cyd"], "club shift silent"),
        (["--user", "dan@example.org"], "silent"),
        (["--between", "bob", "ada"], "shift direct"),
        (["--between", "ada", "dan"], ""),
        (["--between", "ada", "ada"], "shift direct"),
        (["--user", "cyd", "--between", "ada", "bob"], "shift"),
        (["--between", "ada", "bob", "--direct"], "direct"),
        (["--group"], "club shift"),
        (["--direct"], "direct silent"),
        (["--active-since", "2026-01-01T00:12Z"], "club shift"),
        (["--idle-since", "2026-01-01T00:12Z"], "direct silent"),
        (["--active-since", "2026-01-01T00:01Z", "--idle-since", "2026-01-01T00:12Z"], "direct"),
        (["--search", "SHIFT"], "shift"),
        (["--search", "(2026)"], "club"),
        (["--search", "."], ""),
        (["--empty"], "silent"),
        (["--empty", "--sort", "id"], "silent"),
        (["--empty", "--group"], ""),
        (["--sort", "id"], "direct shift club silent"),
        (["--sort", "name"], "club shift direct silent"),
        (["--sort", "lastMessageAt"], "silent direct shift club"),
    ],
)
def test_filters_are_combined_with_and(talking: Chatctl, filters: list[str], expected: str) -> None:
    found = [str(NAMES[name]) for name in expected.split()]
    assert talking("conversations", "list", "-o", "ids", *filters).stdout.split() == found
    assert talking("conversations", "list", "--count", *filters).stdout == f"{len(found)}\n"


@pytest.mark.parametrize("filters", [[], ["--empty"], ["--user", "cyd"]], ids=str)
def test_all_pages_together_are_the_whole_list(talking: Chatctl, database: Documents, filters: list[str]) -> None:
    for _ in range(3):
        database["Conversation"].insert_one({"userIds": [CYD], "isGroup": True})
    whole = talking("conversations", "list", "-o", "ids", *filters).stdout.split()
    paged: list[str] = []
    after: list[str] = []
    while page := talking("conversations", "list", "-o", "ids", "--limit", "1", *filters, *after).stdout.split():
        paged += page
        after = ["--after", page[-1]]
    assert paged == whole
    assert len(whole) == {"[]": 7, "['--empty']": 4}.get(str(filters), 6)


def test_messages_are_counted_if_requested(talking: Chatctl) -> None:
    assert talking("conversations", "list", "--columns", "messages,title").stdout == (
        "MESSAGES  CONVERSATION\n"
        "       1  Book club (2026)\n"
        "       3  Night shift\n"
        "       3  ada, bob\n"
        "       0  cyd, dan\n"
    )


def test_a_conversation_is_shown_with_its_participants_and_first_and_last_message(talking: Chatctl) -> None:
    assert talking("conversations", "show", "Night shift") == (
        f"""\
ID             {SHIFT}
CONVERSATION   Night shift
LAST ACTIVITY  2026-01-01 00:12Z
GROUP          yes
CREATED        2026-01-01 00:00Z
MESSAGES       3

USERNAME  MESSAGES  UNREAD
ada              1       2
bob              1       0
cyd              1       1

MESSAGE  ID                        TIME               SENDER  BODY
first    {MESSAGES[3]}  2026-01-01 00:10Z  ada     who has the Kettle?
last     {MESSAGES[5]}  2026-01-01 00:12Z  bob     not me
""",
        "",
        0,
    )
    assert talking("conversations", "show", SILENT).stdout == (
        f"""\
ID             {SILENT}
CONVERSATION   cyd, dan
LAST ACTIVITY  2026-01-01 00:00Z
GROUP          no
CREATED        2026-01-01 00:00Z
MESSAGES       0

USERNAME  MESSAGES  UNREAD
cyd              0       0
dan              0       0
"""
    )
    assert f"\ndeleted user {GHOST}         1       0\n" in talking("conversations", "show", CLUB).stdout


def test_programs_get_all_values_of_a_conversation(talking: Chatctl) -> None:
    shown = json.loads(talking("conversations", "show", DIRECT, "-o", "json").stdout)
    first, last = shown.pop("firstMessage"), shown.pop("lastMessage")
    assert shown == {
        "id": str(DIRECT),
        "title": "ada, bob",
        "participants": [{"id": str(ADA), "username": "ada"}, {"id": str(BOB), "username": "bob"}],
        "unread": [{"id": str(ADA), "username": "ada", "messages": 1}],
        "lastMessageAt": "2026-01-01T00:03:00.000Z",
        "name": None,
        "isGroup": None,
        "created_at": "2026-01-01T00:00:00.000Z",
        "messages": 3,
    }
    assert (first["body"], last["body"]) == ("hello bob", "fine")
    assert [first, last] == [
        json.loads(talking("messages", "show", MESSAGES[number], "-o", "json").stdout) for number in (0, 2)
    ]
    assert json.loads(talking("conversations", "show", SILENT, "-o", "json").stdout)["lastMessage"] is None


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["list", "--group", "--direct"], 2, "--group and --direct cannot be combined\nhint: use one of them"),
        (["list", "--search", ""], 2, "--search cannot be empty"),
        (["list", "--user", "adaa"], 3, 'no user "adaa"\nhint: did you mean "ada"?'),
        (["list", "--user", ""], 3, 'no user ""\nhint: see chatctl users list'),
        (["list", "--between", "ada", "nobody"], 3, 'no user "nobody"\nhint: see chatctl users list --search nobody'),
        (["list", "--sort", "title"], 2, 'cannot sort by "title"\nhint: sort by '),
        (["show", "Night shif"], 3, 'no conversation "Night shif"\nhint: did you mean "Night shift"?'),
    ],
)
def test_invalid_input_is_explained(talking: Chatctl, args: list[str], code: int, said: str) -> None:
    done = talking("conversations", *args, code=code)
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {said}")


def test_a_terminal_shows_ages_and_tables_that_fit(chatctl: Chatctl, database: Documents, terminal: Terminal) -> None:
    talk.settle(database)
    hostile = "\x1b]0;x\x07[red]a[/red]\u202eb\n:smile: 日本語" * 3
    database["Conversation"].update_one({"_id": SHIFT}, {"$set": {"name": hostile}})
    for columns, headings in ((60, "ID CONVERSATION LAST ACTIVITY"), (90, "ID CONVERSATION NOT READ BY LAST ACTIVITY")):
        lines = terminal("conversations", "list", columns=columns, env={"NO_COLOR": "1"}).lines
        assert " ".join(lines[0].split()) == headings
        assert lines[5:] == (["1 column hidden (unread): -o wide"] if columns == 60 else [])
        assert max(map(cell_len, lines)) <= columns
        assert all(re.search(r"(ago|from now|now)$", line) for line in lines[1:5])
        assert r"\x1b]0;x" in lines[2]
    assert "\x1b" not in chatctl("conversations", "show", SHIFT).stdout
