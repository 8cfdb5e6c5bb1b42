"""A list of users needs at most one query for each column, and each query uses an index."""

from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database
from reads import Sent, assert_served, listening
from staff import IDS, account, day, person, settle

from actions.users import Filters, find, show
from actions.users import listing as users_listing
from actions.users.listing import RESOLVED
from database import referenced_listing

Documents = Database[dict[str, Any]]
SECRET = {"hashedPassword", "access_token", "refresh_token", "id_token", "seenMessageIds", "conversationIds"}
SINCE = day(-1)
HOLDING = Filters(permission="user.read")


@pytest.fixture
def sent(url: str, database: Documents) -> Iterator[Sent]:
    """Yield a listener that records the queries of a list of users."""
    settle(database)
    with listening(url) as listener:
        yield listener


@pytest.mark.parametrize("later", [False, True], ids=["first page", "later page"])
@pytest.mark.parametrize(
    ("filters", "sort", "index"),
    [
        (Filters(), None, "_id_"),
        (Filters(), "-id", "_id_"),
        (Filters(), "-createdAt", "chatctl_created"),
        (Filters(), "lastLogin", "chatctl_last_login"),
        (Filters(status="active"), None, "chatctl_status"),
        (Filters(status="active"), "-id", "chatctl_status"),
        (Filters(role="support"), None, "chatctl_roles"),
        (Filters(created_since=SINCE), None, "chatctl_created"),
        (Filters(created_since=SINCE, created_before=day(9)), "-createdAt", "chatctl_created"),
        (Filters(inactive_since=day(99)), None, "chatctl_last_login"),
        (Filters(provider="github"), None, "chatctl_provider"),
        (Filters(provider="github"), "-id", "chatctl_provider"),
    ],
    ids=str,
)
def test_a_page_is_read_with_an_index(
    sent: Sent, filters: Filters, sort: str | None, index: str, *, later: bool
) -> None:
    found = find(filters)
    [first, second] = [str(row["id"]) for row in found.rows(sort, limit=2)]
    sent.commands.clear()
    page = [str(row["id"]) for row in found.rows(sort, after=first if later else None, limit=1)]
    assert page == [second if later else first]
    queries = [command for command in sent.commands if "sort" in command]
    assert queries
    for query in queries:
        assert_served(query, index)
        assert SECRET.isdisjoint(query["projection"])


@pytest.mark.usefixtures("sent")
@pytest.mark.parametrize("later", [False, True])
def test_a_role_with_many_members_is_listed_in_the_order_of_user_ids(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, *, later: bool
) -> None:
    after = str(IDS["ada"]) if later else None
    few = [[row["id"] for row in find(filters).rows(after=after)] for filters in (Filters(role="support"), HOLDING)]
    monkeypatch.setattr(users_listing, "MANY_MEMBERS", 2)
    sent.commands.clear()
    many = [[row["id"] for row in find(filters).rows(after=after)] for filters in (Filters(role="support"), HOLDING)]
    assert many == few
    assert [command["filter"] for command in sent.commands if "$elemMatch" in str(command.get("filter"))]


def test_data_that_no_column_shows_is_not_read(sent: Sent) -> None:
    def commands(*columns: str) -> list[str]:
        sent.commands.clear()
        list(find().rows(columns=columns))
        return [next(iter(command.values())) for command in sent.commands]

    assert commands("username", "email", "status", "lastLogin") == ["User"]
    assert commands("roles") == ["User", "Role", "Permission"]
    # Each collection has two queries: whether any reference is not an ObjectId, then the references.
    assert commands("profile", "accounts") == ["User", *["Profile"] * 2, *["Account"] * 2]
    counted = ["User", "User", *["Conversation"] * 2, *["Message"] * 2]
    assert commands("hasPassword", "messages", "conversations") == counted


def test_a_batch_of_users_needs_as_many_queries_as_one_user(sent: Sent, database: Documents) -> None:
    sent.commands.clear()
    list(find().rows(columns=RESOLVED, limit=1))
    one = len(sent.commands)
    database["User"].insert_many([person(f"user{number}", _id=ObjectId()) for number in range(300)])
    sent.commands.clear()
    assert len(list(find().rows(columns=RESOLVED))) == 304
    assert len(sent.commands) == one


def test_no_secret_and_no_long_list_is_read(sent: Sent) -> None:
    list(find(Filters(provider="github")).rows(columns=RESOLVED))
    show("ada")
    for command in sent.commands:
        if command.get("find", "").startswith("chatctl_"):
            continue  # chatctl's own records contain no secrets
        if "find" in command:
            assert SECRET.isdisjoint(command["projection"]), command
        else:
            shown = [stage["$project"] for stage in command["pipeline"] if "$project" in stage]
            assert shown or command["pipeline"][-1].keys() == {"$group"}, command
            assert all(SECRET.isdisjoint(fields) for fields in shown), command


def test_users_with_an_account_are_listed_once_and_only_if_they_exist(sent: Sent, database: Documents) -> None:
    database["Account"].insert_many(
        [
            account("cyd", "github") | {"providerAccountId": "another"},
            account("dan", "github") | {"userId": ObjectId(), "providerAccountId": "of nobody"},
            account("dan", "github") | {"userId": [IDS["dan"]], "providerAccountId": "a list"},
        ]
    )
    found = find(Filters(provider="github"))
    assert [row["id"] for row in found.rows()] == [IDS["ada"], IDS["cyd"]]
    assert [row["id"] for row in found.rows("-username")] == [IDS["cyd"], IDS["ada"]]
    assert (found.count(), found.count_up_to(1), found.count_up_to(2)) == (2, (1, False), (2, True))


def test_a_slow_count_of_users_with_accounts_returns_a_lower_bound(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referenced_listing, "PATIENCE", -1)
    assert find(Filters(provider="github")).count_up_to(10) == (1, False)
