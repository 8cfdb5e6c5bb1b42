"""The rights that each MongoDB command needs."""

from typing import Any

import pytest

from database.privileges import Privilege, needed


@pytest.mark.parametrize(
    ("command", "rights"),
    [
        ({"find": "User"}, {("User", "find")}),
        ({"aggregate": "User", "pipeline": [{"$match": {}}]}, {("User", "find")}),
        (
            {"aggregate": "Message", "pipeline": [{"$changeStream": {}}]},
            {("Message", "find"), ("Message", "changeStream")},
        ),
        (
            {"aggregate": "User", "pipeline": [{"$lookup": {"from": "Role", "as": "roles"}}]},
            {("User", "find"), ("Role", "find")},
        ),
        ({"delete": "User", "deletes": []}, {("User", "remove")}),
        ({"update": "User", "updates": [{"q": {}, "u": {}, "upsert": False}]}, {("User", "update")}),
        (
            {"update": "User", "updates": [{"q": {}, "u": {}}, {"q": {}, "u": {}, "upsert": True}]},
            {("User", "update"), ("User", "insert")},
        ),
        ({"create": "User"}, {("User", "createCollection")}),
        ({"createIndexes": "User", "indexes": []}, {("User", "createIndex")}),
        ({"listCollections": 1}, {("", "listCollections")}),
        ({"getMore": 7, "collection": "User"}, set()),
        ({"hello": 1}, set()),
        ({}, set()),  # the driver hides commands that sign in
    ],
)
def test_a_command_needs_what_the_documentation_says(command: dict[str, Any], rights: set[Privilege]) -> None:
    assert needed(command) == rights
