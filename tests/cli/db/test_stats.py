"""Statistics: the numbers, the periods and the curves."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, conversation, messages, person
from pymongo.database import Database

from tests.cli.conftest import Process, Terminal
from tests.conftest import Chatctl

Documents = Database[dict[str, Any]]

END = datetime(9999, 12, 31, tzinfo=UTC)
"""The latest time that servers can format. If the data has a later time, servers refuse to count the data."""


def counted(chatctl: Chatctl, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(chatctl("db", "stats", "--since", "2026-01-01", *words, "-o", "json").stdout)
    return found


def something(periods: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(period.values()) for period in periods if any(list(period.values())[1:])]


@pytest.fixture
def office(database: Documents, either: Chatctl) -> dict[str, ObjectId]:
    """Insert a few users, created in the first days of the year, and documents with broken values."""
    either("roles", "create", "support")
    either("roles", "create", "nobody's")
    ada = person(database, "ada", roles=("support",))
    grace = person(database, "grace", createdAt=BEGAN + timedelta(days=4), status="SUSPENDED")
    odd = {"status": "BANNED", "createdAt": "2026-01-02"}
    person(database, "old", createdAt=BEGAN - timedelta(days=1))
    person(database, "odd", **odd)
    person(database, "listed", status=["ACTIVE"], createdAt=[BEGAN])
    place, group = conversation(database, ada, grace), conversation(database, ada, grace, name="Team")
    messages(database, place, ada, "one", "two", after=24 * 60)
    messages(database, group, grace, "three", after=24 * 60)
    messages(database, place, grace, "four", after=31 * 24 * 60)
    broken = {"conversationId": place, "senderId": ada, "seenIds": []}
    database["Message"].insert_many([{**broken, "createAt": at} for at in ("2026-01-02", None, [BEGAN], 5)])
    database["Message"].insert_one({"createAt": BEGAN + timedelta(days=2), "senderId": ObjectId(), "body": "lost"})
    database["Message"].insert_one({"createAt": BEGAN + timedelta(days=2), "senderId": "ada", "conversationId": None})
    return {"ada": ada, "grace": grace}


def test_days_are_counted_and_broken_values_are_skipped(either: Chatctl, office: dict[str, ObjectId]) -> None:
    found = counted(either)
    assert list(found) == ["since", "by", "periods", "status", "roles", "topSenders"]
    assert (found["since"], found["by"]) == ("2026-01-01T00:00:00.000Z", "day")
    assert len(found["periods"]) == (datetime.now(UTC) - BEGAN).days + 1
    assert found["periods"][7] == {"period": "2026-01-08", "users": 0, "messages": 0, "conversations": 0}
    assert something(found["periods"]) == [
        ("2026-01-01", 1, 0, 0),
        ("2026-01-02", 0, 3, 2),
        ("2026-01-03", 0, 2, 0),
        ("2026-01-05", 1, 0, 0),
        ("2026-02-01", 0, 1, 1),
    ]
    assert found["status"] == {"ACTIVE": 2, "SUSPENDED": 1, "EMAIL_VERIFIED": 0, "BANNED": 1}
    assert found["roles"] == [{"name": "support", "users": 1}, {"name": "nobody's", "users": 0}]
    senders = [(row["id"], row["username"], row["messages"]) for row in found["topSenders"]]
    assert senders[:2] == sorted([(str(office[name]), name, 2) for name in ("ada", "grace")])
    assert senders[2][1:] == (None, 1)


def test_weeks_begin_on_monday_and_the_first_period_is_counted_completely(
    either: Chatctl, office: dict[str, ObjectId]
) -> None:
    weeks = counted(either, "--by", "week")
    assert weeks["since"] == "2025-12-29T00:00:00.000Z"
    assert something(weeks["periods"]) == [
        ("2025-12-29", 2, 5, 2),
        ("2026-01-05", 1, 0, 0),
        ("2026-01-26", 0, 1, 1),
    ]
    months = counted(either, "--by", "month")
    assert something(months["periods"]) == [("2026-01", 2, 5, 2), ("2026-02", 0, 1, 1)]
    assert [period["period"] for period in months["periods"]][:2] == ["2026-01", "2026-02"]


def test_csv_has_a_row_for_each_period(either: Chatctl, office: dict[str, ObjectId]) -> None:
    lines = either("db", "stats", "--since", "2026-01-01", "--by", "month", "-o", "csv").stdout.splitlines()
    assert lines[:3] == ["period,users,messages,conversations", "2026-01,2,5,2", "2026-02,0,1,1"]


def test_an_empty_database_has_readable_statistics(either: Chatctl, database: Documents) -> None:
    today = datetime.now(UTC).date()
    assert either("db", "stats").stdout.splitlines() == [
        f"{today - timedelta(days=29)} to {today}; each mark is a day",
        "                      TOTAL  MOST",
        "sign-ups                  0     0",
        "messages                  0     0",
        "active conversations            0",
        "",
        "STATUS          USERS",
        "ACTIVE              0",
        "SUSPENDED           0",
        "EMAIL_VERIFIED      0",
    ]
    assert [len(json.loads(either("db", "stats", "--by", by, "-o", "json").stdout)["periods"]) for by in PERIODS] == [
        30,
        12,
        12,
    ]
    assert database.list_collection_names() == []


PERIODS = ("day", "week", "month")


def test_an_invalid_period_is_explained(chatctl: Chatctl) -> None:
    assert "--since is in the future" in chatctl("db", "stats", "--since", "2999-01-01", code=2).stderr
    assert 'did you mean "week"?' in chatctl("db", "stats", "--by", "weeks", code=2).stderr
    chatctl("db", "stats", "-o", "ids", code=2)
    lines = chatctl("db", "stats", "--since", "0001-01-01", "--by", "month", "-o", "csv").stdout.splitlines()
    assert lines[:2] == ["period,users,messages,conversations", "0001-01,0,0,0"]


def test_times_outside_the_calendar_are_skipped(either: Chatctl, database: Documents) -> None:
    ada = person(database, "ada", createdAt=END)
    messages(database, conversation(database, ada), ada, "one")
    database["Message"].insert_one({"createAt": END, "senderId": ada})
    found = counted(either)
    assert something(found["periods"]) == [("2026-01-01", 0, 1, 1)]
    assert found["topSenders"][0]["messages"] == 1


@pytest.mark.parametrize("columns", [40, 60, 200])
def test_a_chart_fits_the_terminal(terminal: Terminal, database: Documents, columns: int) -> None:
    ada = person(database, "ada\x1b[2J\u202e", createdAt=datetime.now(UTC))
    database["Role"].insert_one({"name": "a\nb", "userIds": []})
    place = conversation(database, ada, name="Team")
    now = datetime.now(UTC)
    written = {"conversationId": place, "senderId": ada, "seenIds": []}
    for days in range(100):
        at = now - timedelta(days=days)
        database["Message"].insert_many([{**written, "createAt": at} for _ in range(1 + days % 8)])
    shown = terminal("db", "stats", "--since", "99d", columns=columns, env={"NO_COLOR": "1"})
    assert shown.code == 0
    lines = shown.text.splitlines()
    assert max(map(len, lines[1:])) <= columns
    assert "ada\\x1b[2J\\u202e" in shown.text or columns == 40
    assert "a\\nb" in shown.text
    assert "\x1b" not in shown.text
    curve = lines[3].split("  ")[-1]
    assert set(curve) <= set(" ▁▂▃▄▅▆▇█")
    assert "█" in curve
    each = -(-100 // (columns - 35))
    assert f"each mark is {'a day' if each == 1 else f'the maximum of {each} days'}" in shown.text


def test_curves_are_drawn_with_ascii_if_the_encoding_lacks_blocks(process: Process, database: Documents) -> None:
    person(database, "ada", createdAt=datetime.now(UTC))
    done = process("db", "stats", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.stdout.decode("ascii").splitlines()[2].endswith("#")
