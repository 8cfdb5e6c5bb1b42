"""An undo restores exactly the values that an event has changed, or chatctl refuses the undo."""

from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import Int64, ObjectId
from samples import Documents, carry_out, permission, role, stored, undo

from changes import Draft, events
from changes.undoing import ChangedSinceError
from database.own_collections import IMAGES

pytestmark = pytest.mark.usefixtures("either")


def test_an_undo_refuses_a_newer_change_unless_forced(database: Documents) -> None:
    support = role()
    draft = Draft()
    draft.insert("Role", dict(support))
    event = carry_out(draft).event
    database["Role"].update_one({"_id": support["_id"]}, {"$set": {"name": "desk"}})

    with pytest.raises(ChangedSinceError, match=r"was changed after this event \(name\)"):
        undo(database, event)

    undo(database, event, force=True)
    assert database["Role"].count_documents({}) == 0


def test_an_undo_refuses_a_newer_change_of_a_field_unless_forced(database: Documents) -> None:
    support = role()
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.set("Role", dict(support), {"name": "helpdesk"})
    event = carry_out(draft).event
    database["Role"].update_one({}, {"$set": {"name": "desk"}})

    with pytest.raises(ChangedSinceError, match=r"was changed after this event \(name\)"):
        undo(database, event)

    assert database["Role"].find_one()["name"] == "desk"
    undo(database, event, force=True)
    assert database["Role"].find_one() == support


def test_a_forced_undo_adds_no_link_to_a_document_that_cannot_be_restored(database: Documents) -> None:
    ada, bob = ({"_id": ObjectId(), "email": name, "username": name, "seenMessageIds": []} for name in ("ada", "bob"))
    hello = {"_id": ObjectId(), "senderId": bob["_id"], "seenIds": [ada["_id"]], "body": "hello"}
    ada["seenMessageIds"] = [hello["_id"]]
    database["User"].insert_many([dict(ada), dict(bob)])
    database["Message"].insert_one(dict(hello))
    draft = Draft()
    draft.take("User", [dict(ada)], "seenMessageIds", [hello["_id"]])
    draft.delete("Message", hello)
    event = carry_out(draft).event
    database["User"].delete_one({"_id": bob["_id"]})

    undo(database, event, force=True)

    assert database["Message"].count_documents({}) == 0
    assert database["User"].find_one()["seenMessageIds"] == []


def test_a_forced_undo_leaves_no_link_to_a_deleted_document(database: Documents) -> None:
    support, read, write = role(), permission("user.read"), permission("user.write")
    support["permissionsIds"] = [read["_id"], write["_id"]]
    read["rolesIds"] = write["rolesIds"] = [support["_id"]]
    database["Role"].insert_one(dict(support))
    database["Permission"].insert_many([dict(read), dict(write)])
    draft = Draft()
    draft.take("Permission", [read, write], "rolesIds", [support["_id"]])
    draft.delete("Role", support)
    event = carry_out(draft).event
    database["Permission"].delete_one({"_id": read["_id"]})

    with pytest.raises(ChangedSinceError, match="was deleted after this event"):
        undo(database, event)
    undo(database, event, force=True)

    assert database["Role"].find_one()["permissionsIds"] == [write["_id"]]
    assert database["Permission"].find_one()["rolesIds"] == [support["_id"]]


def test_an_undo_computes_often_changed_fields_again_and_restores_the_others(database: Documents) -> None:
    ada = {"_id": ObjectId(), "email": "ada@example.org", "username": "ada", "updatedAt": 1}
    for moved, expected in ((False, {1}), (True, None)):
        database["User"].replace_one({"_id": ada["_id"]}, ada, upsert=True)
        draft = Draft()
        draft.set("User", dict(ada), {"name": "Ada", "updatedAt": 2})
        event = carry_out(draft).event
        if moved:
            database["User"].update_one({}, {"$set": {"updatedAt": 7}})
        undo(database, event)
        user = database["User"].find_one()
        assert "name" not in user
        assert (expected is None and user["updatedAt"] not in {1, 2, 7}) or user["updatedAt"] in (expected or ())


def test_an_undo_keeps_unknown_types_and_fields(database: Documents) -> None:
    support = role(extra={"$odd": {"a.b": Int64(1)}}, big=Int64(5), none=None)
    draft = Draft()
    draft.insert("Role", support)
    carry_out(draft)
    raw = bson.encode(database["Role"].find_one())
    draft = Draft()
    draft.delete("Role", database["Role"].find_one())
    event = carry_out(draft).event
    undo(database, event)
    assert bson.encode(database["Role"].find_one()) == raw


@pytest.mark.parametrize("gone", [{"batch": 1}, {"batch": 3}, {}], ids=["middle", "last", "all"])
def test_an_event_with_expired_images_is_not_undone(database: Documents, gone: dict[str, Any]) -> None:
    draft = Draft()
    support = role()
    draft.insert("Role", support)
    for _ in range(3):
        draft.reserve(1000)
        draft.add("Role", [support], "userIds", [ObjectId()])
    event = carry_out(draft).event
    assert len(events.read(database, event)) == 4
    database[IMAGES].delete_many({"event": event, **gone})
    assert events.read(database, event) == []


