"""Lists that are counted, sorted and read page by page."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from database import connection
from database.errors import NotFoundError
from database.listing import BATCH, Listing, Row

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = [3, None, 1, 1, None, 2, 3]


@pytest.fixture
def users(either: Any, database: Database[dict[str, Any]]) -> list[ObjectId]:
    """Insert seven users in the order of their ids. Some users have no `lastLogin`, and one has the value null."""
    del either
    connection.choose()
    ids = [ObjectId() for _ in DAYS]
    documents: list[dict[str, Any]] = [
        {"_id": id_, "name": f"user {number}"} | ({} if days is None else {"lastLogin": FIRST + timedelta(days)})
        for number, (id_, days) in enumerate(zip(ids, DAYS, strict=True))
    ]
    documents[4]["lastLogin"] = None
    database["User"].insert_many(documents)
    return ids


def rows(found: list[dict[str, Any]], _: Collection[str] = ()) -> Iterator[Row]:
    return ({"id": document["_id"], "name": document.get("name")} for document in found)


def listing(where: dict[str, Any] | None = None, **options: Any) -> Listing:
    return Listing("User", where or {}, rows, sortable=("name", "lastLogin"), **options)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (None, [0, 1, 2, 3, 4, 5, 6]),
        ("id", [0, 1, 2, 3, 4, 5, 6]),
        ("-id", [6, 5, 4, 3, 2, 1, 0]),
        ("name", [0, 1, 2, 3, 4, 5, 6]),
        ("lastLogin", [2, 3, 5, 0, 6, 1, 4]),
        ("-lastLogin", [6, 0, 5, 3, 2, 1, 4]),
    ],
)
def test_absent_values_come_last_in_the_order_of_ids(users: list[ObjectId], sort: str | None, order: list[int]) -> None:
    whole = [row["id"] for row in listing().rows(sort)]
    assert whole == [users[number] for number in order]
    for size in (1, 2, 3):
        paged: list[ObjectId] = []
        while page := [row["id"] for row in listing().rows(sort, str(paged[-1]) if paged else None, size)]:
            assert len(page) <= size
            paged += page
        assert paged == whole


@pytest.mark.usefixtures("users")
def test_a_list_can_be_sorted_in_descending_order(users: list[ObjectId]) -> None:
    newest = listing(order="-id")
    assert [row["id"] for row in newest.rows(limit=2)] == [users[6], users[5]]
    assert [row["id"] for row in newest.rows(after=str(users[5]), limit=2)] == [users[4], users[3]]
    assert [row["id"] for row in newest.rows("id", limit=1)] == [users[0]]


def test_a_filter_applies_to_every_page_even_a_filter_on_the_sorted_field(users: list[ObjectId]) -> None:
    late = listing({"lastLogin": {"$gte": FIRST + timedelta(2)}})
    assert [row["id"] for row in late.rows("lastLogin")] == [users[number] for number in (5, 0, 6)]
    assert [row["id"] for row in late.rows("lastLogin", str(users[5]))] == [users[number] for number in (0, 6)]
    assert late.count() == 3


@pytest.mark.usefixtures("users")
def test_a_count_stops_at_the_given_limit() -> None:
    assert listing().count() == 7
    assert listing().count_up_to(3) == (7, True)
    named = listing({"name": {"$ne": None}})
    assert named.count_up_to(3) == (3, False)
    assert named.count_up_to(7) == (7, True)


def test_a_page_begins_after_an_id_of_any_type(users: list[ObjectId], database: Database[dict[str, Any]]) -> None:
    text = str(ObjectId())
    database["User"].insert_many([{"_id": odd, "lastLogin": FIRST} for odd in (7, text)])
    for odd in (7, text):
        assert users[2] in [row["id"] for row in listing().rows("lastLogin", after=odd)]


@pytest.mark.usefixtures("users")
def test_a_page_after_a_deleted_document_is_an_error_if_its_position_is_unknown() -> None:
    gone = str(ObjectId())
    assert list(listing().rows(after=gone)) == []
    with pytest.raises(NotFoundError, match=f"--after: user {gone} does not exist"):
        list(listing().rows("name", gone))


def test_documents_are_resolved_a_thousand_at_a_time(chatctl: Any, database: Database[dict[str, Any]]) -> None:
    del chatctl
    connection.choose()
    database["User"].insert_many({"name": str(number)} for number in range(BATCH + 5))
    sizes: list[int] = []

    def resolve(found: list[dict[str, Any]], _: Collection[str]) -> Iterator[Row]:
        sizes.append(len(found))
        return rows(found)

    assert len(list(Listing("User", {}, resolve).rows())) == BATCH + 5
    assert sizes == [BATCH, 5]
    read = Listing("User", {}, resolve).rows()
    next(read)
    assert sizes == [BATCH, 5, BATCH]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.none() | st.integers(0, 3), max_size=8), size=st.integers(1, 4), down=st.booleans())
def test_all_pages_together_are_the_whole_list(
    chatctl: Any, database: Database[dict[str, Any]], values: list[int | None], size: int, down: bool
) -> None:
    del chatctl
    connection.choose()
    database["User"].delete_many({})
    if values:
        database["User"].insert_many([{"n": value} if value is not None else {} for value in values])
    sort = "-n" if down else "n"
    ids = [row["id"] for row in listing().rows(sort)]
    paged: list[ObjectId] = []
    while page := [row["id"] for row in listing().rows(sort, str(paged[-1]) if paged else None, size)]:
        paged += page
    assert paged == ids
    assert len(set(ids)) == len(values)
