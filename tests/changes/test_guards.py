"""If the database does not have the values that a plan expects, this is a conflict, and nothing is written."""

from typing import Any

import pytest
from bson import ObjectId
from samples import Documents, carry_out, changeset, permission, role, stored, undo

from changes import ABSENT, ChangedMeanwhileError, Changeset, Draft, Rule, Watch, apply
from changes.draft import BATCH
from changes.id_lists import TooManyLinksError
from changes.operations import operations
from changes.transactions import BusyError
from database import connection
from models.links import ROLE_PERMISSIONS, USER_ROLES

pytestmark = pytest.mark.usefixtures("either")


def test_a_document_that_changed_after_the_plan_is_a_conflict_and_nothing_is_written(database: Documents) -> None:
    support, read = role(), permission()
    database["Role"].insert_one(dict(support))
    database["Permission"].insert_one(dict(read))
    draft = Draft()
    draft.set("Role", support, {"name": "helpdesk"})
    draft.set("Permission", read, {"name": "user.view"})
    database["Role"].update_one({"_id": support["_id"]}, {"$set": {"name": "desk"}})

    with pytest.raises(ChangedMeanwhileError, match="role support was changed while this command ran"):
        carry_out(draft)

    assert database["Role"].find_one()["name"] == "desk"
    assert database["Permission"].find_one()["name"] == "user.read"