def test_an_undo_restores_no_document_without_its_parent(database: Documents) -> None:
    ada = {"_id": ObjectId(), "email": "ada@example.org", "username": "ada"}
    account = {"_id": ObjectId(), "provider": "x", "providerAccountId": "1", "userId": ada["_id"]}
    database["User"].insert_one(ada)
    database["Account"].insert_one(dict(account))
    draft = Draft()
    draft.delete("Account", account)
    event = carry_out(draft).event
    database["User"].delete_one({})

    with pytest.raises(ChangedSinceError, match="was deleted after this event"):
        undo(database, event)
    undo(database, event, force=True)
    assert database["Account"].count_documents({}) == 0

    database["User"].insert_one(ada)
    undo(database, event)
    assert database["Account"].find_one() == account


def test_a_forced_undo_deletes_a_document_that_gained_links(database: Documents) -> None:
    support, ada = role(userIds=None), {"_id": ObjectId(), "username": "ada", "email": "a", "rolesIds": []}
    draft = Draft()
    draft.insert("Role", dict(support))
    event = carry_out(draft).event
    database["Role"].update_one({}, {"$set": {"userIds": [ada["_id"], "junk", {}]}})
    database["User"].insert_one({**ada, "rolesIds": [support["_id"]]})
    assert event is not None
    undo(database, event, force=True)
    assert stored(database)["User"] == [ada]
    assert stored(database)["Role"] == []


@pytest.mark.parametrize("when", [None, "yesterday", {}], ids=str)
def test_a_message_without_a_time_is_not_the_last_message(database: Documents, when: Any) -> None:
    group = {"_id": ObjectId(), "userIds": [], "created_at": datetime(2026, 1, 1, tzinfo=UTC), "lastMessageAt": 1}
    database["Conversation"].insert_one(dict(group))
    database["Message"].insert_one({"_id": ObjectId(), "conversationId": group["_id"], "createAt": when})
    last = {"_id": ObjectId(), "conversationId": group["_id"], "createAt": datetime(2026, 2, 1, tzinfo=UTC)}
    database["Message"].insert_one(dict(last))
    draft = Draft()
    draft.delete("Message", last)
    draft.set("Conversation", group, {"lastMessageAt": group["created_at"]})
    event = carry_out(draft).event
    database["Conversation"].update_one({}, {"$set": {"lastMessageAt": 2}})
    assert event is not None
    undo(database, event)
    assert database["Conversation"].find_one()["lastMessageAt"] == last["createAt"]


def test_an_undo_restores_a_document_that_never_had_a_parent(database: Documents) -> None:
    odd = [{"_id": ObjectId(), "senderId": sender, "body": "hello"} for sender in (None, "ada", [])]
    database["Message"].insert_many([dict(message) for message in odd])
    draft = Draft()
    for message in odd:
        draft.delete("Message", message)
    event = carry_out(draft).event
    assert event is not None
    undo(database, event)
    assert list(database["Message"].find().sort("_id")) == odd


def test_changes_of_one_field_in_one_batch_are_undone_from_the_last_to_the_first(database: Documents) -> None:
    support = role("first")
    database["Role"].insert_one(dict(support))
    was = stored(database)
    draft = Draft()
    for name in ("second", "third", "fourth"):
        draft.set("Role", support, {"name": name})
    event = carry_out(draft).event
    undo(database, event)
    assert stored(database) == was


@pytest.mark.parametrize("missing", [{"batch": 0, "part": 0}, {"batch": 0, "part": 1}, {"batch": 1}], ids=str)
def test_an_event_with_a_missing_image_is_not_undone_in_part(
    database: Documents, monkeypatch: pytest.MonkeyPatch, missing: dict[str, int]
) -> None:
    monkeypatch.setattr(events, "PART_BYTES", 100)
    draft = Draft()
    for name in ("support", "desk"):
        draft.batches.append([])
        draft.insert("Role", role(name))
    event = carry_out(draft).event
    assert len(events.read(database, event)) == 2
    database[IMAGES].delete_many({"event": event, **missing})
    assert events.read(database, event) == []


@pytest.mark.parametrize("junk", [[1], {"a": [1]}, 5, None], ids=str)
def test_a_forced_undo_ignores_values_that_are_not_ids_in_a_list_of_links(database: Documents, junk: Any) -> None:
    read = permission()
    support = role(permissionsIds=[read["_id"], junk])
    database["Permission"].insert_one(read)
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.delete("Role", dict(support))
    event = carry_out(draft).event
    assert event is not None
    undo(database, event, force=True)
    assert database["Role"].find_one()["permissionsIds"] == [read["_id"]]
