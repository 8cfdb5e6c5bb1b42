"""The output of the commands that list and show messages."""

import json

import pytest
import talk
from bson import ObjectId
from people import Documents, minute_after
from rich.cells import cell_len
from talk import ADA, BOB, CLUB, CYD, DIRECT, GHOST, IMAGE, MESSAGES, SHIFT

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl


def test_a_list_has_the_newest_message_first(talking: Chatctl) -> None:
    ghost, image = f"deleted user {GHOST}", "data:image/png;base64 (522 characters)"
    lines = talking("messages", "list").stdout.splitlines()
    assert lines[:4] == [
        f"ID                        TIME               SENDER{'':31}  CONVERSATION      BODY{'':58}  IMAGE",
        f"{MESSAGES[6]}  2026-01-01 00:20Z  {ghost}  Book club (2026)  =1+1",
        f"{MESSAGES[5]}  2026-01-01 00:12Z  bob{'':34}  Night shift       not me{'':56}  https://images.example/a.png",
        f"{MESSAGES[4]}  2026-01-01 00:11Z  cyd{'':34}  Night shift       (no text){'':53}  {image}",
    ]
    assert lines[6].endswith(r"  ada, bob          see you at the pier\n+ bring the kettle, the one that whistles")
    assert len(lines) == 8


def test_programs_get_values_that_are_not_cut(talking: Chatctl) -> None:
    row = json.loads(talking("messages", "list", "-o", "json", "--with-image", "--sender", "cyd").stdout)
    assert row == [
        {
            "id": str(MESSAGES[4]),
            "createAt": "2026-01-01T00:11:00.000Z",
            "sender": {"id": str(CYD), "username": "cyd"},
            "conversation": {"id": str(SHIFT), "title": "Night shift"},
            "body": None,
            "image": IMAGE,
            "seen": [{"id": str(CYD), "username": "cyd"}, {"id": str(BOB), "username": "bob"}],
            "unseen": [{"id": str(ADA), "username": "ada"}],
            "conversationId": str(SHIFT),
            "senderId": str(CYD),
        }
    ]
    columns = "sender,conversation,body,seen,unseen"
    assert talking("messages", "list", "-o", "csv", "--columns", columns, "--limit", "2").stdout == (
        "sender,conversation,body,seen,unseen\n"
        f"{GHOST},Book club (2026),'=1+1,{GHOST};cyd,\n"
        "bob,Night shift,not me,bob,ada;cyd\n"
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--conversation", "Night shift"], [5, 4, 3]),
        (["--conversation", str(DIRECT), "--sender", "ada"], [1, 0]),
        (["--sender", "bob"], [5, 2]),
        (["--since", "2026-01-01T00:11Z"], [6, 5, 4]),
        (["--since", "2026-01-01T00:03Z", "--until", "2026-01-01T00:11Z"], [3, 2]),
        (["--with-image"], [5, 4]),
        (["--with-image", "--conversation", str(CLUB)], []),
        (["--unseen-by", "ada"], [5, 4, 2]),
        (["--unseen-by", "ada", "--conversation", "Night shift"], [5, 4]),
        (["--unseen-by", "ada", "--sender", "bob"], [5, 2]),
        (["--unseen-by", "ada", "--sender", "ada"], []),
        (["--unseen-by", "bob"], []),
        (["--unseen-by", "dan"], []),
        (["--unseen-by", "dan", "--conversation", "Night shift"], []),
        (["--sender", "ada", "--sort", "createAt"], [0, 1, 3]),
        (["--sort", "id"], [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_filters_are_combined_with_and(talking: Chatctl, filters: list[str], expected: list[int]) -> None:
    found = [str(MESSAGES[number]) for number in expected]
    assert talking("messages", "list", "-o", "ids", *filters).stdout.split() == found
    assert talking("messages", "list", "--count", *filters).stdout == f"{len(found)}\n"
    paged: list[str] = []
    while len(paged) < len(found):
        after = ["--after", paged[-1]] if paged else []
        paged += talking("messages", "list", "-o", "ids", "--limit", "2", *filters, *after).stdout.split()
    assert paged == found


def test_a_message_is_shown_with_its_text_on_separate_lines(talking: Chatctl, database: Documents) -> None:
    assert talking("messages", "show", MESSAGES[1]) == (
        f"""\
ID               {MESSAGES[1]}
TIME             2026-01-01 00:02Z
SENDER           ada
CONVERSATION     ada, bob
SEEN BY          ada, bob
NOT SEEN BY      -
CONVERSATION ID  {DIRECT}

see you at the pier
+ bring the kettle, the one that whistles
""",
        "",
        0,
    )
    assert talking("messages", "show", MESSAGES[4]).stdout == (
        f"""\
ID               {MESSAGES[4]}
TIME             2026-01-01 00:11Z
SENDER           cyd
CONVERSATION     Night shift
IMAGE            data:image/png;base64 (522 characters)
SEEN BY          cyd, bob
NOT SEEN BY      ada
CONVERSATION ID  {SHIFT}
"""
    )
    assert json.loads(talking("messages", "show", MESSAGES[4], "-o", "json").stdout)["image"] == IMAGE
    assert f"SENDER           deleted user {GHOST}\n" in talking("messages", "show", MESSAGES[6]).stdout
    hostile = "\x1b]0;x\x07[red]a[/red]\u202eb\r\n\ta\rb :smile:"
    database["Message"].update_one({"_id": MESSAGES[0]}, {"$set": {"body": hostile, "image": "\x1b[31mdata:"}})
    shown = talking("messages", "show", MESSAGES[0]).stdout
    assert shown.endswith("\n\n\\x1b]0;x\\x07[red]a[/red]\\u202eb\n\ta\\rb :smile:\n")
    assert "\x1b" not in shown + talking("messages", "list").stdout


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["list", "--sender", ""], 3, 'no user ""\n'),
        (["list", "--unseen-by", ""], 3, 'no user ""\n'),
        (["list", "--conversation", ""], 3, 'no conversation ""\n'),
        (
            ["list", "--conversation", "Night shif"],
            3,
            'no conversation "Night shif"\nhint: did you mean "Night shift"?',
        ),
        (["list", "--since", "yesterday"], 2, "--since: "),
        (["list", "--after", "5f" * 12], 3, f"--after: message {'5f' * 12} does not exist"),
        (["show", "x"], 2, '"x" is not a message id'),
        (["show", "5f" * 12], 3, f'no message "{"5f" * 12}"\nhint: see chatctl messages list'),
    ],
)
def test_invalid_input_is_explained(talking: Chatctl, args: list[str], code: int, said: str) -> None:
    done = talking("messages", *args, code=code)
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {said}")


