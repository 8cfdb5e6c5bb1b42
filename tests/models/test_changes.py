"""Changes are guarded, recorded, and undone: examples of each, and the rules that hold for any sequence of them."""

from typing import Any

import bson
import pytest
from bson import Int64, ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.database import Database

from models.changes import ABSENT, Changeset, Draft, Outcome, Rule, Update, Watch, apply, undoing
from models.changes.applying import ChangedMeanwhileError
from models.changes.collections import AUDIT, IMAGES, STATE
from models.changes.draft import TooManyLinksError
from models.changes.events import lease
from models.changes.transactions import BusyError
from models.changes.undoing import ChangedSinceError
from models.links import LINKS, ROLE_PERMISSIONS, USER_ROLES, Link

Documents = Database[dict[str, Any]]
COLLECTIONS = ("User", "Role", "Permission")
pytestmark = pytest.mark.usefixtures("either")


def changeset(draft: Draft) -> Changeset:
    return Changeset("a test", [], draft.batches, names=draft.names)


def carry_out(draft: Draft) -> Outcome:
    return apply(changeset(draft))


def undo(database: Documents, event: ObjectId, *, force: bool = False) -> Outcome:
    batches = undoing.inverse(database, undoing.images(database, event), force=force)
    return apply(Changeset("an undo", [], batches, undoes=event))


def role(name: str = "support", **fields: Any) -> dict[str, Any]:
    return {"_id": ObjectId(), "name": name, "userIds": [], "permissionsIds": [], **fields}


def permission(name: str = "user.read", **fields: Any) -> dict[str, Any]:
    return {"_id": ObjectId(), "name": name, "rolesIds": [], **fields}


def stored(database: Documents) -> dict[str, list[dict[str, Any]]]:
    """Return what lies in the application's collections; the order of ids in a list says nothing."""
    return {
        name: [
            {field: sorted(value) if ids(value) else value for field, value in document.items()}
            for document in database[name].find().sort("_id")
        ]
        for name in COLLECTIONS
    }


def ids(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, ObjectId) for item in value)


def test_a_change_of_what_was_changed_meanwhile_is_a_conflict_and_writes_nothing(database: Documents) -> None:
    support, read = role(), permission()
    database["Role"].insert_one(dict(support))
    database["Permission"].insert_one(dict(read))
    draft = Draft()
    draft.set("Role", support, {"name": "helpdesk"})
    draft.set("Permission", read, {"name": "user.view"})
    database["Role"].update_one({"_id": support["_id"]}, {"$set": {"name": "desk"}})

    with pytest.raises(ChangedMeanwhileError, match="role support was changed meanwhile"):
        carry_out(draft)

    assert database["Role"].find_one()["name"] == "desk"
    assert database["Permission"].find_one()["name"] == "user.read"


@pytest.mark.parametrize(
    ("planned", "found"),
    [
        ({"name": "a"}, {}),
        ({}, {"name": None}),
        ({"name": None}, {}),
        ({"userIds": []}, {"userIds": None}),
        ({"userIds": []}, {}),
        ({}, {"permissionsIds": []}),
        ({"extra": 1}, {"extra": 2}),
    ],
    ids=str,
)
def test_a_delete_tells_absent_from_null_and_sees_every_field(
    database: Documents, planned: dict[str, Any], found: dict[str, Any]
) -> None:
    identifier = ObjectId()
    database["Role"].insert_one({"_id": identifier, **found})
    draft = Draft()
    draft.delete("Role", {"_id": identifier, **planned})

    with pytest.raises(ChangedMeanwhileError):
        carry_out(draft)

    assert database["Role"].count_documents({}) == 1


@pytest.mark.parametrize(("planned", "found"), [("support", ["support"]), (None, [None]), (None, ABSENT)], ids=str)
def test_a_set_tells_a_value_from_a_list_that_holds_it(database: Documents, planned: Any, found: Any) -> None:
    support = role(name=planned)
    database["Role"].insert_one(
        {field: value for field, value in {**support, "name": found}.items() if value != ABSENT}
    )
    draft = Draft()
    draft.set("Role", support, {"name": "helpdesk"})
    with pytest.raises(ChangedMeanwhileError):
        carry_out(draft)


def test_fields_that_the_application_moves_guard_nothing(database: Documents) -> None:
    ada = {"_id": ObjectId(), "email": "ada@example.org", "username": "ada", "updatedAt": 1, "profileId": 1}
    database["User"].insert_one({**ada, "updatedAt": 2, "profileId": 2})
    draft = Draft()
    draft.set("User", ada, {"name": "Ada", "updatedAt": 3})
    carry_out(draft)
    assert database["User"].find_one()["updatedAt"] == 3
    draft = Draft()
    draft.delete("User", ada)
    carry_out(draft)
    assert database["User"].count_documents({}) == 0


