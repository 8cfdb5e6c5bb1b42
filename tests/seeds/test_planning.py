"""What a seed changes in a database, and how its plan shows these changes."""

from collections.abc import Callable
from typing import Any

import pytest
from bson import ObjectId

from database.errors import ConflictError
from seeds.planning import plan
from seeds.seed import Seed

Seeds = Callable[[str], Seed]
Grow = Callable[..., Any]
Granted = Callable[[], dict[str, list[str]]]
Everything = Callable[[], dict[str, list[Any]]]
Member = Callable[..., ObjectId]


def test_an_empty_database_gets_what_the_seed_names(here: Any, grow: Grow, granted: Granted, start: str) -> None:
    outcome = grow(start)
    assert outcome.event is not None
    assert granted() == {
        "viewer": ["user.read"],
        "support": ["user.read", "user.suspend"],
        "moderator": ["message.delete", "message.read", "user.read"],
        "admin": ["message.delete", "message.read", "user.read", "user.suspend"],
    }
    role = here.Role.find_one({"name": "viewer"})
    assert list(role) == ["_id", "name", "userIds", "permissionsIds"]
    assert list(here.Permission.find_one()) == ["_id", "name", "rolesIds"]
    admin = here.Role.find_one({"name": "admin"})
    assert here.chatctl_state.find_one({"_id": "protected-roles"})["ids"] == [admin["_id"]]
    owned = here.chatctl_state.find_one({"_id": "seed:default"})
    assert sorted(owned["roles"]) == sorted(document["_id"] for document in here.Role.find())
    assert sorted(owned["permissions"]) == sorted(document["_id"] for document in here.Permission.find())


def test_a_second_apply_writes_nothing_at_all(grow: Grow, everything: Everything, start: str) -> None:
    grow(start)
    before = everything()
    assert grow(start).event is None
    assert everything() == before


def test_planning_writes_nothing(seed: Seeds, everything: Everything, start: str) -> None:
    made = plan(seed(start))
    assert made.differs
    assert made.changeset.batches
    assert everything() == {}


def test_a_role_gets_exactly_what_the_seed_says_in_one_update(grow: Grow, granted: Granted, start: str) -> None:
    grow(start)
    outcome = grow("permissions: [user.read, user.suspend]\nroles: [{name: viewer, permissions: [user.suspend]}]")
    assert granted()["viewer"] == ["user.suspend"]
    assert granted()["admin"] == ["message.delete", "message.read", "user.read", "user.suspend"]
    updates = [change for change in outcome.changeset.changes if change.collection == "Role"]
    assert len(updates) == 1


def test_data_that_a_seed_does_not_mention_is_kept(grow: Grow, granted: Granted, start: str) -> None:
    grow(start)
    before = granted()
    assert grow("permissions: []\nroles: [{name: support}, {name: admin}]").event is None
    assert granted() == before
    grow("permissions: [user.read]\nroles: [{name: support, permissions: []}]")
    assert granted() == {**before, "support": []}


def test_changes_made_by_hand_are_shown_and_repaired(
    here: Any, grow: Grow, seed: Seeds, granted: Granted, start: str
) -> None:
    grow(start)
    read_id = here.Permission.find_one({"name": "user.read"})["_id"]
    here.Role.update_one({"name": "viewer"}, {"$pull": {"permissionsIds": read_id}})
    assert list(plan(seed(start)).lines()) == ["~ role viewer", "    + user.read", "Plan: change 1 role."]
    grow(start)
    assert granted()["viewer"] == ["user.read"]


def test_a_one_sided_link_is_repaired_as_the_seed_says(
    here: Any, grow: Grow, seed: Seeds, granted: Granted, start: str
) -> None:
    grow(start)
    viewer = here.Role.find_one({"name": "viewer"})["_id"]
    here.Permission.update_one({"name": "user.read"}, {"$pull": {"rolesIds": viewer}})
    here.Permission.update_one({"name": "message.read"}, {"$push": {"rolesIds": viewer}})
    assert list(plan(seed(start)).lines()) == [
        "~ role viewer",
        "    repairs 2 one-sided links",
        "Plan: change 1 role.",
    ]
    grow(start)
    assert granted()["viewer"] == ["user.read"]


def test_absent_and_null_lists_and_dangling_ids_are_accepted(here: Any, grow: Grow, start: str) -> None:
    gone = ObjectId()
    here.Role.insert_many([{"name": "viewer"}, {"name": "support", "permissionsIds": None, "unknown": {"kept": 1}}])
    here.Role.insert_one({"name": "admin", "permissionsIds": [gone, "text"], "userIds": []})
    here.Permission.insert_one({"name": "user.read", "rolesIds": None})
    grow(start)
    assert here.Role.find_one({"name": "support"})["unknown"] == {"kept": 1}
    admin = here.Role.find_one({"name": "admin"})
    assert admin["permissionsIds"][:2] == [gone, "text"]
    assert len(admin["permissionsIds"]) == 6
    assert len(here.Permission.find_one({"name": "user.read"})["rolesIds"]) == 4
    assert grow(start).event is None


