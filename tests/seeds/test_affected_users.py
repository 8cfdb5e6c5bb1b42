"""For any seed and any database, the plan prints how many users really gain and lose permissions."""

from collections import Counter
from typing import Any

from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from changes import apply
from seeds.planning import Options, plan
from seeds.reading import parse

ROLES, PERMISSIONS = ("r1", "r2", "r3", "r4"), ("p1", "p2", "p3", "p4")
SOME_ROLES = st.sets(st.sampled_from(ROLES))
SOME_PERMISSIONS = st.sets(st.sampled_from(PERMISSIONS))


@st.composite
def databases(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Generate linked documents. A seed has created some of these documents earlier."""
    permissions = {name: {"_id": ObjectId(), "name": name, "rolesIds": []} for name in draw(SOME_PERMISSIONS)}
    roles = {name: {"_id": ObjectId(), "name": name, "userIds": [], "permissionsIds": []} for name in draw(SOME_ROLES)}
    users = []
    for role in roles.values():
        for name in draw(SOME_PERMISSIONS) & permissions.keys():
            role["permissionsIds"].append(permissions[name]["_id"])
            permissions[name]["rolesIds"].append(role["_id"])
    for number in range(draw(st.integers(0, 5))):
        held = [roles[name] for name in sorted(draw(SOME_ROLES) & roles.keys())]
        user = {"_id": ObjectId(), "email": f"u{number}@x.org", "username": f"u{number}", "status": "ACTIVE"}
        users.append({**user, "rolesIds": [role["_id"] for role in held]})
        for role in held:
            role["userIds"].append(user["_id"])
    owned = {
        "_id": "seed:ours",
        "roles": [roles[name]["_id"] for name in draw(SOME_ROLES) & roles.keys()],
        "permissions": [permissions[name]["_id"] for name in draw(SOME_PERMISSIONS) & permissions.keys()],
        "users": [],
    }
    return {
        "Role": list(roles.values()),
        "Permission": list(permissions.values()),
        "User": users,
        "chatctl_state": [owned],
        "chatctl_audit": [],
    }


@st.composite
def seeds(draw: st.DrawFn) -> str:
    permissions = sorted(draw(SOME_PERMISSIONS))
    roles = []
    for name in sorted(draw(SOME_ROLES)):
        allowed = sorted(draw(SOME_PERMISSIONS) & set(permissions))
        roles.append({"name": name, **({"permissions": allowed} if draw(st.booleans()) else {})})
    users = [
        {
            "email": f"U{number}@x.org",
            "username": f"u{number}",
            "roles": sorted(draw(SOME_ROLES) & {str(role["name"]) for role in roles}),
        }
        for number in sorted(draw(st.sets(st.integers(0, 6), max_size=3)))
    ]
    return str({"version": 1, "seed": "ours", "permissions": permissions, "roles": roles, "users": users})


def held(database: Any) -> dict[str, set[str]]:
    """Return the permissions of each user. Check that both sides of every link are the same."""
    roles = {role["_id"]: role for role in database.Role.find()}
    permissions = {permission["_id"]: permission for permission in database.Permission.find()}
    users = list(database.User.find())
    assert {(u["_id"], r) for u in users for r in u["rolesIds"]} == {(u, r) for r in roles for u in roles[r]["userIds"]}
    assert {(r, p) for r in roles for p in roles[r]["permissionsIds"]} == {
        (r, p) for p in permissions for r in permissions[p]["rolesIds"]
    }
    return {
        user["username"]: {permissions[p]["name"] for r in user["rolesIds"] for p in roles[r]["permissionsIds"]}
        for user in users
    }


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(databases(), seeds(), st.booleans())
def test_users_gain_and_lose_what_the_plan_says(
    here: Any, documents: dict[str, list[dict[str, Any]]], text: str, prune: bool
) -> None:
    for collection, content in documents.items():
        here[collection].delete_many({})
        if content:
            here[collection].insert_many(content)
    seed, options = parse(text.encode(), "seed"), Options(prune, allow_members=True)
    before = held(here)
    made = plan(seed, options)
    outcome = apply(made.changeset)
    after = held(here)
    assert bool(outcome.event) == made.differs
    assert plan(seed, options).changeset.batches == []

    lost = Counter(name for user, names in after.items() for name in before.get(user, set()) - names)
    gained = Counter(name for user, names in after.items() for name in names - before.get(user, set()))
    for verb, actual in (("lose", lost), ("gain", gained)):
        said = Counter[str]()
        for change in made.document()["changes"]:
            for name, users in change["affected"][verb].items():
                assert users <= actual[name], (change, actual)
                said[name] += users
        assert said.keys() == actual.keys()