@pytest.mark.parametrize("before", [ABSENT, None, []], ids=["absent", "null", "empty"])
def test_a_link_to_a_list_in_any_state_is_made_and_undone_exactly(database: Documents, before: Any) -> None:
    support, read = role(), permission()
    if before is ABSENT:
        del support["permissionsIds"]
    else:
        support["permissionsIds"] = before
    database["Role"].insert_one(dict(support))
    database["Permission"].insert_one(dict(read))
    was = stored(database)
    draft = Draft()
    draft.link(ROLE_PERMISSIONS, [support], [read])

    event = carry_out(draft).event

    assert database["Role"].find_one()["permissionsIds"] == [read["_id"]]
    assert database["Permission"].find_one()["rolesIds"] == [support["_id"]]
    undo(database, event)
    assert stored(database) == was


def test_one_link_to_lists_that_are_absent_null_and_no_lists_is_made_and_undone(database: Documents) -> None:
    states = ({}, {"rolesIds": "scalar"}, {"rolesIds": None}, {"rolesIds": 5})
    users = [{"_id": ObjectId(), "email": f"{n}@x.y", "username": str(n), **state} for n, state in enumerate(states)]
    support = role()
    database["User"].insert_many([dict(user) for user in users])
    database["Role"].insert_one(dict(support))
    was = stored(database)
    draft = Draft()
    draft.link(USER_ROLES, users, [support])
    event = carry_out(draft).event
    assert database["User"].count_documents({"rolesIds": [support["_id"]]}) == 4
    undo(database, event)
    assert stored(database) == was


def test_a_list_that_holds_an_id_twice_comes_back_with_both(database: Documents) -> None:
    read = permission()
    support = role(permissionsIds=[read["_id"], ObjectId(), read["_id"]])
    database["Role"].insert_one(dict(support))
    was = database["Role"].find_one()
    draft = Draft()
    draft.take("Role", [support], "permissionsIds", [read["_id"]])

    event = carry_out(draft).event

    assert read["_id"] not in database["Role"].find_one()["permissionsIds"]
    undo(database, event)
    assert database["Role"].find_one() == was


def test_two_who_add_different_ids_to_one_list_do_not_stand_in_each_others_way(database: Documents) -> None:
    support, read, write = role(), permission("user.read"), permission("user.write")
    database["Role"].insert_one(dict(support))
    database["Permission"].insert_many([dict(read), dict(write)])
    drafts = Draft(), Draft()
    for draft, one in zip(drafts, (read, write), strict=True):
        draft.link(ROLE_PERMISSIONS, [database["Role"].find_one()], [one])
    for draft in drafts:
        carry_out(draft)
    assert sorted(database["Role"].find_one()["permissionsIds"]) == sorted([read["_id"], write["_id"]])


def test_more_ids_than_all_is_good_for_are_guarded_too(database: Documents, request: pytest.FixtureRequest) -> None:
    if "mongomock" in request.node.name:
        return  # it has no $setIsSubset
    many = [ObjectId() for _ in range(500)]
    support = role(userIds=list(many))
    database["Role"].insert_one(dict(support))
    planned = [Draft(), Draft()]
    for draft in planned:
        draft.take("Role", [dict(support)], "userIds", many[:300])
    carry_out(planned[0])
    assert database["Role"].find_one()["userIds"] == many[300:]
    with pytest.raises(ChangedMeanwhileError):
        carry_out(planned[1])


def test_a_list_that_would_not_fit_into_a_document_is_refused_before_anything_is_written() -> None:
    support = role(userIds=[ObjectId()] * 650_000)
    with pytest.raises(TooManyLinksError, match="650,001"):
        Draft().add("Role", [support], "userIds", [ObjectId()])


def test_many_users_get_a_role_with_one_change_of_them_and_one_of_the_role() -> None:
    users = [{"_id": ObjectId(), "rolesIds": []} for _ in range(900)]
    draft = Draft()
    draft.link(USER_ROLES, users, [role()])
    assert [len(change.ids) for change in draft.changes] == [900, 1]


def test_a_parent_that_got_a_child_meanwhile_is_not_deleted(database: Documents) -> None:
    ada = {"_id": ObjectId(), "email": "ada@example.org", "username": "ada"}
    database["User"].insert_one(dict(ada))
    draft = Draft()
    draft.delete("User", ada)
    database["Message"].insert_one({"_id": ObjectId(), "senderId": ada["_id"]})

    with pytest.raises(ChangedMeanwhileError, match="user ada has got a message meanwhile"):
        carry_out(draft)

    assert database["User"].count_documents({}) == 1


