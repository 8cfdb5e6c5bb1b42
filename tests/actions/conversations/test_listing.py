"""Lists of conversations use few queries, and each query uses an index."""

from collections.abc import Iterator

import pytest
import talk
from people import BEGAN, Documents, minute_after
from reads import Sent, assert_served, listening

from actions.conversations import Filters, find
from database import referenced_listing


@pytest.fixture
def sent(url: str, database: Documents) -> Iterator[Sent]:
    """Yield a listener that records the queries of a list of conversations."""
    talk.settle(database)
    with listening(url) as listener:
        yield listener


@pytest.mark.parametrize("later", [False, True], ids=["first page", "later page"])
@pytest.mark.parametrize(
    ("filters", "sort", "index"),
    [
        (Filters(), None, "chatctl_last_message"),
        (Filters(), "lastMessageAt", "chatctl_last_message"),
        (Filters(), "id", "_id_"),
        (Filters(user="ada"), None, "chatctl_last_message"),
        (Filters(between=("ada", "bob")), None, "chatctl_last_message"),
        (Filters(group=True), None, "chatctl_last_message"),
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


def test_the_last_message_is_read_with_an_index_and_only_if_its_column_is_shown(sent: Sent) -> None:
    def reads(*columns: str) -> list[str]:
        sent.commands.clear()
        list(find().rows(limit=4, columns=columns))
        return [next(iter(command.values())) for command in sent.commands]

    # The first list also checks whether all ids of users are ObjectIds. Later lists do not check this again.
    reads("title")
    assert reads("title", "participants") == ["Conversation", "User"]
    assert reads("title", "messages") == ["Conversation", "User", *["Message"] * 2]
    assert reads("unread") == ["Conversation", "User", *["Message"] * 5]
    for command in sent.commands[-4:]:
        assert command["limit"] == 1
        assert_served(command, "chatctl_conversation")


def test_empty_conversations_are_found_with_few_reads(sent: Sent, database: Documents) -> None:
    database["Conversation"].insert_many([{"lastMessageAt": BEGAN, "userIds": []} for _ in range(250)])
    sent.commands.clear()
    assert sum(1 for _ in find(Filters(empty=True)).ids()) == 251
    queries = [command for command in sent.commands if "distinct" in command]
    assert [(query["distinct"], query["key"]) for query in queries] == [("Message", "conversationId")] * 2
    assert all(query["query"]["conversationId"]["$exists"] for query in queries)


@pytest.mark.parametrize("filters", [Filters(active_since=BEGAN), Filters(idle_since=minute_after(99))], ids=str)
def test_activity_since_a_time_is_read_from_the_messages_with_indexes(sent: Sent, filters: Filters) -> None:
    sent.commands.clear()
    assert list(find(filters).rows(limit=2))
    ordered, *_ = [command for command in sent.commands if "sort" in command]
    assert_served(ordered, "chatctl_last_message")
    [query] = [command["query"] for command in sent.commands if "distinct" in command]
    assert query["conversationId"]["$exists"]
    assert query["createAt"].keys() == {"$gte", "$exists"}


def test_a_slow_count_of_empty_conversations_returns_a_lower_bound(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find(Filters(empty=True))
    assert (found.count(), found.count_up_to(10)) == (1, (1, True))
    monkeypatch.setattr(referenced_listing, "PATIENCE", -1)
    assert found.count_up_to(10) == (1, False)
