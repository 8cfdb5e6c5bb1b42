"""What applying a seed does to a database, and what its plan says of it beforehand."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import monitoring

from models import connection
from models.changes import apply
from models.errors import ConflictError, RefusedError, UsageError
from seeds.planning import Options, plan
from seeds.reading import read
from seeds.seed import Seed

Grow = Callable[..., Any]
START = """
    permissions: [user.read, user.suspend, message.read, message.delete]
    roles:
      - {name: viewer, permissions: [user.read]}
      - {name: support, extends: [viewer], permissions: [user.suspend]}
      - {name: moderator, permissions: ["message.*", user.read]}
      - {name: admin, protected: true, permissions: ["*"]}
"""


def granted(database: Any) -> dict[str, list[str]]:
    """Read what each role allows, after seeing that both sides of every link say so."""
    names = {document["_id"]: document["name"] for document in database.Permission.find()}
    links = {(role["_id"], item) for role in database.Role.find() for item in role["permissionsIds"]}
    assert links == {
        (item, permission["_id"]) for permission in database.Permission.find() for item in permission["rolesIds"]
    }
    return {role["name"]: sorted(names[item] for item in role["permissionsIds"]) for role in database.Role.find()}


def everything(database: Any) -> dict[str, list[Any]]:
    return {name: list(database[name].find().sort("_id")) for name in sorted(database.list_collection_names())}


def member(database: Any, name: str, *roles: str, status: str = "ACTIVE") -> ObjectId:
    """Let somebody join who has roles, linked on both sides."""
    held = [role["_id"] for role in database.Role.find({"name": {"$in": list(roles)}})]
    user = {"email": f"{name}@example.org", "username": name, "status": status, "rolesIds": held}
    identifier: ObjectId = database.User.insert_one(user).inserted_id
    database.Role.update_many({"_id": {"$in": held}}, {"$push": {"userIds": identifier}})
    return identifier


def test_an_empty_database_gets_what_the_seed_names(here: Any, grow: Grow) -> None:
    outcome = grow(START)
    assert outcome.event is not None
    assert granted(here) == {
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


def test_a_second_apply_writes_nothing_at_all(here: Any, grow: Grow) -> None:
    grow(START)
    before = everything(here)
    assert grow(START).event is None
    assert everything(here) == before


def test_planning_writes_nothing(here: Any, seed: Callable[[str], Seed]) -> None:
    made = plan(seed(START))
    assert made.differs
    assert made.changeset.batches
    assert everything(here) == {}


def test_a_role_gets_exactly_what_the_seed_says_in_one_update(here: Any, grow: Grow) -> None:
    grow(START)
    outcome = grow("permissions: [user.read, user.suspend]\nroles: [{name: viewer, permissions: [user.suspend]}]")
    assert granted(here)["viewer"] == ["user.suspend"]
    assert granted(here)["admin"] == ["message.delete", "message.read", "user.read", "user.suspend"]
    updates = [change for change in outcome.changeset.changes if change.collection == "Role"]
    assert len(updates) == 1


def test_what_a_seed_does_not_mention_stays(here: Any, grow: Grow) -> None:
    grow(START)
    before = granted(here)
    assert grow("permissions: []\nroles: [{name: support}, {name: admin}]").event is None
    assert granted(here) == before
    grow("permissions: [user.read]\nroles: [{name: support, permissions: []}]")
    assert granted(here) == {**before, "support": []}


def test_a_drift_is_shown_and_mended(here: Any, grow: Grow, seed: Callable[[str], Seed]) -> None:
    grow(START)
    read_id = here.Permission.find_one({"name": "user.read"})["_id"]
    here.Role.update_one({"name": "viewer"}, {"$pull": {"permissionsIds": read_id}})
    assert list(plan(seed(START)).lines()) == ["~ role viewer", "    + user.read", "Plan: change 1 role."]
    grow(START)
    assert granted(here)["viewer"] == ["user.read"]


def test_a_link_that_one_side_alone_has_is_mended_whichever_way_the_seed_says(
    here: Any, grow: Grow, seed: Callable[[str], Seed]
) -> None:
    grow(START)
    viewer = here.Role.find_one({"name": "viewer"})["_id"]
    here.Permission.update_one({"name": "user.read"}, {"$pull": {"rolesIds": viewer}})
    here.Permission.update_one({"name": "message.read"}, {"$push": {"rolesIds": viewer}})
    assert list(plan(seed(START)).lines()) == [
        "~ role viewer",
        "    mends 2 links that one side alone has",
        "Plan: change 1 role.",
    ]
    grow(START)
    assert granted(here)["viewer"] == ["user.read"]


def test_lists_that_are_absent_or_null_and_ids_that_dangle_are_taken_as_they_are(here: Any, grow: Grow) -> None:
    gone = ObjectId()
    here.Role.insert_many([{"name": "viewer"}, {"name": "support", "permissionsIds": None, "unknown": {"kept": 1}}])
    here.Role.insert_one({"name": "admin", "permissionsIds": [gone, "text"], "userIds": []})
    here.Permission.insert_one({"name": "user.read", "rolesIds": None})
    grow(START)
    assert here.Role.find_one({"name": "support"})["unknown"] == {"kept": 1}
    admin = here.Role.find_one({"name": "admin"})
    assert admin["permissionsIds"][:2] == [gone, "text"]
    assert len(admin["permissionsIds"]) == 6
    assert len(here.Permission.find_one({"name": "user.read"})["rolesIds"]) == 4
    assert grow(START).event is None


def test_the_plan_says_what_would_change(here: Any, grow: Grow, seed: Callable[[str], Seed]) -> None:
    grow(START)
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


def test_who_keeps_a_permission_through_another_role_does_not_lose_it(
    here: Any, grow: Grow, seed: Callable[[str], Seed]
) -> None:
    grow(START)
    member(here, "ada", "viewer", "moderator")
    for name in ("ben", "cat", "dan"):
        member(here, name, "moderator")
    member(here, "eve", "support")
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


def test_whoever_gains_is_counted_too(here: Any, grow: Grow, seed: Callable[[str], Seed]) -> None:
    grow(START)
    member(here, "ada", "viewer")
    member(here, "ben", "viewer", "admin")
    made = plan(seed("permissions: [user.read, user.suspend]\nroles: [{name: viewer, permissions: ['*']}]"))
    assert list(made.lines())[:3] == ["~ role viewer", "    + user.suspend", "    1 user gains user.suspend"]
    assert not made.changeset.asks


def test_a_renamed_role_keeps_its_members(here: Any, grow: Grow) -> None:
    grow("permissions: [a]\nroles: [{name: helpdesk, permissions: [a]}]")
    ada = member(here, "ada", "helpdesk")
    before = here.Role.find_one({"name": "helpdesk"})
    renaming = "permissions: [a]\nroles: [{name: support, renamed_from: helpdesk, permissions: [a]}]"
    grow(renaming)
    assert list(here.Role.find()) == [{**before, "name": "support"}]
    assert here.User.find_one({"_id": ada})["rolesIds"] == [before["_id"]]
    assert grow(renaming).event is None


def test_a_role_is_not_renamed_to_a_name_that_another_has(here: Any, grow: Grow) -> None:
    grow("permissions: []\nroles: [{name: helpdesk}, {name: support}]")
    before = everything(here)
    with pytest.raises(ConflictError, match='a role "support" and a role "helpdesk"'):
        grow("permissions: []\nroles: [{name: support, renamed_from: helpdesk}]")
    assert everything(here) == before


def test_a_name_that_two_documents_have_is_a_conflict(here: Any, grow: Grow) -> None:
    here.Role.insert_many([{"name": "viewer"}, {"name": "viewer"}])
    with pytest.raises(ConflictError, match='2 roles with the name "viewer"'):
        grow(START)


def test_prune_deletes_what_the_seed_created_and_no_longer_names(here: Any, grow: Grow) -> None:
    grow(START)
    by_hand = here.Permission.insert_one({"name": "by.hand", "rolesIds": []}).inserted_id
    here.Role.insert_one({"name": "by hand", "userIds": [], "permissionsIds": []})
    smaller = "permissions: [user.read]\nroles: [{name: viewer, permissions: [user.read]}]"
    assert grow(smaller).event is None
    outcome = grow(smaller, prune=True)
    assert granted(here) == {"viewer": ["user.read"], "by hand": []}
    assert {document["name"] for document in here.Permission.find()} == {"user.read", "by.hand"}
    assert by_hand not in here.chatctl_state.find_one({"_id": "seed:default"})["permissions"]
    assert len(here.chatctl_state.find_one({"_id": "seed:default"})["roles"]) == 1
    assert here.chatctl_state.find_one({"_id": "protected-roles"})["ids"] == []
    assert outcome.changeset.asks
    assert grow(smaller, prune=True).event is None


def test_a_permission_is_pruned_out_of_roles_that_were_made_by_hand(
    here: Any, grow: Grow, seed: Callable[[str], Seed]
) -> None:
    grow("permissions: [a, b]\nroles: [{name: ours, permissions: [a, b]}]")
    a, b = (here.Permission.find_one({"name": name})["_id"] for name in "ab")
    theirs = here.Role.insert_one({"name": "theirs", "userIds": [], "permissionsIds": [a, b]}).inserted_id
    here.Permission.update_many({}, {"$push": {"rolesIds": theirs}})
    member(here, "ada", "theirs")
    smaller = "permissions: [a]\nroles: [{name: ours}]"
    assert list(plan(seed(smaller), Options(prune=True)).lines()) == [
        "- permission b",
        "    1 user loses b",
        "Plan: delete 1 permission.",
    ]
    grow(smaller, prune=True)
    assert granted(here) == {"ours": ["a"], "theirs": ["a"]}


def test_two_seeds_never_prune_what_the_other_made(here: Any, grow: Grow) -> None:
    grow("seed: one\npermissions: [a]\nroles: [{name: first, permissions: [a]}]")
    grow("seed: two\npermissions: [b]\nroles: [{name: second, permissions: [b]}]")
    grow("seed: one\npermissions: []\nroles: []", prune=True)
    assert granted(here) == {"second": ["b"]}


def test_a_role_with_members_is_pruned_only_when_that_is_allowed(
    here: Any, grow: Grow, seed: Callable[[str], Seed]
) -> None:
    grow(START)
    ada = member(here, "ada", "moderator")
    smaller = START.replace('- {name: moderator, permissions: ["message.*", user.read]}', "")
    with pytest.raises(RefusedError, match=r'have members: "moderator" \(1\)'):
        grow(smaller, prune=True)
    lines = list(plan(seed(smaller), Options(prune=True, allow_members=True)).lines())
    assert lines[:2] == ["- role moderator", "    1 member had it"]
    grow(smaller, prune=True, allow_members=True)
    assert "moderator" not in granted(here)
    assert here.User.find_one({"_id": ada})["rolesIds"] == []


def test_a_protected_role_with_an_active_member_is_never_pruned(here: Any, grow: Grow) -> None:
    grow(START)
    ada = member(here, "ada", "admin")
    smaller = START.replace('- {name: admin, protected: true, permissions: ["*"]}', "")
    with pytest.raises(RefusedError, match='"admin" is protected and has an active member'):
        grow(smaller, prune=True, allow_members=True)
    here.User.update_one({"_id": ada}, {"$set": {"status": "SUSPENDED"}})
    grow(smaller, prune=True, allow_members=True)
    assert "admin" not in granted(here)


def test_protection_is_taken_away_only_when_the_seed_says_so(here: Any, grow: Grow) -> None:
    grow("permissions: []\nroles: [{name: admin, protected: true}]")
    assert grow("permissions: []\nroles: [{name: admin}]").event is None
    outcome = grow("permissions: []\nroles: [{name: admin, protected: false}]")
    assert outcome.changeset.asks
    assert here.chatctl_state.find_one({"_id": "protected-roles"})["ids"] == []


def test_the_shipped_seed_is_for_databases_without_other_roles(here: Any) -> None:
    here.Role.insert_one({"name": "theirs"})
    with pytest.raises(UsageError):
        plan(read())
    here.Role.delete_many({})
    made = plan(read())
    here.Role.insert_one({"name": "theirs"})
    with pytest.raises(UsageError):
        apply(made.changeset)
    here.Role.delete_many({})
    apply(made.changeset)
    here.Role.insert_one({"name": "theirs"})
    assert not plan(read()).differs


def test_the_shipped_seed_does_what_its_tests_say(here: Any) -> None:
    from seeds import testing

    seed = read()
    assert [assertion for assertion in testing.run(seed) if not assertion.passed] == []
    apply(plan(seed).changeset)
    assert [assertion for assertion in testing.run(seed, live=True) if not assertion.passed] == []
    here.Role.delete_one({"name": "viewer"})
    here.Role.update_one({"name": "support"}, {"$set": {"permissionsIds": []}})
    failed = {assertion.message for assertion in testing.run(seed, live=True) if not assertion.passed}
    assert failed == {
        'there is no role "viewer"',
        '"support" cannot user.read',
        '"support" cannot user.suspend',
    }


def test_two_applies_at_once_end_as_one(here: Any, seed: Callable[[str], Seed]) -> None:
    first, second = plan(seed(START)), plan(seed(START))
    assert apply(first.changeset).event is not None
    before = everything(here)
    assert apply(second.changeset).event is None
    assert everything(here) == before


def test_two_applies_at_once_end_as_one_also_without_a_unique_index(here: Any, seed: Callable[[str], Seed]) -> None:
    first, second = plan(seed(START)), plan(seed(START))
    for collection in ("Role", "Permission"):
        here.create_collection(collection)
    apply(first.changeset)
    assert apply(second.changeset).event is None
    assert here.Role.count_documents({}) == 4


def test_applies_at_the_same_moment_take_turns(here: Any, seed: Callable[[str], Seed]) -> None:
    made = seed(START)
    connection.database()
    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(lambda _: apply(plan(made).changeset), range(6)))
    assert len([outcome for outcome in outcomes if outcome.event]) == 1
    assert len(granted(here)) == 4
    assert here.Permission.count_documents({}) == 4


def test_a_conflict_does_not_turn_into_a_loss_that_nobody_was_asked_about(
    here: Any, seed: Callable[[str], Seed]
) -> None:
    made = plan(seed("permissions: [a, b]\nroles: [{name: r, permissions: [a]}]"))
    assert not made.changeset.asks
    apply(plan(seed("seed: other\npermissions: [a, b]\nroles: [{name: r, permissions: [b]}]")).changeset)
    with pytest.raises(ConflictError, match="would now take something away"):
        apply(made.changeset)
    assert granted(here) == {"r": ["b"]}


class Counting(monitoring.CommandListener):
    def __init__(self) -> None:
        self.commands: list[str] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.commands.append(event.command_name)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def of_size(roles: int, less: int = 0) -> str:
    """Name so many roles, twice as many permissions and a tenth of the links there can be."""
    names = [f"p{number}" for number in range(2 * roles)]
    shifted = itertools.cycle(names)
    lines = ["version: 1", "permissions:", *(f"- {name}" for name in names), "roles:"]
    for number in range(roles):
        held = ", ".join(itertools.islice(shifted, roles // 10 - less))
        next(shifted)
        lines.append(f"- {{name: r{number}, permissions: [{held}]}}")
    return "\n".join(lines)


def test_the_number_of_commands_does_not_grow_with_the_seed(
    url: str, here: Any, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Counting()
    monkeypatch.setattr(monitoring, "_LISTENERS", monitoring._Listeners([counting], [], [], [], []))
    connection.choose(url)
    apply(plan(read([write(of_size(10))])).changeset)
    sizes = []
    for size in (20, 300):
        for version in (of_size(size), of_size(size, less=1)):
            counting.commands.clear()
            apply(plan(read([write(version)])).changeset)
            sizes.append((size, list(counting.commands)))
    (_, small_growth), (_, small_change), (_, large_growth), (_, large_change) = sizes
    assert large_growth == small_growth
    assert large_change == small_change
    counting.commands.clear()
    assert not plan(read([write(of_size(300, less=1))])).differs
    assert counting.commands == ["find", "find", "find"]
    assert here.Role.count_documents({}) == 300
