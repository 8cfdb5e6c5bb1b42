"""Faults in each of the four links, on either side: one-sided, dangling and duplicate links."""

from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId
from people import BEGAN, Documents, links, stored
from planting import Ids, settle
from reads import listening

from actions import audit
from actions.database.checking import check, repair
from changes import apply
from models.links import OTHER_SIDES

pytestmark = pytest.mark.usefixtures("either")

WHO = {
    ("User", "rolesIds"): ("alan", "support"),
    ("Role", "userIds"): ("support", "alan"),
    ("Role", "permissionsIds"): ("empty", "read"),
    ("Permission", "rolesIds"): ("read", "empty"),
    ("User", "conversationIds"): ("outsider", "group"),
    ("Conversation", "userIds"): ("group", "outsider"),
    ("User", "seenMessageIds"): ("alan", "one"),
    ("Message", "seenIds"): ("one", "alan"),
}
"""Each side of each link → the names of two documents that are not linked yet."""

SIDES = pytest.mark.parametrize("side", WHO, ids=[".".join(side) for side in WHO])


@pytest.fixture
def ids(database: Documents) -> Ids:
    ids = settle(database)
    empty = {"name": "empty", "userIds": [], "permissionsIds": []}
    ids["empty"] = database["Role"].insert_one(empty).inserted_id
    user = dict(database["User"].find_one({"username": "alan"}) or {})
    lists: dict[str, Any] = {"rolesIds": [], "conversationIds": [], "seenMessageIds": []}
    outsider = {**user, "_id": ObjectId(), "username": "outsider", "email": "outsider@example.org", **lists}
    ids["outsider"] = database["User"].insert_one(outsider).inserted_id
    return ids


def found(rule: str, **options: Any) -> list[tuple[Any, ...]]:
    rows = check([rule], **options)
    return [tuple(example.values())[:4] for row in rows for example in row["examples"]]


def repair_and_undo(database: Documents, rule: str, **options: Any) -> None:
    """Repair the faults of a rule. Check that no fault is left, links have two sides, and an undo restores the data."""
    was = stored(database)
    event = apply(repair([rule], **options)).event
    assert [row for row in check() if row["severity"] != "I"] == []
    links(database)
    repaired = stored(database)
    undone = apply(audit.undo(str(event))).event
    assert stored(database) == was
    apply(audit.undo(str(undone)))
    assert stored(database) == repaired


@SIDES
@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("bare", ["absent", "null", "there"])
def test_a_one_sided_link_is_completed_or_dropped(
    database: Documents, ids: Ids, side: tuple[str, str], drop: bool, bare: str
) -> None:
    (collection, field), (who, other) = side, WHO[side]
    other_collection, other_field = OTHER_SIDES[side]
    database[collection].update_one({"_id": ids[who]}, {"$push": {field: ids[other]}})
    there = database[other_collection].find_one({"_id": ids[other]}) or {}
    if not there[other_field] and bare == "absent":
        database[other_collection].update_one({"_id": ids[other]}, {"$unset": {other_field: ""}})
    half = (collection, ids[who], field, ids[other])
    assert found("one-sided-link") == found("one-sided-link", sample=100) == [half]
    assert found("dangling-link") == []
    repair_and_undo(database, "one-sided-link", drop=drop)
    left = database[collection].find_one({"_id": ids[who]}) or {}
    assert (ids[other] in left[field]) is not drop


@SIDES
def test_a_dangling_link_is_removed(database: Documents, ids: Ids, side: tuple[str, str]) -> None:
    (collection, field), (who, _) = side, WHO[side]
    gone = ObjectId()
    database[collection].update_one({"_id": ids[who]}, {"$push": {field: gone}})
    assert found("dangling-link") == found("dangling-link", sample=100) == [(collection, ids[who], field, gone)]
    assert found("one-sided-link") == []
    repair_and_undo(database, "dangling-link")


