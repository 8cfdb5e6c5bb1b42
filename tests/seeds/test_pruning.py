"""What a seed deletes with --prune, and what it never deletes."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from bson import ObjectId

from changes import effects
from database.errors import RefusedError
from seeds.planning import Options, plan
from seeds.seed import Seed

Seeds = Callable[[str], Seed]
Grow = Callable[..., Any]
Granted = Callable[[], dict[str, list[str]]]
Member = Callable[..., ObjectId]


def merged(*texts: str) -> str:
    """Merge the lists of seeds under each key."""
    whole: dict[str, list[Any]] = {}
    for text in texts:
        for key, items in (yaml.safe_load(text) or {}).items():
            whole[key] = [*whole.get(key, []), *items]
    return yaml.safe_dump(whole)


def test_prune_deletes_what_the_seed_created_and_no_longer_names(
    here: Any, grow: Grow, granted: Granted, start: str
) -> None:
    grow(start)
    by_hand = here.Permission.insert_one({"name": "by.hand", "rolesIds": []}).inserted_id
    here.Role.insert_one({"name": "by hand", "userIds": [], "permissionsIds": []})
    smaller = "permissions: [user.read]\nroles: [{name: viewer, permissions: [user.read]}]"
    assert grow(smaller).event is None
    outcome = grow(smaller, prune=True)
    assert granted() == {"viewer": ["user.read"], "by hand": []}
    assert {document["name"] for document in here.Permission.find()} == {"user.read", "by.hand"}
    assert by_hand not in here.chatctl_state.find_one({"_id": "seed:default"})["permissions"]
    assert len(here.chatctl_state.find_one({"_id": "seed:default"})["roles"]) == 1
    assert here.chatctl_state.find_one({"_id": "protected-roles"})["ids"] == []
    assert outcome.changeset.asks
    assert grow(smaller, prune=True).event is None


def test_a_pruned_permission_is_removed_from_roles_made_by_hand(
    here: Any, grow: Grow, seed: Seeds, granted: Granted, member: Member
) -> None:
    grow("permissions: [a, b]\nroles: [{name: ours, permissions: [a, b]}]")
    a, b = (here.Permission.find_one({"name": name})["_id"] for name in "ab")
    theirs = here.Role.insert_one({"name": "theirs", "userIds": [], "permissionsIds": [a, b]}).inserted_id
    here.Permission.update_many({}, {"$push": {"rolesIds": theirs}})
    member("ada", "theirs")
    smaller = "permissions: [a]\nroles: [{name: ours}]"
    assert list(plan(seed(smaller), Options(prune=True)).lines()) == [
        "- permission b",
        "    role ours loses this permission",
        "    role theirs loses this permission",
        "    1 user loses b",
        "Plan: delete 1 permission.",
    ]
    grow(smaller, prune=True)
    assert granted() == {"ours": ["a"], "theirs": ["a"]}


TAKEN_AWAY = """
    permissions: [user.read, user.suspend, message.read, message.delete]
    roles:
      - {name: viewer, permissions: []}