def test_a_table_fits_the_terminal(chatctl: Chatctl, database: Documents, terminal: Terminal) -> None:
    talk.settle(database)
    assert chatctl("messages", "list", "--count").stdout == "7\n"
    headings = {
        60: "ID SENDER BODY",
        80: "ID TIME SENDER CONVERSATION BODY",
        120: "ID TIME SENDER CONVERSATION BODY",
        200: "ID TIME SENDER CONVERSATION BODY IMAGE",
    }
    for columns, heading in headings.items():
        lines = terminal("messages", "list", columns=columns, env={"NO_COLOR": "1"}).text.splitlines()
        assert " ".join(lines[0].split()) == heading
        assert max(map(cell_len, lines)) <= columns
        assert [line[:24] for line in lines[1:8]] == [str(identifier) for identifier in reversed(MESSAGES)]


def test_a_long_list_prints_one_page_and_the_command_for_the_next(talking: Chatctl, database: Documents) -> None:
    more = [
        {"_id": ObjectId(), "conversationId": DIRECT, "senderId": BOB, "createAt": minute_after(100 + number)}
        for number in range(60)
    ]
    database["Message"].insert_many(more)
    said = talking("messages", "list", "--conversation", DIRECT).stderr
    onward = f"chatctl messages list --conversation {DIRECT} --after {more[10]['_id']}"
    assert said == f"50 of 63; next page: {onward}\n"
    assert len(talking(*onward.split()[1:]).stdout.splitlines()) == 14
