"""Values whose type is easily confused with another type, like a boolean and a number."""

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Code, DatetimeMS, Int64, ObjectId, Timestamp

from actions.database.checking.rules.field_types import ShapeFaults


@pytest.mark.parametrize(
    ("collection", "field", "value", "severity"),
    [
        ("Account", "expires_at", 7, None),
        ("Account", "expires_at", Int64(7), None),
        ("Account", "expires_at", 7.5, "I"),
        ("Account", "expires_at", True, "E"),
        ("Account", "expires_at", "7", "E"),
        ("User", "lastLogin", datetime(2026, 1, 1, tzinfo=UTC), None),
        ("User", "lastLogin", Timestamp(1, 1), "I"),
        ("User", "lastLogin", DatetimeMS(10**15), "W"),
        ("User", "lastLogin", DatetimeMS(-(10**15)), "W"),
        ("User", "lastLogin", 10**12, "E"),
        ("User", "name", "Ada", None),
        ("User", "name", ObjectId(), "I"),
        ("User", "name", Code("Ada"), "E"),
        ("User", "name", 7, "E"),
        ("User", "status", "ACTIVE", None),
        ("User", "status", ObjectId(), "E"),
        ("User", "status", ["ACTIVE"], "E"),
        ("User", "emailVerified", True, "E"),
        ("User", "profileId", "x", "E"),
        ("User", "rolesIds", [Timestamp(1, 1)], "E"),
    ],
)
def test_the_severity_of_a_wrong_type_follows_the_application(
    collection: str, field: str, value: Any, severity: str | None
) -> None:
    shapes, documents = ShapeFaults(), [{"_id": ObjectId(), field: value}]
    found = {
        s: [one for one in shapes.faults(collection, documents, "wrong-type", s) if one.field == field] for s in "EWI"
    }
    assert [s for s, faults in found.items() if faults] == ([severity] if severity else [])
