"""A user can see a message for the first time while chatctl deletes this message."""

from datetime import timedelta

import pytest
from people import BEGAN, Documents, conversation, links, messages, person

from actions import cascading_deletion, queries
from actions import messages as acting
from changes import Watch, apply, draft

pytestmark = pytest.mark.usefixtures("either")


def test_a_message_seen_between_two_batches_is_removed_from_all_lists(
    database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cascading_deletion, "MESSAGES_PER_BATCH", 2)
    monkeypatch.setattr(draft, "BATCH", 5)
    monkeypatch.setattr(queries, "CHUNK_SIZE", 2)
    ada, grace = person(database, "ada"), person(database, "grace")
    large, small = (conversation(database, ada, grace, name=name) for name in ("engines", "looms"))
    messages(database, large, ada, *map(str, range(9)), seen=(grace,))
    unread = messages(database, small, ada, *map(str, range(4)))[0]

    class Reader(Watch):
        def wrote(self, documents: int, total: int) -> None:  # noqa: ARG002 - the caller passes this argument
            database["Message"].update_one({"_id": unread}, {"$addToSet": {"seenIds": grace}})
            database["User"].update_one({"_id": grace}, {"$addToSet": {"seenMessageIds": unread}})
            monkeypatch.setattr(Reader, "wrote", Watch.wrote)

    apply(acting.purge(BEGAN + timedelta(9), keep_last=1), watch=Reader())
    assert database["Message"].count_documents({}) == 2
    links(database)
