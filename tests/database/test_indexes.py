"""Indexes are created with few commands, because some servers wait before each command."""

from typing import Any

import pytest
from people import Documents
from pymongo.monitoring import CommandListener, CommandStartedEvent
from reads import heard

from database import connection, indexes
from database.indexes import APPLICATION, QUERIES, RECORDS


class Created(CommandListener):
    """Records the collection and the names of the indexes of each command."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, list[str]]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name == "createIndexes":
            names = [index["name"] for index in event.command["indexes"]]
            self.commands.append((event.command["createIndexes"], names))

    def succeeded(self, _: Any) -> None:
        """Do nothing: the answer does not matter."""

    failed = succeeded


@pytest.fixture
def created(url: str) -> Any:
    listener = Created()
    with heard(listener):
        connection.choose(url)
        yield listener
        connection.choose()


WANTED = (*APPLICATION, *QUERIES, *RECORDS)


def test_a_collection_gets_its_indexes_in_one_command(created: Created) -> None:
    seen: list[tuple[int, int]] = []
    found = indexes.create_all(connection.database(), WANTED, lambda done, total: seen.append((done, total)))
    assert {finding.state for finding in found} == {"present"}
    assert [collection for collection, _ in created.commands] == list(dict.fromkeys(one.collection for one in WANTED))
    assert seen[0] == (0, len(WANTED))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert {finding.state for finding in indexes.inspect(connection.database())} == {"present"}


def test_a_refused_index_does_not_prevent_other_indexes_of_its_collection(
    created: Created, database: Documents
) -> None:
    database["User"].insert_many([{"email": "a@example.org", "username": str(number)} for number in range(2)])
    users = [index for index in WANTED if index.collection == "User"]
    found = indexes.create_all(connection.database(), users, lambda *_: None)
    assert {finding.index.name for finding in found if finding.state == "conflict"} == {"User_email_key"}
    assert {finding.index.name for finding in found} == {index.name for index in users}
    assert database["User"].index_information().keys() == {"_id_", *(one.name for one in users)} - {"User_email_key"}
    assert len(created.commands) == 1 + len(users)
