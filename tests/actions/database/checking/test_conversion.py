"""Values of a wrong type: a repair converts some values; for other values, the user must decide."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex

from actions.database.checking.repairing import convert

DAY = datetime(2024, 1, 2, tzinfo=UTC)
NEVER = (None, True, [], {}, {"a": 1}, b"x", Binary(b"x", 4), Decimal128("1"), Regex("x"), "", "x", float("nan"))


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("2024-01-02", DAY),
        ("2024-01-02T00:00:00.000Z", DAY),
        ("2024-01-02T01:00:00+01:00", DAY),
        ("2024-01-02 00:00:00", DAY),
        (1704153600000, DAY),
        (1704153600, DAY),
        (Int64(1704153600000), DAY),
        (1704153600000.0, DAY),
        ({"$date": "2024-01-02T00:00:00Z"}, DAY),
        ({"$date": 1704153600000}, DAY),
        ({"$date": {"$numberLong": "1704153600000"}}, DAY),
        ({"$date": {"$numberLong": "0"}}, datetime(1970, 1, 1, tzinfo=UTC)),
        ("1704153600000", None),
        ("7d", None),
        ("2024", None),
        ("2024-13-01", None),
        ("yesterday", None),
        (0, None),
        (1, None),
        (10**18, None),
        (-1704153600000, None),
        (ObjectId("65935d000000000000000000"), None),
    ],
    ids=str,
)
def test_only_a_value_that_certainly_means_a_date_becomes_a_date(value: Any, date: datetime | None) -> None:
    assert convert(datetime, value) == date


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *(("7", 7), ("-7", -7), (7.0, 7), ({"$numberLong": "7"}, 7), ({"$numberInt": "7"}, 7)),
        *(("7.5", None), (7.5, None), ("9" * 20, None), ("\u0667", None), (DAY, None)),
    ],
    ids=str,
)
def test_a_number_is_read_from_its_digits(value: Any, number: int | None) -> None:
    found = convert(int, value)
    assert found == number
    assert found is None or type(found) is Int64


@pytest.mark.parametrize("value", NEVER, ids=repr)
@pytest.mark.parametrize("wanted", [datetime, int, ObjectId, str, bool, list])
def test_an_ambiguous_value_is_not_converted(wanted: type, value: Any) -> None:
    assert convert(wanted, value) is None


def test_a_very_long_number_is_not_converted() -> None:
    assert convert(int, "9" * 5_000) is None
    assert convert(datetime, {"$date": {"$numberLong": "9" * 5_000}}) is None
