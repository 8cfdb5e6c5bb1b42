"""An erasure removes a person from all data, and keeps the data of others."""

from typing import Any

import bson
import pytest
from bson import ObjectId
from history import HERS, WRITTEN, History, found, user, write
from samples import Documents

from actions import audit, users
from actions.errors import LastMemberError, UnknownNameError
from actions.rules import lockout
from changes import Watch, apply
from database.own_collections import AUDIT, STATE

pytestmark = pytest.mark.usefixtures("either")

BOTH = (*HERS, *WRITTEN)


@pytest.fixture
def past(database: Documents) -> History:
    return write(database)


def stored(database: Documents, name: str, **where: Any) -> list[bytes]:
    return [bson.encode(document) for document in database[name].find(where).sort("_id")]


def of_others(database: Documents, past: History) -> list[bytes]:
    ada = past.ada["_id"]
    return [
        *stored(database, "User", _id={"$ne": ada}),
        *stored(database, "Conversation"),
        *stored(database, "Message", senderId={"$ne": ada}),
        *stored(database, AUDIT, event={"$in": [past.events["roles"]]}),
    ]


def test_an_erased_person_is_in_no_document_and_the_data_of_others_is_unchanged(
    database: Documents, past: History
) -> None:
    assert found(database, BOTH) == list(BOTH)
    was, messages = of_others(database, past), stored(database, "Message")

    apply(users.erase("ada_later"))

    assert found(database, HERS) == []
    assert found(database, WRITTEN) == list(WRITTEN)
    assert of_others(database, past) == was
    assert stored(database, "Message") == messages


def test_the_option_with_messages_removes_the_texts_of_messages(database: Documents, past: History) -> None:
    was = of_others(database, past)

    apply(users.erase("ada_later", with_messages=True))

    assert found(database, BOTH) == []
    assert of_others(database, past) == was
    assert {message["body"] for message in database["Message"].find({"senderId": past.ada["_id"]})} == {
        "[removed by an administrator]"
    }


def test_the_application_can_read_the_placeholder_user(database: Documents, past: History) -> None:
    apply(users.erase("later.ada@example.org"))
    ada = past.ada["_id"]
    tombstone = database["User"].find_one({"_id": ada})
    assert tombstone.pop("updatedAt") > past.ada["updatedAt"]
    assert tombstone == {
        "_id": ada,
        "email": f"erased-{ada}@erased.invalid",
        "username": f"erased-{ada}",
        "status": "SUSPENDED",
        "createdAt": past.ada["createdAt"],
        "rolesIds": [],
        "conversationIds": past.ada["conversationIds"],
        "seenMessageIds": past.ada["seenMessageIds"],
    }
    assert database["Role"].find_one({"name": "support"})["userIds"] == [past.bob["_id"]]
    assert database["Profile"].count_documents({}) == database["Account"].count_documents({}) == 0


def test_a_second_erasure_by_id_changes_nothing_and_the_old_name_is_not_found(past: History) -> None:
    apply(users.erase("ada_later"))
    again = users.erase(str(past.ada["_id"]))
    assert not again.changes_something
    assert [result.outcome for result in again.results] == ["unchanged"]
    assert apply(again).event is None
    with pytest.raises(UnknownNameError):
        users.erase("later.ada@example.org")
    assert users.erase(str(past.ada["_id"]), with_messages=True).changes_something