def test_broken_documents_are_ignored_or_refused_by_name(here: Any, grow: Grow, start: str) -> None:
    odd: list[Any] = [{"a": 1}, "text", 5]
    for collection, field in (("Role", "permissionsIds"), ("Permission", "rolesIds"), ("User", "rolesIds")):
        here[collection].insert_many([{"_id": value, "name": value, field: value} for value in odd])
        here[collection].insert_many([{"name": [], field: [None, {"a": 1}, "x"]}, {"name": None, field: {}}, {}])
    here.chatctl_state.insert_many([{"_id": "protected-roles", "ids": 5}, {"_id": "seed:default", "roles": [{}]}])
    grow(start, prune=True)
    role = here.Role.find_one({"name": "viewer"})
    users = [{"_id": value, "email": str(value), "username": str(value)} for value in odd]
    here.User.delete_many({})
    here.User.insert_many([{**user, "rolesIds": [role["_id"]]} for user in users])
    grow(start.replace("{name: viewer, permissions: [user.read]}", "{name: viewer, permissions: []}"))
    assert here.Role.find_one({"name": "viewer"})["permissionsIds"] == []
    for kind in ("permissions: ['text']", "permissions: []\nroles: [{name: 'text'}]"):
        with pytest.raises(ConflictError, match=r'the (role|permission) "text" is not an ObjectId'):
            grow(kind)
    here.User.update_one({"_id": "text"}, {"$set": {"email": "t@x.org"}})
    with pytest.raises(ConflictError, match=r'the id of the user "t@x\.org" is not an ObjectId'):
        grow("permissions: []\nusers: [{email: t@x.org, username: text}]")


def test_the_plan_says_what_would_change(grow: Grow, seed: Seeds, start: str) -> None:
    grow(start)
    made = plan(
        seed("""
            permissions: [user.read, message.read, message.delete, user.ban]
            roles:
              - {name: moderator, protected: true, permissions: [message.read, user.ban]}
              - {name: helper, permissions: [user.read]}
              - {name: viewers, renamed_from: viewer}
        """)
    )
    assert list(made.lines()) == [
        "+ permission user.ban",
        "~ role moderator",
        "    + protected",
        "    + user.ban",
        "    - message.delete",
        "    - user.read",
        "+ role helper",
        "    + user.read",
        "~ role viewers",
        "    was viewer",
        "Plan: create 1 permission, 1 role; change 2 roles.",
    ]
    nobody: dict[str, Any] = {"users": 0, "gain": {}, "lose": {}}
    assert made.document()["changes"][1:] == [
        {
            "action": "change",
            "kind": "role",
            "name": "moderator",
            "before": {
                "name": "moderator",
                "permissions": ["message.delete", "message.read", "user.read"],
                "protected": False,
            },
            "after": {"name": "moderator", "permissions": ["message.read", "user.ban"], "protected": True},
            "affected": nobody,
        },
        {
            "action": "create",
            "kind": "role",
            "name": "helper",
            "before": None,
            "after": {"name": "helper", "permissions": ["user.read"], "protected": False},
            "affected": nobody,
        },
        {
            "action": "change",
            "kind": "role",
            "name": "viewers",
            "before": {"name": "viewer", "permissions": ["user.read"], "protected": False},
            "after": {"name": "viewers", "permissions": ["user.read"], "protected": False},
            "affected": nobody,
        },
    ]
    assert made.changeset.asks


def test_a_user_who_keeps_a_permission_through_another_role_does_not_lose_it(
    grow: Grow, seed: Seeds, member: Member, start: str
) -> None:
    grow(start)
    member("ada", "viewer", "moderator")
    for name in ("ben", "cat", "dan"):
        member(name, "moderator")
    member("eve", "support")
    made = plan(seed("permissions: [user.read, message.read]\nroles: [{name: moderator, permissions: [message.read]}]"))
    assert list(made.lines()) == [
        "~ role moderator",
        "    - message.delete",
        "    - user.read",
        "    4 users lose message.delete",
        "    3 users lose user.read",
        "Plan: change 1 role.",
    ]
    (change,) = made.document()["changes"]
    assert change["affected"] == {"users": 4, "gain": {}, "lose": {"message.delete": 4, "user.read": 3}}


def test_users_who_gain_a_permission_are_counted(grow: Grow, seed: Seeds, member: Member, start: str) -> None:
    grow(start)
    member("ada", "viewer")
    member("ben", "viewer", "admin")
    made = plan(seed("permissions: [user.read, user.suspend]\nroles: [{name: viewer, permissions: ['*']}]"))
    assert list(made.lines())[:3] == ["~ role viewer", "    + user.suspend", "    1 user gains user.suspend"]
    assert not made.changeset.asks


def test_a_renamed_role_keeps_its_members(here: Any, grow: Grow, member: Member) -> None:
    grow("permissions: [a]\nroles: [{name: helpdesk, permissions: [a]}]")
    ada = member("ada", "helpdesk")
    before = here.Role.find_one({"name": "helpdesk"})
    renaming = "permissions: [a]\nroles: [{name: support, renamed_from: helpdesk, permissions: [a]}]"
    grow(renaming)
    assert list(here.Role.find()) == [{**before, "name": "support"}]
    assert here.User.find_one({"_id": ada})["rolesIds"] == [before["_id"]]
    assert grow(renaming).event is None


def test_a_role_is_not_renamed_to_an_existing_name(grow: Grow, everything: Everything) -> None:
    grow("permissions: []\nroles: [{name: helpdesk}, {name: support}]")
    before = everything()
    with pytest.raises(ConflictError, match='role "helpdesk" cannot be renamed to "support": both exist'):
        grow("permissions: []\nroles: [{name: support, renamed_from: helpdesk}]")
    assert everything() == before


def test_a_name_that_two_documents_have_is_a_conflict(here: Any, grow: Grow, start: str) -> None:
    here.Role.insert_many([{"name": "viewer"}, {"name": "viewer"}])
    with pytest.raises(ConflictError, match='2 roles with the name "viewer"'):
        grow(start)