@SIDES
def test_an_id_listed_twice_is_listed_once_after_the_repair(
    database: Documents, ids: Ids, side: tuple[str, str]
) -> None:
    collection, field = side
    document = next(document for document in database[collection].find() if document[field])
    once = document[field]
    database[collection].update_one({"_id": document["_id"]}, {"$set": {field: [*once, once[0]]}})
    assert [row[:3] for row in found("duplicate-link")] == [(collection, document["_id"], field)]
    assert [row["rule"] for row in check()] == ["duplicate-link"]
    repair_and_undo(database, "duplicate-link")
    assert (database[collection].find_one({"_id": document["_id"]}) or {})[field] == once


@SIDES
def test_a_list_with_every_fault_is_right_after_one_repair(
    database: Documents, ids: Ids, side: tuple[str, str]
) -> None:
    (collection, field), (who, other) = side, WHO[side]
    held = (database[collection].find_one({"_id": ids[who]}) or {})[field]
    gone, text = ObjectId(), str(ids[other])
    database[collection].update_one({"_id": ids[who]}, {"$set": {field: [*held, gone, ids[other], text, gone]}})
    rules = {row["rule"] for row in check()}
    assert {"string-id", "dangling-link", "duplicate-link", "one-sided-link"} <= rules
    was = stored(database)
    event = apply(repair()).event
    assert [row for row in check() if row["severity"] != "I"] == []
    links(database)
    apply(audit.undo(str(event)))
    assert stored(database) == was


@SIDES
def test_a_sample_checks_a_part_of_a_long_list(database: Documents, ids: Ids, side: tuple[str, str]) -> None:
    collection, field = side
    gone = [ObjectId() for _ in range(50)]
    database[collection].update_one({"_id": ids[WHO[side][0]]}, {"$push": {field: {"$each": gone}}})
    [whole], [sampled] = check(["dangling-link"]), check(["dangling-link"], sample=1000)
    assert (whole["count"], 0 < sampled["count"] <= 20) == (50, True)


def test_lists_with_values_of_any_type_do_not_stop_a_check(database: Documents, ids: Ids) -> None:
    odd = [{"a": [1]}, None, 7, "text", [ids["ada"]], True]
    for collection, field in WHO:
        document = database[collection].find_one() or {}
        database[collection].update_one({"_id": document["_id"]}, {"$set": {field: [*document[field], *odd]}})
    assert [row["rule"] for row in check()] == ["wrong-type"]
    assert not repair().changes_something
    for collection, field in WHO:
        database[collection].update_many({}, {"$set": {field: "text"}})
    assert {row["rule"] for row in check()} == {"wrong-type"}
    assert not repair().changes_something


def dangling(database: Documents, number: int) -> str:
    """Insert a user who has seen many messages that do not exist."""
    gone = [ObjectId() for _ in range(number)]
    database["User"].update_one({"username": "alan"}, {"$push": {"seenMessageIds": {"$each": gone}}})
    return "User"


def one_sided(database: Documents, number: int) -> str:
    """Insert many messages with a user in `seenIds`. The user's own list does not have these messages."""
    alan = (database["User"].find_one({"username": "alan"}) or {})["_id"]
    conversation = (database["Conversation"].find_one({"name": "engines"}) or {})["_id"]
    fields = {"body": "x", "createAt": BEGAN, "conversationId": conversation, "senderId": alan}
    database["Message"].insert_many([{"_id": ObjectId(), **fields, "seenIds": [alan]} for _ in range(number)])
    return "User"


@pytest.mark.parametrize(("rule", "plant"), [("dangling-link", dangling), ("one-sided-link", one_sided)])
def test_a_long_list_is_not_read_more_often_than_a_short_list(
    database: Documents, url: str, rule: str, plant: Callable[[Documents, int], str]
) -> None:
    times = []
    for number in (1_100, 2_300):
        settle(database)
        collection = plant(database, number)
        with listening(url) as sent:
            [row] = check([rule])
        assert row["count"] == number
        times.append(sum(command.get("find") == collection for command in sent.commands))
    assert times[0] == times[1]