def test_a_name_that_is_taken_is_a_conflict_that_says_so(database: Documents) -> None:
    first, second = Draft(), Draft()
    first.insert("Role", role())
    second.insert("Role", role())
    carry_out(first)
    with pytest.raises(ChangedMeanwhileError, match="role support exists already"):
        carry_out(second)
    assert database["Role"].count_documents({}) == 1


def test_a_name_given_up_in_a_batch_can_be_taken_in_it(database: Documents) -> None:
    old, gone = role("helpdesk"), role("support")
    draft = Draft()
    draft.insert("Role", old)
    draft.insert("Role", gone)
    carry_out(draft)
    draft = Draft()
    draft.insert("Role", role("helpdesk"))
    draft.set("Role", old, {"name": "support"})
    draft.delete("Role", gone)
    carry_out(draft)
    assert {document["name"] for document in database["Role"].find()} == {"support", "helpdesk"}


def test_an_undo_refuses_what_was_changed_since_unless_forced(database: Documents) -> None:
    support = role()
    draft = Draft()
    draft.insert("Role", dict(support))
    event = carry_out(draft).event
    database["Role"].update_one({"_id": support["_id"]}, {"$set": {"name": "desk"}})

    with pytest.raises(ChangedSinceError, match=r"was changed \(name\) since"):
        undo(database, event)

    undo(database, event, force=True)
    assert database["Role"].count_documents({}) == 0


def test_a_forced_undo_leaves_no_link_to_what_is_gone(database: Documents) -> None:
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

    with pytest.raises(ChangedSinceError, match="was deleted since"):
        undo(database, event)
    undo(database, event, force=True)

    assert database["Role"].find_one()["permissionsIds"] == [write["_id"]]
    assert database["Permission"].find_one()["rolesIds"] == [support["_id"]]


def test_an_undo_computes_anew_what_moved_since_and_restores_what_did_not(database: Documents) -> None:
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


def test_an_undo_keeps_types_and_fields_nobody_knows(database: Documents) -> None:
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


@pytest.mark.parametrize("odd", ["$a", "a.b", ""])
def test_fields_whose_names_a_filter_would_misread_are_guarded_too(
    database: Documents, request: pytest.FixtureRequest, odd: str
) -> None:
    if "mongomock" in request.node.name:
        return  # it has no $getField
    support = role(**{odd: 1})
    database["Role"].insert_one(dict(support))
    for planned in ({**support, odd: 2}, support):
        draft = Draft()
        draft.delete("Role", planned)
        if planned is not support:
            with pytest.raises(ChangedMeanwhileError):
                carry_out(draft)
    undo(database, carry_out(draft).event)
    assert database["Role"].find_one() == support


def test_no_secret_gets_into_the_trail_and_all_of_it_into_what_an_undo_needs(database: Documents) -> None:
    draft = Draft()
    draft.insert("User", {"_id": ObjectId(), "username": "ada", "email": "a@b.c", "hashedPassword": "$2b$12$geheim"})
    draft.insert("Account", {"_id": ObjectId(), "provider": "x", "providerAccountId": "1", "access_token": "geheim"})
    carry_out(draft)
    assert "geheim" not in str(list(database[AUDIT].find()))
    assert str(list(database[IMAGES].find())).count("geheim") == 2


def test_however_long_names_and_commands_are_the_trail_holds_them(database: Documents) -> None:
    many = [ObjectId() for _ in range(900)]
    support = role(_id="an id of another type")
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.add("Role", [support], "permissionsIds", many)
    names = draft.names | dict.fromkeys(many, "x" * 20_000)
    event = apply(Changeset("x" * 20_000_000, [], draft.batches, names=names)).event
    kept = database[AUDIT].find({"$or": [{"_id": event}, {"event": event}]})
    assert max(len(bson.encode(document)) for document in kept) < 2 * 1024 * 1024


def test_a_document_of_very_many_fields_fits_into_the_trail(database: Documents) -> None:
    support = role(**{f"f{number}": number for number in range(100_000)})
    draft = Draft()
    draft.insert("Role", support)
    event = carry_out(draft).event
    kept = [len(bson.encode(document)) for document in database[AUDIT].find({"event": event})]
    assert max(kept) < 3_000_000 < sum(kept)