class Stopped(Watch):
    """A `Watch` that stops the command after some batches."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def wrote(self, *_: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_the_same_command_finishes_an_interrupted_erasure(
    database: Documents, past: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.rules.checked_changeset.BATCH", 1)
    stops = 0
    while True:
        try:
            apply(users.erase("later.ada@example.org", with_messages=True), watch=Stopped(1))
        except KeyboardInterrupt:
            stops += 1
        if database["User"].find_one({"_id": past.ada["_id"]})["status"] == "SUSPENDED":
            break
    assert stops > 20
    assert found(database, BOTH) == []


def test_urls_of_images_stored_elsewhere_are_listed(past: History) -> None:
    def pictures(**options: bool) -> set[str]:
        [result] = users.erase("ada_later", **options).results
        return set(result.elsewhere)

    hers = {text for text in HERS if text.startswith("https")}
    assert pictures() == hers
    assert pictures(with_messages=True) == hers | {text for text in WRITTEN if text.startswith("https")}


def test_the_preview_says_what_is_removed_and_what_is_kept(past: History) -> None:
    planned = users.erase("ada_later", with_messages=True)
    assert set(planned.summary()) == {
        *("change 1 user", "change 1 role", "change 3 messages", "delete 1 profile", "delete 1 account")
    }
    label = f"erased-{past.ada['_id']}"
    assert planned.notes[:8] == [
        "User: ada_later (later.ada@example.org)",
        (
            "Removed: e-mail, username, name, password, roles, profile, linked accounts. "
            f"Kept: the placeholder user {label}, suspended."
        ),
        "Removed: fields that are not in the schema: image, note",
        "Kept: 3 messages, without text and image",
        "Kept: 1 conversation, unchanged",
        "Personal data removed from 10 events of the audit trail",
        "No longer undoable: 10 events",
        "This cannot be undone. Backups are not changed.",
    ]
    assert (
        users.erase("ada_later").notes[3]
        == "Kept: 3 messages, unchanged. --with-messages removes their text and images."
    )


def test_a_protected_role_keeps_an_active_member(database: Documents, past: History) -> None:
    role = database["Role"].find_one({"name": "support"})
    database[STATE].insert_one({"_id": lockout.PROTECTED, "ids": [role["_id"]]})
    with pytest.raises(LastMemberError):
        users.erase("ada_later")
    apply(users.erase("ada_later", allow_last_member=True))
    assert found(database, HERS) == []


def test_messages_of_several_batches_are_counted_and_blanked(
    database: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actions.rules.checked_changeset.BATCH", 100)
    ada = user("ada")
    said = {"senderId": ada["_id"], "conversationId": ObjectId(), "createAt": ada["createdAt"], "seenIds": []}
    database["User"].insert_one(ada)
    database["Message"].insert_many([{"_id": ObjectId(), "body": f"secret {n}", **said} for n in range(210)])
    planned = users.erase("ada", with_messages=True)
    assert [len(batch) for batch in planned.batches] == [100, 100, 10, 1]
    assert "change 210 messages" in planned.summary()
    apply(planned)
    assert found(database, ("secret",)) == []


def test_a_name_and_a_sign_in_written_during_an_erasure_are_erased_too(database: Documents, past: History) -> None:
    class Meanwhile(Watch):
        def wrote(self, *_: int) -> None:
            there = {"_id": past.ada["_id"], "status": {"$ne": "SUSPENDED"}}
            database["User"].update_one(there, {"$set": {"name": "Ada King"}, "$currentDate": {"lastLogin": True}})

    event = apply(users.erase("ada_later"), watch=Meanwhile()).event
    assert found(database, (*HERS, "Ada King")) == []
    assert "lastLogin" not in (database["User"].find_one({"_id": past.ada["_id"]}) or {})
    assert audit.show(str(event))["state"] == "done"


@pytest.mark.parametrize("gained", [{"name": "Ada King"}, {"status": "ACTIVE"}, {"rolesIds": [1]}], ids=str)
def test_data_added_while_the_preview_is_read_is_erased_too(
    database: Documents, past: History, gained: dict[str, Any]
) -> None:
    bare = {"status": "SUSPENDED", "rolesIds": []}
    database["User"].update_one({"_id": past.ada["_id"]}, {"$set": bare, "$unset": {"name": ""}})
    planned = users.erase("ada_later")
    database["User"].update_one({"_id": past.ada["_id"]}, {"$set": gained})
    apply(planned)
    assert found(database, (*HERS, "Ada King")) == []
    tombstone = database["User"].find_one({"_id": past.ada["_id"]}) or {}
    assert (tombstone["status"], tombstone["rolesIds"]) == ("SUSPENDED", [])
