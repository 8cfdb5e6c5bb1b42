"""A check reports each unexpected value as one fault, and no repair copies such a value to another document."""

from typing import Any

import pytest
from bson import Code, ObjectId
from people import BEGAN, Documents, messages, minute_after
from planting import AGAIN, Ids, settle

from actions.database.checking import check, repair
from actions.database.checking.rules import conversations, links
from changes import apply

pytestmark = pytest.mark.usefixtures("either")


@pytest.fixture
def ids(database: Documents) -> Ids:
    return settle(database)


def counts() -> dict[str, int]:
    return {row["rule"]: row["count"] for row in check()}


def test_a_copied_id_of_another_type_is_not_changed(database: Documents, ids: Ids) -> None:
    database["User"].update_one({"_id": ids["grace"]}, {"$set": {"profileId": [ObjectId()]}})
    database["Conversation"].update_one({"_id": ids["direct"]}, {"$set": {"messagesIds": ids["one"]}})
    assert counts() == {"wrong-type": 2}
    assert not repair().changes_something


def test_bson_code_is_not_text(database: Documents, ids: Ids) -> None:
    database["User"].drop_index("User_email_key")
    database["User"].update_one({"_id": ids["ada"]}, {"$set": {"email": Code("Ada"), "name": Code("Ada")}})
    assert counts() == {"wrong-type": 2, "missing-index": 1}


@pytest.mark.parametrize("side", [("User", "rolesIds"), ("Role", "userIds")])
def test_a_link_to_a_document_without_a_valid_list_is_not_repaired_repeatedly(
    database: Documents, ids: Ids, side: tuple[str, str]
) -> None:
    collection, field = side
    who = ids["grace"] if collection == "User" else ids["viewer"]
    database[collection].update_one({"_id": who}, {"$set": {field: 7}})
    assert counts() == {"wrong-type": 1}
    assert not repair().changes_something


def test_a_list_of_times_is_not_the_time_of_a_message(database: Documents, ids: Ids) -> None:
    database["Message"].update_one({"_id": ids["one"]}, {"$set": {"createAt": [minute_after(90)]}})
    database["Conversation"].update_one({"_id": ids["direct"]}, {"$set": {"lastMessageAt": BEGAN}})
    apply(repair())
    place = database["Conversation"].find_one({"_id": ids["direct"]}) or {}
    assert place["lastMessageAt"] == minute_after(2)


def test_a_message_that_arrives_during_a_repair_stays_the_last_message(
    database: Documents, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    database["Conversation"].update_one({"_id": ids["direct"]}, {"$set": {"lastMessageAt": BEGAN}})
    planned = repair(["stale-last-message"])
    looked, read = [], conversations.last_messages

    def last_messages(places: Any) -> Any:
        found = read(places)
        looked.append(found)
        if len(looked) == 2:  # The document is read twice: to confirm the fault, and to repair it.
            messages(database, ids["direct"], ids["ada"], "now", after=30)
        return found

    monkeypatch.setattr(conversations, "last_messages", last_messages)
    apply(planned)
    place = database["Conversation"].find_one({"_id": ids["direct"]}) or {}
    assert place["lastMessageAt"] == minute_after(31)


def test_a_copied_list_with_too_many_messages_is_not_written(
    database: Documents, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    database["Conversation"].update_many({}, {"$set": {"messagesIds": []}})
    messages(database, ids["group"], ids["ada"], "more")
    database["Conversation"].update_many({}, {"$set": {"messagesIds": []}})
    monkeypatch.setattr(links, "MOST_COPIED_IDS", 3)
    assert counts() == {"unsynced-copy": 1}
    apply(repair())
    kept = {one["_id"]: one["messagesIds"] for one in database["Conversation"].find()}
    assert kept == {ids["direct"]: [ids["one"], ids["two"]], ids["group"]: []}


def test_the_size_of_text_is_counted_in_bytes(database: Documents, ids: Ids) -> None:
    database["Message"].update_one({"_id": ids["one"]}, {"$set": {"body": "\u6f22" * (3 * 1024 * 1024)}})
    [row] = check(["oversized"])
    assert row["examples"][0]["value"] == "9.0 MiB"


@pytest.mark.usefixtures("ids")
def test_an_index_is_not_planned_if_one_value_is_absent_and_one_is_null(database: Documents) -> None:
    database["User"].drop_index("User_email_key")
    database["User"].insert_many([{"username": "none", **AGAIN}, {"username": "null", "email": None, **AGAIN}])
    [result] = repair(["missing-index"]).results
    assert result.outcome == "unchanged"
