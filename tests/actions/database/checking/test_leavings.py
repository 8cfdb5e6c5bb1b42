"""A check finds the faults that the application causes when it deletes documents, and no other faults."""

from typing import Any

import pytest
from bson import ObjectId
from people import SEVEN, Documents, links, stored
from planting import settle

from actions import audit
from actions.database.checking import check, repair
from changes import apply
from models.schema import FIELDS

pytestmark = pytest.mark.usefixtures("either")


def counts() -> dict[str, int]:
    return {row["rule"]: row["count"] for row in check()}


def test_absent_lists_and_absent_optional_fields_are_not_faults(database: Documents) -> None:
    ids = settle(database)
    optional = ("name", "profileId", "lastLogin", "emailVerified", "hashedPassword")
    database["User"].update_many({"_id": ids["ada"]}, {"$unset": dict.fromkeys(optional, "")})
    bare = {"email": "new@example.org", "username": "new", "status": "ACTIVE"}
    times = (database["User"].find_one() or {})["createdAt"]
    database["User"].insert_one({**bare, "createdAt": times, "updatedAt": times})
    database["Role"].insert_one({"name": "bare"})
    database["Permission"].insert_one({"name": "bare"})
    database["Conversation"].update_many({}, {"$unset": {"messagesIds": ""}})
    assert counts() == {}
    database["Conversation"].update_many({}, {"$set": {"messagesIds": []}})
    assert counts() == {"unsynced-copy": 2}


def test_null_in_an_optional_field_is_not_a_fault(database: Documents) -> None:
    settle(database)
    for name in SEVEN:
        for document in database[name].find():
            absent = FIELDS[name] - document.keys()
            lists = {field for field in absent if field.endswith("Ids")}
            database[name].update_one({"_id": document["_id"]}, {"$set": dict.fromkeys(absent - lists)})
    assert counts() == {}


def test_a_role_deleted_by_the_application_leaves_dangling_links(database: Documents) -> None:
    ids = settle(database)
    database["Role"].delete_one({"_id": ids["support"]})
    assert counts() == {"dangling-link": 2}
    repaired(database)


def test_a_message_deleted_by_the_application_leaves_dangling_links(database: Documents) -> None:
    ids = settle(database)
    database["Message"].delete_one({"_id": ids["two"]})
    assert counts() == {"dangling-link": 2, "stale-last-message": 1, "unsynced-copy": 1}
    repaired(database)


def test_a_conversation_deleted_by_the_application_leaves_dangling_links(database: Documents) -> None:
    ids = settle(database)
    database["Message"].delete_many({"conversationId": ids["group"]})
    database["Conversation"].delete_one({"_id": ids["group"]})
    assert counts() == {"dangling-link": 7}
    repaired(database)


def test_a_user_deleted_by_the_application_leaves_orphans_and_a_lone_conversation(database: Documents) -> None:
    ids = settle(database)
    database["User"].delete_one({"_id": ids["grace"]})
    found = counts()
    assert found == {
        "missing-parent": 2,
        "dangling-link": 6,
        "lone-conversation": 2,
    }
    apply(repair(["missing-parent"], delete=True))
    assert "missing-parent" not in counts()
    assert database["Message"].find_one({"_id": ids["three"]}) is None
    assert ids["three"] not in (database["User"].find_one({"_id": ids["ada"]}) or {})["seenMessageIds"]
    assert ids["three"] not in (database["Conversation"].find_one({"_id": ids["group"]}) or {})["messagesIds"]


def repaired(database: Documents) -> None:
    was = stored(database)
    event = apply(repair()).event
    assert counts() == {}
    links(database)
    apply(audit.undo(str(event)))
    assert stored(database) == was


def test_a_document_with_several_faults_is_repaired_in_one_run(database: Documents) -> None:
    ids = settle(database)
    text: dict[str, Any] = {"conversationId": str(ids["direct"]), "senderId": str(ids["ada"]), "seenIds": None}
    database["Message"].update_one({"_id": ids["one"]}, {"$set": text})
    odd = {"rolesIds": None, "conversationIds": [None, str(ids["direct"]), ids["direct"]], "status": 7, "email": None}
    database["User"].drop_index("User_email_key")
    database["User"].update_one({"_id": ids["alan"]}, {"$set": odd})
    for number, odd_id in enumerate(("text", {"an": ["object"]}, 7)):
        database["User"].insert_one({"_id": odd_id, "username": f"odd{number}"})
    database["Role"].insert_one({"_id": {"an": "object"}, "name": "odd", "userIds": [ids["ada"], ObjectId()]})
    database["Profile"].insert_one({"_id": 3, "userId": "text"})
    found = counts()
    assert found["wrong-type"] == 7
    assert found["missing-field"] == 1
    assert found["null-list"] == 2
    assert found["string-id"] == 3
    apply(repair())
    assert counts().keys() == {"missing-field", "wrong-type", "missing-index"}


def test_wrong_ids_do_not_stop_the_other_rules(database: Documents) -> None:
    ids = settle(database)
    database["Profile"].drop_index("Profile_userId_key")
    for number, odd in enumerate(({"an": "object"}, "text", 7)):
        database["Profile"].insert_one({"_id": odd, "userId": ids["grace"]})
        database["Conversation"].insert_one({"_id": odd, "userIds": [ids["ada"], ids["grace"]]})
        database["Message"].insert_one({"_id": odd, "seenIds": [ids["ada"]], "conversationId": odd, "senderId": odd})
        named = {"email": f"{number}", "username": f"{number}", "profileId": ids["profile"]}
        database["User"].insert_one({"_id": odd, **named})
    database["Profile"].insert_one({"userId": ids["grace"]})
    database["User"].update_one({"_id": ids["alan"]}, {"$push": {"seenMessageIds": ids["one"]}})
    for sample in (None, 1000):
        found = {row["rule"]: row["count"] for row in check(sample=sample)}
        assert found["wrong-type"] == 12
        assert found["second-profile"] == found["one-sided-link"] == 1
    apply(repair())
    apply(repair(["second-profile"], delete=True))
    assert counts().keys() == {"wrong-type", "missing-index", "foreign-seen"}


def test_a_profile_with_a_text_id_stays_if_the_user_has_another_profile(database: Documents) -> None:
    ids = settle(database)
    other = database["Profile"].insert_one({"userId": str(ids["grace"])}).inserted_id
    database["Profile"].insert_one({"userId": str(ids["ada"])})
    [repaired, left] = repair(["string-id"]).results
    assert (repaired.message, left.outcome) == ("1 fault", "unchanged")
    assert f'db.Profile.deleteOne({{_id: ObjectId("{other}")}})' in str(left.message)
    apply(repair())
    assert {row["rule"]: row["count"] for row in check()} == {"string-id": 1, "second-profile": 1}
