"""The output of `seeds export` is a seed. If this seed is applied to the same database, nothing changes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from changes import apply
from database import connection
from database.wording import name_flaw
from seeds.exporting import export
from seeds.planning import plan
from seeds.reading import parse, read
from seeds.schema import Pattern, escape_pattern, escape_variables, expand, variables
from tests.conftest import beside

AWKWARD = st.sampled_from(
    ["*", "a*b", "a\\*b", "\\", "${HOME}", "$${", "no", "1", "~", "null", "2026-01-01", "- a", "#", "a: b"]
)
NAMES = AWKWARD | st.text(min_size=1, max_size=12)
ANYTHING = NAMES | st.text(max_size=3) | st.just("x" * 10_000) | st.just(" blank ")


@st.composite
def databases(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """Generate roles and permissions with any names.

    Both sides of the links are right, but some ids dangle or lists are absent.
    """
    permissions = [
        {"_id": ObjectId(), "name": name, "rolesIds": []} for name in draw(st.lists(ANYTHING, max_size=8, unique=True))
    ]
    roles = []
    for name in draw(st.lists(ANYTHING, max_size=6, unique=True)):
        held = draw(st.lists(st.sampled_from(permissions), unique_by=id)) if permissions else []
        role = {"_id": ObjectId(), "name": name, "userIds": [], "permissionsIds": [one["_id"] for one in held]}
        for permission in held:
            permission["rolesIds"].append(role["_id"])
        if not held:
            role.pop("permissionsIds")
        elif draw(st.booleans()):
            role["permissionsIds"].append(ObjectId())
        roles.append(role)
    protected = draw(st.lists(st.sampled_from(roles), unique_by=id)) if roles else []
    state = [{"_id": "protected-roles", "ids": [role["_id"] for role in protected]}] if protected else []
    return {"Role": roles, "Permission": permissions, "chatctl_state": state}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(databases())
def test_applying_an_export_changes_nothing(here: Any, documents: dict[str, list[dict[str, Any]]]) -> None:
    for collection, content in documents.items():
        here[collection].delete_many({})
        if content:
            here[collection].insert_many(content)
    made = plan(parse(export().text.encode(), "export"))
    assert list(made.lines()) == ["No changes."]
    assert made.changeset.batches == []


@given(NAMES)
def test_an_escaped_name_is_read_as_itself(name: str) -> None:
    assert expand(escape_variables(name), {}) == name
    assert variables(escape_variables(name)) == []
    assert Pattern.parse(escape_pattern(name)).name == name
    assert Pattern.parse(expand(escape_variables(escape_pattern(name)), {})).name == name


@given(st.lists(st.text("ab*", max_size=5), max_size=3).map("".join), st.text("ab", max_size=10))
def test_a_pattern_matches_like_a_pattern_of_a_shell(pattern: str, name: str) -> None:
    from fnmatch import fnmatchcase

    parsed = Pattern.parse(pattern)
    assert (parsed.name == name if parsed.name is not None else parsed.matches(name)) == fnmatchcase(name, pattern)


@given(st.lists(NAMES.filter(lambda name: name_flaw(name) is None), unique=True, max_size=5))
def test_any_valid_name_can_be_exported_and_read_again(names: list[str]) -> None:
    document = {
        "version": 1,
        "permissions": [escape_variables(name) for name in names],
        "roles": [
            {"name": escape_variables(name), "permissions": [escape_variables(escape_pattern(name))]} for name in names
        ],
    }
    seed = parse(yaml.safe_dump(document, allow_unicode=True).encode(), "seed")
    assert list(seed.permissions) == names
    assert [(role.name, role.permissions) for role in seed.roles] == [(name, {name}) for name in names]


def test_an_export_is_easy_to_read(here: Any, grow: Callable[..., Any]) -> None:
    grow("permissions: [user.read, 'a*b']\nroles: [{name: b, permissions: ['*']}, {name: a, protected: true}]")
    assert here.Role.count_documents({}) == 2
    text, notes = export()
    assert notes == []
    assert text == (
        "version: 1\n"
        "permissions:\n"
        "- a*b\n"
        "- user.read\n"
        "roles:\n"
        "- name: a\n"
        "  protected: true\n"
        "  permissions: []\n"
        "- name: b\n"
        "  permissions:\n"
        "  - a\\*b\n"
        "  - user.read\n"
    )


def test_an_empty_database_is_exported_as_an_empty_seed(here: Any) -> None:
    assert export().text == "version: 1\npermissions: []\nroles: []\n"
    assert not plan(parse(export().text.encode(), "export")).differs
    assert here.list_collection_names() == []


def test_names_that_a_seed_cannot_have_are_left_out_and_reported(here: Any) -> None:
    bad, good = ObjectId("65a000000000000000000001"), ObjectId("65a000000000000000000002")
    role, twin = ObjectId("65a000000000000000000003"), ObjectId("65a000000000000000000004")
    here.Permission.insert_many(
        [
            {"_id": bad, "name": "evil\x1b]0;\nversion: 2", "rolesIds": [role]},
            {"_id": good, "name": "good", "rolesIds": [role]},
        ]
    )
    here.Role.insert_one({"_id": role, "name": "some", "permissionsIds": [bad, good], "userIds": []})
    here.Role.insert_many([{"_id": twin, "name": 5}, {"name": "twin"}, {"name": "twin"}])
    text, notes = export()
    assert text.splitlines()[: len(notes)] == [f"# {note}" for note in notes]
    assert notes[0].startswith(f"permission {bad} is left out: ")
    assert notes[1] == f"role {twin} is left out: its name is not a text"
    assert notes[2].endswith("is left out: the name twin is not unique")
    assert notes[-1] == "role some: its permissions are left out, because a seed cannot name all of them"
    assert text.isprintable() or all(line.isprintable() for line in text.splitlines())
    assert not plan(parse(text.encode(), "export")).differs


def test_documents_without_an_object_id_are_left_out_with_all_others_of_that_name(here: Any) -> None:
    here.Role.insert_many([{"_id": "text", "name": "viewer"}, {"name": "viewer"}, {"name": "editor"}])
    text, notes = export()
    assert notes[0] == "role viewer is left out: its id is not an ObjectId"
    assert len(notes) == 2
    assert [role.name for role in parse(text.encode(), "export").roles] == ["editor"]
    assert not plan(parse(text.encode(), "export")).differs


def test_applying_an_export_to_another_database_creates_the_same_roles(
    here: Any, grow: Callable[..., Any], url: str, tmp_path: Path
) -> None:
    grow("permissions: [user.read, '$${x}']\nroles: [{name: admin, protected: true, permissions: ['*']}]")
    (tmp_path / "export.yaml").write_text(export().text)
    connection.choose(beside(url))
    other = connection.database()
    try:
        apply(plan(read([tmp_path / "export.yaml"])).changeset)
        assert {document["name"] for document in other.Permission.find()} == {"user.read", "${x}"}
        assert len(other.Role.find_one({"name": "admin"})["permissionsIds"]) == 2
        assert len(other.chatctl_state.find_one({"_id": "protected-roles"})["ids"]) == 1
    finally:
        other.client.drop_database(other.name)
    assert here.Role.count_documents({}) == 1


def test_undoing_an_apply_restores_the_database(here: Any, grow: Callable[..., Any]) -> None:
    from actions import audit

    names = ("Role", "Permission", "User")
    first = grow("permissions: [a]\nroles: [{name: r, permissions: [a]}]")
    before = {name: list(here[name].find()) for name in names}
    second = grow(
        "permissions: [b]\nroles: [{name: s, renamed_from: r, permissions: [b]}]\n"
        "users: [{email: a@example.org, username: a, roles: [s]}]",
        prune=True,
    )
    apply(audit.undo(str(second.event)))
    assert {name: list(here[name].find()) for name in names} == before
    apply(audit.undo(str(first.event)))
    assert all(here[name].count_documents({}) == 0 for name in names)
    assert here.chatctl_state.find_one({"_id": {"$regex": "^seed:"}}) is None