def test_work_that_fails_half_way_is_interrupted_at_once(database: Documents) -> None:
    support = role()
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.add("Role", [dict(support)], "userIds", [ObjectId()])
    draft.room(1000)
    draft.set("Role", {**support, "name": "another"}, {"name": "helpdesk"})
    with pytest.raises(ChangedMeanwhileError) as refused:
        carry_out(draft)
    event = database[AUDIT].find_one({"kind": "event"})["_id"]
    assert str(event) in str(refused.value.hint)
    assert "renewed" not in database[STATE].find_one({"_id": lease(event)})
    assert database["Role"].find_one()["name"] == "support"


@pytest.mark.parametrize("gone", [{"batch": 1}, {"batch": 3}, {}], ids=["middle", "last", "all"])
def test_what_is_kept_of_an_event_only_in_part_is_not_undone(database: Documents, gone: dict[str, Any]) -> None:
    draft = Draft()
    support = role()
    draft.insert("Role", support)
    for _ in range(3):
        draft.room(1000)
        draft.add("Role", [support], "userIds", [ObjectId()])
    event = carry_out(draft).event
    assert len(undoing.images(database, event)) == 4
    database[IMAGES].delete_many({"event": event, **gone})
    assert undoing.images(database, event) == []


def test_an_undo_brings_nothing_back_without_the_document_it_needs(database: Documents) -> None:
    ada = {"_id": ObjectId(), "email": "ada@example.org", "username": "ada"}
    account = {"_id": ObjectId(), "provider": "x", "providerAccountId": "1", "userId": ada["_id"]}
    database["User"].insert_one(ada)
    database["Account"].insert_one(dict(account))
    draft = Draft()
    draft.delete("Account", account)
    event = carry_out(draft).event
    database["User"].delete_one({})

    with pytest.raises(ChangedSinceError, match="was deleted since"):
        undo(database, event)
    undo(database, event, force=True)
    assert database["Account"].count_documents({}) == 0

    database["User"].insert_one(ada)
    undo(database, event)
    assert database["Account"].find_one() == account


def test_work_in_several_batches_has_a_start_and_an_end_and_is_undone_backwards(database: Documents) -> None:
    draft = Draft()
    support = role()
    draft.insert("Role", support)
    for number in range(3):
        draft.room(1000)
        draft.add("Role", [support], "userIds", [ObjectId() for _ in range(number + 1)])
    outcome = carry_out(draft)
    kinds = [
        document["kind"]
        for document in database[AUDIT].find({"$or": [{"_id": outcome.event}, {"event": outcome.event}]})
    ]
    assert sorted(kinds) == ["end", "event", "part", "part", "part", "part"]
    assert database[STATE].count_documents({}) == 0
    assert len(database["Role"].find_one()["userIds"]) == 6
    undo(database, outcome.event)
    assert database["Role"].count_documents({}) == 0


def test_a_changeset_without_changes_leaves_no_trace(database: Documents) -> None:
    assert carry_out(Draft()).event is None
    assert database.list_collection_names() == []


class Confirmed(Watch):
    """Somebody who has said yes to one plan and to no other."""

    def accepts(self, again: Changeset) -> bool:
        return again is None


def test_a_plan_made_anew_after_a_conflict_takes_the_place_of_the_first_but_not_of_what_was_confirmed(
    database: Documents,
) -> None:
    def plan(name: str) -> Draft:
        draft = Draft()
        draft.insert("Role", role(name))
        return draft

    carry_out(plan("support"))
    again = changeset(plan("desk"))
    first = changeset(plan("support"))
    first.replan = lambda: again
    with pytest.raises(ChangedMeanwhileError):
        apply(first, watch=Confirmed())
    assert apply(first).changeset is again
    first.replan = lambda: changeset(Draft())
    assert apply(first, watch=Confirmed()).event is None


def test_only_a_change_meanwhile_is_a_reason_to_plan_anew() -> None:
    def busy(_: object) -> None:
        raise BusyError

    draft = Draft()
    draft.insert("Role", role())
    stuck = changeset(draft)
    stuck.rules = [Rule("a lock", busy)]
    stuck.replan = lambda: pytest.fail("planned anew")
    with pytest.raises(BusyError):
        apply(stuck)


IDS = [ObjectId(f"{number:024x}") for number in range(1, 10)]
PEOPLE = {"User": IDS[:3], "Role": IDS[3:6], "Permission": IDS[6:]}


def lists(link: Link, side: str) -> st.SearchStrategy[Any]:
    """Any state a list of links can be in: as it should be, absent, null, one-sided, dangling, an id twice."""
    known = PEOPLE[link.other if side == "left" else link.collection]
    return st.one_of(st.just(ABSENT), st.none(), st.lists(st.sampled_from([*known, ObjectId("f" * 24)]), max_size=4))


