"""An event records exactly what was written. These tests need a server, because mongomock has no transactions."""

import pytest
from bson import ObjectId
from samples import Documents, carry_out, changeset, role

from changes import ChangedMeanwhileError, Draft, Watch, apply
from changes.events import TakenOverError
from changes.trail_entries import lease_id
from database.own_collections import AUDIT, IMAGES, STATE

pytestmark = pytest.mark.usefixtures("chatctl")


def test_a_batch_that_fails_leaves_no_record(database: Documents) -> None:
    support = role()
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.set("Role", {**support, "name": "another"}, {"name": "helpdesk"})
    with pytest.raises(ChangedMeanwhileError):
        carry_out(draft)
    assert [database[name].count_documents({}) for name in (AUDIT, IMAGES)] == [0, 0]


def test_a_write_stops_if_another_command_deletes_its_lease(database: Documents) -> None:
    class Takeover(Watch):
        """A `Watch` that starts to undo the write after its first batch."""

        def begins(self, event: ObjectId) -> None:
            self.event = event

        def wrote(self, documents: int, total: int) -> None:  # noqa: ARG002 - only the time of the call matters
            database[STATE].delete_one({"_id": lease_id(self.event)})

    draft = Draft()
    draft.insert("Role", role("support"))
    draft.reserve(1000)
    draft.insert("Role", role("helpdesk"))
    with pytest.raises(TakenOverError):
        apply(changeset(draft), watch=Takeover())
    assert [document["name"] for document in database["Role"].find()] == ["support"]
    assert database[AUDIT].count_documents({"kind": "end"}) == 0
