"""chatctl reads and writes each BSON type without a change, and every value can be an item of a set."""

import re
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import (
    Binary,
    Code,
    DatetimeMS,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)

from database import connection
from database.decoding import AS_STORED
from tests.conftest import Chatctl

IDS = [
    ObjectId("65a0c0ffee0123456789abcd"),
    "text",
    "",
    "\0",
    True,
    None,
    5,
    Int64(5),
    2**62,
    -0.5,
    float("inf"),
    float("nan"),
    datetime(2026, 3, 1, tzinfo=UTC),
    DatetimeMS(10**15),
    DatetimeMS(-(10**15)),
    Timestamp(5, 6),
    Decimal128("1.10"),
    Decimal128("NaN"),
    Decimal128("-Infinity"),
    MinKey(),
    MaxKey(),
    Code("return 1"),
    Code("return a", {"a": [1]}),
    Regex("^a", re.IGNORECASE | re.MULTILINE),
    DBRef("User", ObjectId("65a0c0ffee0123456789abcd"), "shop", extra=1),
    b"bytes",
    Binary(b"0123456789abcdef", 4),
    Binary(b"too short", 4),
    Binary(b"old", 3),
    Binary(b"mine", 128),
    {},
    {"$oid": "65a0c0ffee0123456789abcd"},
    {"a": {"b": [{"c": Decimal128("2")}]}, "a.b": 1, "$set": {"x": 1}, "$ref": 1},
]
"""One value of each type that MongoDB allows as `_id`."""


@pytest.mark.parametrize("value", [*IDS, [], [[1], {"a": Regex("x")}]], ids=repr)
def test_a_document_is_written_as_it_was_read_byte_for_byte(value: Any) -> None:
    stored = bson.encode({"_id": ObjectId(), "field": value, "list": [value]})
    assert bson.encode(bson.decode(stored, AS_STORED), codec_options=AS_STORED) == stored


@pytest.mark.parametrize("value", IDS, ids=repr)
def test_every_possible_id_can_be_in_a_set(value: Any) -> None:
    stored = bson.encode({"value": value, "again": value})
    one, other = bson.decode(stored, AS_STORED).values()
    assert len({one, other}) == (1 if one == other else 2)


@pytest.mark.parametrize("of", ["text", "key", "code", "pattern"])
def test_text_cut_inside_a_character_can_be_read(of: str) -> None:
    whole = {"text": {"a": "né"}, "key": {"né": 1}, "code": {"a": Code("né")}, "pattern": {"a": Regex("né")}}[of]
    cut = bson.encode(whole).replace("né".encode(), b"n\xc3x")
    (key, value) = next(iter(bson.decode(cut, AS_STORED).items()))
    assert "n\ufffdx" in (key, value, getattr(value, "pattern", None), str(value))


def test_the_connection_uses_the_codec_options(chatctl: Chatctl) -> None:
    chatctl("users", "list")
    found = connection.database().client.codec_options
    assert found._asdict() == AS_STORED._asdict()  # type: ignore[attr-defined]