@st.composite
def databases(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for collection, identifiers in PEOPLE.items():
        found[collection] = []
        for identifier in draw(st.lists(st.sampled_from(identifiers), unique=True)):
            document: dict[str, Any] = {"_id": identifier, "name": f"{collection}{identifier}"}
            document |= {"email": f"{identifier}@x.y", "username": str(identifier)} if collection == "User" else {}
            for link in (USER_ROLES, ROLE_PERMISSIONS):
                for side, place, field in (("left", link[0], link[1]), ("right", link[2], link[3])):
                    if place == collection and (value := draw(lists(link, side))) is not ABSENT:
                        document[field] = value
            found[collection].append(document)
    return found


STEP = st.tuples(
    st.sampled_from(["link", "unlink", "rename", "create", "delete"]),
    st.sampled_from([USER_ROLES, ROLE_PERMISSIONS]),
    st.sets(st.integers(0, 2), min_size=1),
    st.sets(st.integers(0, 2), min_size=1),
)


def draft_of(database: Documents, step: Any) -> Draft:
    """Plan one random change against what is there now, as an action would."""
    verb, link, left, right = step
    draft = Draft()
    lefts = [
        document
        for i in sorted(left)
        if (document := database[link.collection].find_one({"_id": PEOPLE[link.collection][i]}))
    ]
    rights = [
        document for i in sorted(right) if (document := database[link.other].find_one({"_id": PEOPLE[link.other][i]}))
    ]
    if verb == "link":
        draft.link(link, lefts, rights)
    elif verb == "unlink":
        draft.unlink(link, lefts, rights)
    elif verb == "rename":
        for document in lefts:
            draft.set(link.collection, document, {"name": f"{document.get('name')}!", "new": None})
    elif verb == "delete":
        for document in lefts:
            others = list(database[link.other].find({link.other_field: document["_id"]}))
            draft.take(link.other, others, link.other_field, [document["_id"]])
            draft.delete(link.collection, document)
            break
    else:
        missing = [PEOPLE["Role"][i] for i in left if not database["Role"].find_one({"_id": PEOPLE["Role"][i]})]
        for identifier in missing:
            draft.insert("Role", role(f"new {identifier}", _id=identifier))
    return draft


EITHER = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EITHER
@given(start=databases(), steps=st.lists(STEP, max_size=6))
def test_any_changes_undone_in_reverse_order_give_the_database_back(
    database: Documents, start: dict[str, list[dict[str, Any]]], steps: list[Any]
) -> None:
    for collection, documents in start.items():
        database[collection].delete_many({})
        if documents:
            database[collection].insert_many([dict(document) for document in documents])
    was = stored(database)
    events = [outcome.event for step in steps if (outcome := carry_out(draft_of(database, step))).event]
    for event in reversed(events):
        undo(database, event)
    assert stored(database) == was


@EITHER
@given(steps=st.lists(STEP.filter(lambda step: step[0] != "delete"), max_size=8), undone=st.integers(0, 8))
def test_links_stay_two_sided(database: Documents, steps: list[Any], undone: int) -> None:
    for collection, identifiers in PEOPLE.items():
        database[collection].delete_many({})
        database[collection].insert_many(
            [{"_id": i, "name": str(i), "email": str(i), "username": str(i)} for i in identifiers]
        )
    events = [outcome.event for step in steps if (outcome := carry_out(draft_of(database, step))).event]
    for event in events[::-1][:undone]:
        undo(database, event)
    for link in LINKS[:2]:
        assert pairs(database, link.collection, link.field) == {
            (left, right) for right, left in pairs(database, link.other, link.other_field)
        }


def pairs(database: Documents, collection: str, field: str) -> set[tuple[Any, Any]]:
    return {(document["_id"], item) for document in database[collection].find() for item in document.get(field) or ()}


def test_a_change_is_described_before_it_is_done() -> None:
    support, read = role(), permission()
    draft = Draft()
    draft.link(ROLE_PERMISSIONS, [support], [read])
    draft.set("Role", support, {"name": "helpdesk"})
    described = changeset(draft)
    assert described.summary() == ["change 1 role", "change 1 permission"]
    assert list(described.lines()) == [
        "~ Role support: permissionsIds +user.read",
        "~ Permission user.read: rolesIds +support",
        "~ Role support: name support -> helpdesk",
    ]
    assert all(isinstance(change, Update) for change in described.changes)
