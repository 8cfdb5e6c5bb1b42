"""After a conflict, the new plan changes the same documents as the first plan, and has the same event."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from bson import ObjectId
from people import Documents
from planting import Ids, settle

from actions import audit, messages, users
from changes import ChangedMeanwhileError, Changeset, apply
from tests.conftest import Chatctl

LATER = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture
def ids(either: Chatctl, database: Documents) -> Ids:
    return settle(database)


@pytest.mark.parametrize(
    ("plan", "collection", "name"),
    [
        (lambda: users.grant(["alan"], ["support"]), "Role", "support"),
        (lambda: users.revoke(["ada"], ["support"]), "Role", "support"),
        (lambda: users.suspend(["alan"]), "User", "alan"),
        (lambda: messages.purge(LATER, sender="ada"), "User", "ada"),
    ],
    ids=["grant", "revoke", "suspend", "purge"],
)
def test_a_name_that_now_belongs_to_another_document_is_a_conflict(
    database: Documents, ids: Ids, plan: Callable[[], Changeset], collection: str, name: str
) -> None:
    changeset = plan()
    assert changeset.replan
    assert changeset.replan().changes_something
    field = "name" if collection == "Role" else "username"
    other = database[collection].find_one({field: {"$ne": name}}) or {}
    database[collection].update_one({field: name}, {"$set": {field: "moved"}})
    database[collection].update_one({"_id": other["_id"]}, {"$set": {field: name}})
    with pytest.raises(ChangedMeanwhileError, match="now belongs to another"):
        changeset.replan()


def test_a_command_planned_again_after_a_conflict_is_one_event_that_can_be_undone(
    database: Documents, ids: Ids
) -> None:
    changeset = users.suspend(["ada", "alan"])
    database["User"].update_one({"_id": ids["alan"]}, {"$set": {"status": "EMAIL_VERIFIED"}})
    outcome = apply(changeset)  # Without transactions, chatctl suspends ada before it notices the conflict about alan.
    assert [result.outcome for result in outcome.changeset.results] == ["suspended", "suspended"]
    assert database["chatctl_audit"].count_documents({"kind": "event"}) == 1
    apply(audit.undo(str(outcome.event), force=True))
    found = {user["username"]: user["status"] for user in database["User"].find()}
    assert found["ada"] == "ACTIVE"
    assert found["alan"] in {"ACTIVE", "EMAIL_VERIFIED"}


def test_a_deleted_user_with_a_text_id_leaves_no_references(either: Chatctl, database: Documents, ids: Ids) -> None:
    person = {"_id": "ckx1odd", "username": "odd", "email": "odd@example.org", "status": "ACTIVE"}
    database["User"].insert_one({**person, "conversationIds": [ids["group"]], "seenMessageIds": [ids["one"]]})
    database["Conversation"].update_one({"_id": ids["group"]}, {"$push": {"userIds": "ckx1odd"}})
    database["Message"].update_one({"_id": ids["one"]}, {"$push": {"seenIds": "ckx1odd"}})
    either("users", "delete", "odd", "--yes")
    left = [document for name in ("User", "Conversation", "Message") for document in database[name].find()]
    assert "ckx1odd" not in str(left)


def test_two_documents_with_the_same_id_as_text_do_not_stop_a_repair(
    either: Chatctl, database: Documents, ids: Ids
) -> None:
    for text in ("65abcdef65abcdef65abcdef", "65ABCDEF65ABCDEF65ABCDEF"):
        database["Permission"].insert_one({"_id": text, "name": text, "rolesIds": []})
    database["Role"].insert_one({"_id": str(ObjectId()), "name": "texts", "userIds": [], "permissionsIds": []})
    either("db", "repair", "--rule", "wrong-type", "--yes")
    assert all(isinstance(role["_id"], ObjectId) for role in database["Role"].find())
    assert database["Permission"].count_documents({"_id": {"$type": "string"}}) == 2
