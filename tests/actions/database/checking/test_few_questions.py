"""The number of queries of a check depends on the number of batches, not on the number of faults."""

from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents
from planting import settle
from reads import listening

from actions.database.checking.checking import check
from actions.database.checking.repairing import repair

FEW, MANY = 25, 250
PARTS = 10
"""A check of ten times as many faults may send at most this number of additional queries.

A filter has at most 200 values, so more values need a second query of each kind.
"""


def user(number: int, **fields: Any) -> dict[str, Any]:
    name = f"person{number}"
    lists: dict[str, Any] = {"rolesIds": [], "conversationIds": [], "seenMessageIds": []}
    dates = {"createdAt": BEGAN, "updatedAt": BEGAN}
    return {
        "_id": ObjectId(),
        "email": f"{name}@example.org",
        "username": name,
        "status": "ACTIVE",
        **lists,
        **dates,
        **fields,
    }


def profiles_with_text(database: Documents, number: int) -> None:
    database["Profile"].insert_many([{"_id": ObjectId(), "userId": str(ObjectId())} for _ in range(number)])


def text_as_id(database: Documents, number: int) -> None:
    database["User"].insert_many([user(n, _id=str(ObjectId())) for n in range(number)])


def names_with_a_mark(database: Documents, number: int) -> None:
    database["User"].insert_many([user(n, name="\ufffd") for n in range(number)])


def text_in_lists(database: Documents, number: int) -> None:
    database["User"].insert_many([user(n, rolesIds=[str(ObjectId())]) for n in range(number)])


def no_lists(database: Documents, number: int) -> None:
    database["User"].insert_many([user(n, rolesIds=None) for n in range(number)])


def hashes_of_php(database: Documents, number: int) -> None:
    database["User"].insert_many([user(n, hashedPassword="$2y$12$" + "a" * 53) for n in range(number)])


def capitals(database: Documents, number: int) -> None:
    database["User"].insert_many([user(n, email=f"Person{n}@example.org") for n in range(number)])


def dates_as_text(database: Documents, number: int) -> None:
    database["User"].insert_many([user(n, lastLogin="2026-03-01T10:00:00Z") for n in range(number)])


def messages_of_nowhere(database: Documents, number: int) -> None:
    fields: dict[str, Any] = {"body": "x", "createAt": BEGAN, "seenIds": []}
    database["Message"].insert_many(
        [{"_id": ObjectId(), **fields, "conversationId": ObjectId(), "senderId": ObjectId()} for _ in range(number)]
    )


@pytest.mark.parametrize("work", ["check", "repair"])
@pytest.mark.parametrize(
    ("plant", "rule"),
    [
        (profiles_with_text, "string-id"),
        (text_as_id, "wrong-type"),
        (names_with_a_mark, "invalid-text"),
        (text_in_lists, "string-id"),
        (no_lists, "null-list"),
        (hashes_of_php, "bad-password-hash"),
        (capitals, "email-case"),
        (dates_as_text, "wrong-type"),
        (messages_of_nowhere, "missing-parent"),
    ],
)
def test_ten_times_as_many_faults_need_few_more_queries(
    database: Documents, url: str, work: str, plant: Callable[[Documents, int], None], rule: str
) -> None:
    asked = []
    for number in (FEW, MANY):
        settle(database)
        plant(database, number)
        with listening(url) as sent:
            if work == "check":
                check([rule])
            else:
                list(repair([rule]).changes)
        asked.append(len(sent.commands))
    assert asked[1] - asked[0] <= PARTS
