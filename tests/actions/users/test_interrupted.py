"""After a command is killed between two batches, the data has no faults, and the command can be finished or undone."""

from collections.abc import Callable

import pytest
from bson import ObjectId
from people import Documents, conversation, links, messages, minute_after, person, stored
from samples import role

from actions import audit, cascading_deletion, conversations, users
from actions import messages as acting
from actions.database import checking
from changes import Changeset, Watch, apply, draft
from database.own_collections import STATE

pytestmark = pytest.mark.usefixtures("either")

COMMANDS: dict[str, Callable[[dict[str, ObjectId]], Changeset]] = {
    "users delete": lambda _: users.delete(["ada", "alan"], skip_missing=True),
    "users delete --keep-conversations": lambda _: users.delete(["ada"], keep_conversations=True, skip_missing=True),
    "users merge": lambda _: users.merge(["ada"], "alan", union=True, skip_missing=True),
    "users merge --keep-conversations": lambda _: users.merge(
        ["ada"], "grace", keep_conversations=True, skip_missing=True
    ),
    "users erase": lambda ids: users.erase(str(ids["ada"]), with_messages=True),
    "conversations delete": lambda _: conversations.delete(["engines"], skip_missing=True),
    "messages purge": lambda _: acting.purge(minute_after(900), keep_last=1),
}


LEFT = {
    "users delete --keep-conversations": {"lone-conversation"},
    "users merge --keep-conversations": {"lone-conversation"},
    "users merge": {"lone-conversation"},  # A group of three users becomes a group of two if two of them are merged.
}
"""Command → the rules of faults that the user has caused on purpose."""
BETWEEN = {"foreign-sender", "foreign-seen"}
"""The rules of faults between two batches of a merge.

The merged user has already left conversations, but some messages are not moved yet.
"""


class Stopped(Watch):
    """A `Watch` that stops the command after the first batch."""

    def wrote(self, *_: int) -> None:
        raise KeyboardInterrupt


@pytest.fixture
def ids(database: Documents, monkeypatch: pytest.MonkeyPatch) -> dict[str, ObjectId]:
    """Insert users with more messages than fit into one batch. Batches are small in these tests."""
    for module, name, number in (
        (cascading_deletion, "MESSAGES_PER_BATCH", 7),
        (draft, "BATCH", 12),
        (cascading_deletion, "BATCH", 12),
    ):
        monkeypatch.setattr(module, name, number)
    monkeypatch.setattr("actions.rules.checked_changeset.BATCH", 12)
    database["Role"].insert_one(role())
    ids = {name: person(database, name, roles=("support",)) for name in ("ada", "grace", "alan")}
    database["Profile"].insert_one({"userId": ids["ada"], "phoneNumber": "+44 1"})
    ids["group"] = conversation(database, *ids.values(), name="engines")
    ids["direct"] = conversation(database, ids["ada"], ids["grace"])
    for place, number in ((ids["group"], 20), (ids["direct"], 10)):
        messages(database, place, ids["ada"], *map(str, range(number)), seen=(ids["grace"],))
        messages(database, place, ids["grace"], *map(str, range(number)), seen=(ids["ada"],), after=30)
    return ids


def findings() -> set[str]:
    return {row["rule"] for row in checking.check()} - {"missing-index"}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_batch_is_complete_and_all_of_them_are_undone_together(
    database: Documents, ids: dict[str, ObjectId], command: str
) -> None:
    before, stops = stored(database), 0
    while (planned := COMMANDS[command](ids)).changes_something:
        try:
            apply(planned, watch=Stopped())
        except KeyboardInterrupt:
            stops += 1
        assert findings() <= LEFT.get(command, set()) | (BETWEEN if "merge" in command else set())
    assert findings() <= LEFT.get(command, set())
    assert stops > (1 if "erase" in command else 5)
    links(database)
    if "erase" not in command:
        listed = audit.find().rows()
        for event in sorted(listed, key=lambda row: row["id"], reverse=True):
            said = [*(undo := audit.undo(str(event["id"]))).lines(), *undo.summary()]
            assert not any(STATE in line for line in said)
            apply(undo)
            assert STATE not in "".join(audit.lines(audit.show(str(event["id"]))))
        assert stored(database) == before