@pytest.mark.parametrize("meanwhile", [{"extra": 2}, {"extra": None}, {}], ids=str)
def test_expected_fields_are_guarded_but_not_written(database: Documents, meanwhile: dict[str, Any]) -> None:
    support = role()
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.set("Role", support, {"name": "helpdesk"}, expected=("extra", "updatedAt"))
    database["Role"].update_one({"_id": support["_id"]}, {"$set": {"updatedAt": 1, **meanwhile}})
    if meanwhile:
        with pytest.raises(ChangedMeanwhileError, match="role support was changed while this command ran"):
            carry_out(draft)
        return
    event = carry_out(draft).event
    assert event is not None
    database["Role"].update_one({"_id": support["_id"]}, {"$set": {"extra": 3}})
    undo(database, event)
    assert database["Role"].find_one()["name"] == "support"


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
def test_a_delete_guards_every_field_and_distinguishes_absent_from_null(
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
def test_a_set_distinguishes_a_value_from_a_list_that_contains_it(
    database: Documents, planned: Any, found: Any
) -> None:
    support = role(name=planned)
    database["Role"].insert_one(
        {field: value for field, value in {**support, "name": found}.items() if value != ABSENT}
    )
    draft = Draft()
    draft.set("Role", support, {"name": "helpdesk"})
    with pytest.raises(ChangedMeanwhileError):
        carry_out(draft)


def test_fields_that_the_application_changes_often_are_not_compared(database: Documents) -> None:
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
def test_a_link_to_a_list_in_any_state_can_be_added_and_undone_exactly(database: Documents, before: Any) -> None:
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


@pytest.mark.parametrize("before", [[], ABSENT], ids=["empty", "absent"])
def test_an_id_that_was_added_after_the_plan_is_a_conflict_and_not_added_twice(
    database: Documents, before: Any
) -> None:
    support = {**role(), "userIds": before}
    support = {name: value for name, value in support.items() if value is not ABSENT}
    database["Role"].insert_one(dict(support))
    ada, bob = ObjectId(), ObjectId()
    draft = Draft()
    draft.add("Role", [support], "userIds", [ada, bob])
    database["Role"].update_one({"_id": support["_id"]}, {"$push": {"userIds": bob}})
    with pytest.raises(ChangedMeanwhileError, match="role support was changed while this command ran"):
        carry_out(draft)
    assert database["Role"].find_one()["userIds"] == [bob]


def test_a_link_to_absent_null_and_broken_lists_can_be_added_and_undone(database: Documents) -> None:
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


def test_an_undo_restores_a_list_that_contains_an_id_twice(database: Documents) -> None:
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


def test_two_writes_that_add_different_ids_to_one_list_do_not_conflict(database: Documents) -> None:
    support, read, write = role(), permission("user.read"), permission("user.write")
    database["Role"].insert_one(dict(support))
    database["Permission"].insert_many([dict(read), dict(write)])
    drafts = Draft(), Draft()
    for draft, one in zip(drafts, (read, write), strict=True):
        draft.link(ROLE_PERMISSIONS, [database["Role"].find_one()], [one])
    for draft in drafts:
        carry_out(draft)
    assert sorted(database["Role"].find_one()["permissionsIds"]) == sorted([read["_id"], write["_id"]])


def test_a_list_too_large_for_a_document_is_refused_before_anything_is_written() -> None:
    support = role(userIds=[ObjectId()] * 650_000)
    with pytest.raises(TooManyLinksError, match="650,001"):
        Draft().add("Role", [support], "userIds", [ObjectId()])


def test_a_document_can_be_deleted_after_removing_an_id_it_never_had(database: Documents) -> None:
    support = role()
    database["Role"].insert_one(dict(support))
    draft = Draft()
    draft.take("Role", [support], "userIds", [ObjectId()])
    draft.delete("Role", support)
    carry_out(draft)
    assert database["Role"].count_documents({}) == 0


def test_many_users_get_a_role_with_one_change_for_the_users_and_one_for_the_role() -> None:
    users = [{"_id": ObjectId(), "rolesIds": []} for _ in range(900)]
    draft = Draft()
    draft.link(USER_ROLES, users, [role()])
    assert [len(change.ids) for change in draft.changes] == [900, 1]


def test_a_parent_with_a_new_child_is_not_deleted(database: Documents) -> None:
    ada = {"_id": ObjectId(), "email": "ada@example.org", "username": "ada"}
    database["User"].insert_one(dict(ada))
    draft = Draft()
    draft.delete("User", ada)
    database["Message"].insert_one({"_id": ObjectId(), "senderId": ada["_id"]})

    with pytest.raises(ChangedMeanwhileError, match="user ada got a new message while this command ran"):
        carry_out(draft)

    assert database["User"].count_documents({}) == 1


def test_a_unique_name_that_another_document_has_is_a_conflict(database: Documents) -> None:
    first, second = Draft(), Draft()
    first.insert("Role", role())
    second.insert("Role", role())
    carry_out(first)
    with pytest.raises(ChangedMeanwhileError, match="role support already exists"):
        carry_out(second)
    assert database["Role"].count_documents({}) == 1


def test_a_batch_can_delete_a_name_and_insert_it_again(database: Documents) -> None:
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


class Confirmed(Watch):
    """A `Watch` for a user who has confirmed one plan and accepts no other plan."""

    def accepts(self, again: Changeset) -> bool:
        return again is None


def test_a_new_plan_after_a_conflict_replaces_the_first_plan_but_not_a_confirmed_plan(
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
    # Without transactions, the first plan may be partly written, so the error names the event of this plan.
    whole = connection.transactions()
    assert (apply(first).changeset is again) is whole
    first.replan = lambda: changeset(Draft())
    assert (apply(first, watch=Confirmed()).event is None) is whole


def test_an_error_about_a_busy_database_causes_no_new_plan() -> None:
    def busy(_: object) -> None:
        raise BusyError

    draft = Draft()
    draft.insert("Role", role())
    stuck = changeset(draft)
    stuck.rules = [Rule("a lock", busy)]
    stuck.replan = lambda: pytest.fail("planned again")
    with pytest.raises(BusyError):
        apply(stuck)


def test_a_field_of_many_documents_is_set_by_one_change_with_few_ids_in_each_filter(database: Documents) -> None:
    old, new = ObjectId(), ObjectId()
    accounts: list[dict[str, Any]] = [{"_id": ObjectId(), "userId": old} for _ in range(250)]
    accounts += [{"_id": ObjectId(), "userId": str(old)}, {"_id": ObjectId(), "userId": new}, {"_id": ObjectId()}]
    database["Account"].insert_many([dict(account) for account in accounts])
    draft = Draft()
    draft.set_each("Account", accounts, "userId", new)
    assert [len(change.ids) for change in draft.changes] == [250, 1, 1]
    assert [len(list(operations(change))) for change in draft.changes] == [3, 1, 1]
    before = list(database["Account"].find())
    event = carry_out(draft).event
    assert database["Account"].count_documents({"userId": new}) == len(accounts)
    assert event is not None
    undo(database, event)
    assert list(database["Account"].find()) == before


def test_a_document_with_several_changes_counts_once_in_its_batch() -> None:
    draft = Draft()
    one, other = role(), role()
    draft.add("Role", [one, other], "userIds", [ObjectId()])
    draft.set_each("Role", [one], "name", "helpdesk")
    assert changeset(draft).total == 2
    draft.reserve(BATCH - 2)
    assert len(draft.batches) == 1
    draft.reserve(BATCH - 1)
    assert len(draft.batches) == 2
