"""MongoDB can store dates outside the years 1 to 9999. Every command writes such dates as JavaScript does."""

import json
from typing import Any

import pytest
import talk
from bson import DatetimeMS, Timestamp
from bson.codec_options import DatetimeConversion
from people import BEGAN, Documents
from talk import DIRECT, MESSAGES

from actions.database.checking import check
from cli.output import text
from database import decoding, times
from tests.conftest import Chatctl

FAR, LONG_AGO = DatetimeMS(253_402_300_800_000), DatetimeMS(-62_198_755_200_001)
AS_TEXT = {"+010000-01-01T00:00:00.000Z": FAR, "-000002-12-31T23:59:59.999Z": LONG_AGO}

ON_MONGOMOCK = pytest.mark.parametrize("either", ["mongomock"], indirect=True)
"""Run a test only on mongomock. The test server is written in Python, and refuses dates that MongoDB accepts."""
EACH = pytest.mark.parametrize(("shown", "date"), AS_TEXT.items(), ids=list(AS_TEXT))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((date, written) for written, date in AS_TEXT.items()),
        (DatetimeMS(8_640_000_000_000_000), "+275760-09-13T00:00:00.000Z"),
        (DatetimeMS(2**63 - 1), "+292278994-08-17T07:12:55.807Z"),
        (DatetimeMS(-(2**63)), "-292275055-05-16T16:47:04.192Z"),
        (DatetimeMS(-62_135_596_800_001), "0000-12-31T23:59:59.999Z"),
        (DatetimeMS(0), "1970-01-01T00:00:00.000Z"),
        (Timestamp(1_700_000_000, 3), "2023-11-14T22:13:20.000Z"),
        (BEGAN, "2026-01-01T00:00:00.000Z"),
        ("2026-01-01", None),
        (7, None),
        (None, None),
    ],
)
def test_a_time_is_written_as_javascript_writes_it(value: Any, shown: str | None) -> None:
    assert times.rfc3339(value) == shown


@ON_MONGOMOCK
@EACH
def test_every_format_writes_a_far_date_as_iso(
    either: Chatctl, database: Documents, shown: str, date: DatetimeMS
) -> None:
    talk.settle(database)
    database["User"].update_one({"username": "ada"}, {"$set": {"createdAt": date, "lastLogin": date}})
    database["Message"].update_one({"_id": MESSAGES[0]}, {"$set": {"createAt": date}})
    for command in (
        ("users", "list", "--columns", "username,createdAt,lastLogin"),
        ("users", "show", "ada"),
        ("messages", "show", str(MESSAGES[0])),
    ):
        for form in ("table", "json", "ndjson", "yaml", "csv"):
            said = either(*command, "-o", form).stdout
            assert shown in said, (command, form)
            assert "DatetimeMS" not in said


LOOKS = (
    ("users", "list", "--columns", "username,createdAt,lastLogin"),
    ("users", "show", "ada"),
    ("conversations", "list"),
    ("conversations", "list", "--active-since", "2026-01-01"),
    ("conversations", "show", str(DIRECT)),
    ("conversations", "transcript", str(DIRECT)),
    ("messages", "list", "--conversation", str(DIRECT)),
    ("messages", "search", "kettle"),
)


@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_the_output_is_the_same_if_the_driver_reads_all_dates_as_milliseconds(
    chatctl: Chatctl, database: Documents, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    talk.settle(database)
    usual = chatctl(*command, "-o", "json").stdout
    every = decoding.AS_STORED.with_options(datetime_conversion=DatetimeConversion.DATETIME_MS)
    monkeypatch.setattr(decoding, "AS_STORED", every)
    assert chatctl(*command, "-o", "json").stdout == usual
    for form in ("text", "markdown", "html") if "transcript" in command else ("table", "csv"):
        said = chatctl(*command, "-o", form).stdout
        assert "2026-01-01" in said
        assert "DatetimeMS" not in said


@EACH
def test_a_transcript_shows_the_day_and_time_of_a_far_date(shown: str, date: DatetimeMS) -> None:
    day, _, time = shown.partition("T")
    assert (text.day(date), text.clock(date)) == (day, time[:5])
    assert text.cell(date) == text.ago(date) == shown


@ON_MONGOMOCK
@EACH
def test_previews_and_the_trail_write_a_far_date_as_iso(
    either: Chatctl, database: Documents, shown: str, date: DatetimeMS
) -> None:
    talk.settle(database)
    database["User"].update_one({"username": "ada"}, {"$set": {"updatedAt": date}})
    assert f"updatedAt {shown} -> " in either("users", "suspend", "ada", "--dry-run").stdout
    event = either("users", "suspend", "ada", "--yes").stderr.split()[-1]
    assert f"updatedAt {shown} -> " in either("audit", "show", event).stdout
    changes = json.loads(either("audit", "show", event, "-o", "json").stdout)["changes"]
    assert shown in json.dumps(changes)


@ON_MONGOMOCK
def test_a_check_reports_a_far_date(either: Chatctl, database: Documents) -> None:
    talk.settle(database)
    database["User"].update_one({"username": "ada"}, {"$set": {"lastLogin": FAR}})
    either("db", "check", "--rule", "wrong-type", code=1)
    [row] = check(["wrong-type"])
    assert (row["severity"], row["count"], row["effect"]) == ("W", 1, "The application reads an invalid date.")
    assert "{$set: {lastLogin: …}}" in row["fix"]
