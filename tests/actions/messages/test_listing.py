"""Lists of messages use few queries, and each query uses an index."""

from collections.abc import Iterator

import pytest
import talk
from people import Documents, minute_after
from reads import Sent, assert_served, listening
from talk import DIRECT

from actions.messages import Filters, find, search

IN_DIRECT = f"id:{DIRECT}"


@pytest.fixture
def sent(url: str, database: Documents) -> Iterator[Sent]:
    """Yield a listener that records the queries of a list of messages."""
    talk.settle(database)
    with listening(url) as listener:
        yield listener


@pytest.mark.parametrize("later", [False, True], ids=["first page", "later page"])
@pytest.mark.parametrize(
    ("filters", "sort", "index"),
    [
        (Filters(), None, "chatctl_created"),
        (Filters(), "createAt", "chatctl_created"),
        (Filters(), "id", "_id_"),
        (Filters(since=minute_after(1)), None, "chatctl_created"),
        (Filters(since=minute_after(0), until=minute_after(99)), "createAt", "chatctl_created"),
        (Filters(with_image=True), None, "chatctl_created"),
        (Filters(conversation=IN_DIRECT), None, "chatctl_conversation"),
        (Filters(conversation=IN_DIRECT, since=minute_after(1)), None, "chatctl_conversation"),
        (Filters(conversation=IN_DIRECT), "createAt", "chatctl_conversation"),
        (Filters(conversation=IN_DIRECT, sender="ada"), None, "chatctl_conversation"),
        (Filters(sender="ada"), None, "chatctl_sender"),
        (Filters(sender="ada", until=minute_after(99)), "createAt", "chatctl_sender"),
        (Filters(unseen_by="ada"), None, "chatctl_created"),
    ],
    ids=str,
)
def test_a_page_is_read_with_an_index(
    sent: Sent, filters: Filters, sort: str | None, index: str, *, later: bool
) -> None:
    for found in (find(filters), search("e", filters)):
        [first, *others] = [str(row["id"]) for row in found.rows(sort, limit=2)]
        if later and not others:
            continue
        sent.commands.clear()
        page = [str(row["id"]) for row in found.rows(sort, after=first if later else None, limit=1)]
        assert page == (others if later else [first])
        queries = [command for command in sent.commands if "sort" in command]
        assert queries
        for query in queries:
            assert_served(query, index)


def test_pages_of_any_size_need_the_same_number_of_reads(sent: Sent) -> None:
    def reads(limit: int) -> list[str]:
        sent.commands.clear()
        assert len(list(find().rows(limit=limit))) == limit
        return [command["find"] for command in sent.commands]

    reads(1)  # The first list also checks whether all ids of users are ObjectIds. Later lists do not check this again.
    assert reads(1) == reads(6) == ["Message", "Conversation", "User"]


def test_a_search_has_ten_seconds_on_the_server(sent: Sent) -> None:
    found = search("e")
    list(found.rows())
    found.count()
    looked = [command for command in sent.commands if "body" in str(command)]
    assert [command["maxTimeMS"] for command in looked] == [10_000] * 3
    sent.commands.clear()
    list(find().rows())
    assert all("maxTimeMS" not in command for command in sent.commands)
