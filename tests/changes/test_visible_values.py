"""Which values of a document may be shown, and which words replace the other values."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from bson import Binary, Code, DatetimeMS, DBRef, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

from changes.visible_values import SHOWN, is_withheld, showable, type_in_words, withheld
from database.own_collections import HOLDS, PROPOSALS, STATE
from models.schema import FIELDS

NEVER = {
    "User": {"hashedPassword"},
    "Account": {"access_token", "refresh_token", "id_token", "session_state"},
}
WORDS: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "true or false"),
    ("a", "text"),
    (Code("a"), "code"),
    (Code("a", {}), "code"),
    (1, "number"),
    (Int64(1), "number"),
    (1.5, "number"),
    (Decimal128("1"), "decimal"),
    (datetime.now(UTC), "date"),
    (DatetimeMS(2**60), "date"),
    (ObjectId(), "id"),
    (DBRef("User", 1), "reference"),
    (b"a", "binary"),
    (Binary(b"a", 5), "binary"),
    (uuid4(), "binary"),
    (Regex("a"), "regex"),
    (re.compile("a"), "regex"),
    (Timestamp(1, 1), "timestamp"),
    (MinKey(), "min key"),
    (MaxKey(), "max key"),
    ({"a": 1}, "document"),
    ([1] * 3_000, "list of 3,000"),
]


def test_every_secret_field_is_listed_by_name() -> None:
    """A new field of the schema is hidden until a developer adds the field to this test or to `SHOWN`."""
    assert {name: fields - SHOWN[name] for name, fields in FIELDS.items() if fields - SHOWN[name]} == NEVER
    assert SHOWN.keys() == {*FIELDS, STATE, PROPOSALS, HOLDS}
    assert all(SHOWN[name] <= fields for name, fields in FIELDS.items())


@pytest.mark.parametrize(("value", "words"), WORDS, ids=[f"{type(value).__name__}" for value, _ in WORDS])
def test_the_words_for_a_hidden_value_are_shown_unchanged(value: Any, words: str) -> None:
    assert type_in_words(value) == words
    shown = showable("User", "backup", value)
    assert shown == withheld(value) == f"({words})"
    assert is_withheld(shown)
    assert showable("User", "rolesIds", [shown]) == [shown]