"""
SUPPORT = "roles: [{name: support}]\n"
KINDS = {
    "a permission is taken away": "",
    "a permission is created": "permissions: [new]",
    "a role is created": "roles: [{name: new, permissions: [user.read]}]",
    "a role is renamed": "roles: [{name: helpdesk, renamed_from: support, permissions: [user.read, user.suspend]}]",
    "a role is renamed and loses": "roles: [{name: helpdesk, renamed_from: support, permissions: [user.read]}]",
    "a role gains": "roles: [{name: support, permissions: [user.read, user.suspend, message.read]}]",
    "a role gains and loses": "roles: [{name: support, permissions: [message.read]}]",
    "a role is protected": "roles: [{name: moderator, protected: true}]",
    "a role is no longer protected": "roles: [{name: admin, protected: false}]",
    "a user is created": SUPPORT + "users: [{email: new@example.org, username: new, roles: [support]}]",
    "a user gets a role": SUPPORT + "users: [{email: ada@example.org, username: ada, roles: [support]}]",
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_question_of_apply_shows_what_plan_shows(
    grow: Grow, seed: Seeds, member: Member, start: str, kind: str
) -> None:
    grow(start)
    member("ada", "viewer")
    wanted = merged(TAKEN_AWAY, KINDS[kind])
    asked = plan(seed(wanted)).changeset
    assert asked.asks
    assert effects(asked) == list(plan(seed(wanted)).lines())
    assert asked.notes == []


def test_the_question_of_apply_shows_what_is_pruned_and_which_links_are_repaired(
    here: Any, grow: Grow, seed: Seeds, member: Member, start: str
) -> None:
    grow(start)
    member("ada", "viewer", "moderator")
    viewer = here.Role.find_one({"name": "viewer"})["_id"]
    here.Permission.update_one({"name": "user.read"}, {"$pull": {"rolesIds": viewer}})
    smaller = "permissions: [user.read, user.suspend]\nroles: [{name: viewer, permissions: [user.read]}]"
    made = plan(seed(smaller), Options(prune=True, allow_members=True))
    asked = effects(made.changeset)
    assert asked == list(made.lines()) == list(plan(seed(smaller), Options(prune=True, allow_members=True)).lines())
    assert "    repairs 1 one-sided link" in asked
    assert asked[-1] == "Plan: change 1 role; delete 2 permissions, 3 roles."


def told(lines: list[str], before: dict[str, list[str]]) -> set[tuple[str, str, str]]:
    """Return (sign, role, permission) for each permission that a role gains (+) or loses (-) in a preview."""
    found, sign, kind, name = set(), "", "", ""
    for line in lines[:-1]:
        if not line.startswith(" "):
            sign, kind, name = line.split(" ", 2)
            found |= {("-", name, one) for one in before[name]} if (sign, kind) == ("-", "role") else set()
        elif kind == "role" and line.strip()[0] in "+-" and not line.endswith(" protected"):
            found.add((line.strip()[0], name, line.strip()[2:]))
        elif kind == "permission" and line.endswith(" loses this permission"):
            found.add(("-", line.removeprefix("    role ").removesuffix(" loses this permission"), name))
    return found


@pytest.mark.parametrize("prune", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_question_hides_no_permission_that_a_role_gains_or_loses(
    here: Any, grow: Grow, seed: Seeds, *, granted: Granted, start: str, kind: str, prune: bool
) -> None:
    grow(merged(start, "permissions: [old]\nroles: [{name: gone, permissions: [user.read]}]"))
    old = here.Permission.find_one({"name": "old"})["_id"]
    by_hand = here.Role.insert_one({"name": "by hand", "userIds": [], "permissionsIds": [old]}).inserted_id
    here.Permission.update_one({"_id": old}, {"$push": {"rolesIds": by_hand}})
    wanted = merged(TAKEN_AWAY, KINDS[kind])
    here.User.insert_one({"email": "ada@example.org", "username": "ada", "status": "ACTIVE", "rolesIds": []})
    before = granted()
    said = told(effects(plan(seed(wanted), Options(prune=prune)).changeset), before)
    grow(wanted, prune=prune)
    after = granted()
    if "helpdesk" in after:
        before["helpdesk"] = before.pop("support")
    was, is_ = ({(role, one) for role, held in state.items() for one in held} for state in (before, after))
    assert said == {("+", *link) for link in is_ - was} | {("-", *link) for link in was - is_}


def test_a_seed_never_prunes_what_another_seed_created(grow: Grow, granted: Granted) -> None:
    grow("seed: one\npermissions: [a]\nroles: [{name: first, permissions: [a]}]")
    grow("seed: two\npermissions: [b]\nroles: [{name: second, permissions: [b]}]")
    grow("seed: one\npermissions: []\nroles: []", prune=True)
    assert granted() == {"second": ["b"]}


def test_a_role_with_members_is_pruned_only_when_that_is_allowed(
    here: Any, grow: Grow, seed: Seeds, *, granted: Granted, member: Member, start: str
) -> None:
    grow(start)
    ada = member("ada", "moderator")
    smaller = start.replace('- {name: moderator, permissions: ["message.*", user.read]}', "")
    with pytest.raises(RefusedError, match=r'have members: "moderator" \(1\)'):
        grow(smaller, prune=True)
    lines = list(plan(seed(smaller), Options(prune=True, allow_members=True)).lines())
    assert lines[:2] == ["- role moderator", "    it has 1 member"]
    grow(smaller, prune=True, allow_members=True)
    assert "moderator" not in granted()
    assert here.User.find_one({"_id": ada})["rolesIds"] == []


def test_a_protected_role_with_an_active_member_is_never_pruned(
    here: Any, grow: Grow, granted: Granted, member: Member, start: str
) -> None:
    grow(start)
    ada = member("ada", "admin")
    smaller = start.replace('- {name: admin, protected: true, permissions: ["*"]}', "")
    with pytest.raises(RefusedError, match='"admin" is protected and has an active member'):
        grow(smaller, prune=True, allow_members=True)
    here.User.update_one({"_id": ada}, {"$set": {"status": "SUSPENDED"}})
    grow(smaller, prune=True, allow_members=True)
    assert "admin" not in granted()


def test_protection_is_removed_only_if_the_seed_says_so(here: Any, grow: Grow) -> None:
    grow("permissions: []\nroles: [{name: admin, protected: true}]")
    assert grow("permissions: []\nroles: [{name: admin}]").event is None
    outcome = grow("permissions: []\nroles: [{name: admin, protected: false}]")
    assert outcome.changeset.asks
    assert here.chatctl_state.find_one({"_id": "protected-roles"})["ids"] == []
