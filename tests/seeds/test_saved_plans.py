"""A saved plan is applied exactly, or not at all."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actions import plan_files
from changes import apply
from database import connection
from database.errors import ConflictError, InvalidInputError, NotFoundError
from seeds import saved_plans
from seeds.planning import Options, Plan, plan
from seeds.seed import Seed
from tests.conftest import beside

TEXT = """
    seed: ours
    permissions: [user.read, 'a*b', '$${x}', 'back\\slash']
    roles:
      - {name: viewer, permissions: [user.read]}
      - {name: admin, protected: true, extends: [viewer], permissions: ['a\\*b', '$${x}', 'back\\\\slash']}
    users:
      - {email: "${ADA_EMAIL}", username: ada, password: {env: ADA_PASSWORD}, roles: [admin]}
"""
SECRET = "tangerine lamp orbit"

Save = Callable[..., Path]


def load(path: Path) -> Plan:
    return saved_plans.load(plan_files.read(str(path), io.BytesIO()))


@pytest.fixture
def save(
    here: Any, seed: Callable[[str], Seed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Plan a seed and save the plan."""
    monkeypatch.setenv("ADA_EMAIL", "ada@example.org")
    monkeypatch.setenv("ADA_PASSWORD", SECRET)

    def saving(text: str = TEXT, **options: bool) -> Path:
        path = tmp_path / "plan.json"
        path.write_text(saved_plans.dump(plan(seed(text), Options(**options))), "utf-8")
        assert here.name in path.read_text("utf-8")
        return path

    return saving


def test_a_saved_plan_is_applied_as_it_was_planned(
    here: Any, save: Save, seed: Callable[[str], Seed], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save()
    lines = list(plan(seed(TEXT)).lines())
    monkeypatch.setenv("ADA_EMAIL", "another@example.org")
    loaded = load(path)
    assert list(loaded.lines()) == lines
    apply(loaded.changeset)
    assert here.User.find_one()["email"] == "ada@example.org"
    assert {document["name"] for document in here.Permission.find()} == {"user.read", "a*b", "${x}", "back\\slash"}
    assert len(here.Role.find_one({"name": "admin"})["permissionsIds"]) == 4


def test_a_saved_plan_contains_no_secret_and_no_url(save: Save, url: str) -> None:
    text = save().read_text("utf-8")
    assert SECRET not in text
    assert "$2b$" not in text
    assert "mongodb://" not in text
    assert url.partition("://")[2].partition("/")[0] not in text


def test_a_saved_plan_keeps_its_options(here: Any, save: Save) -> None:
    apply(load(save()).changeset)
    here.User.update_one({}, {"$set": {"status": "SUSPENDED"}})
    path = save("seed: ours\npermissions: [user.read]\nroles: []", prune=True, allow_members=True)
    apply(load(path).changeset)
    assert here.Role.count_documents({}) == 0


@pytest.mark.parametrize(
    "move",
    [
        lambda database: database.Role.insert_one({"name": "viewer"}),
        lambda database: database.Permission.insert_one({"name": "user.read"}),
        lambda database: database.User.insert_one({"email": "ada@example.org", "username": "ada"}),
        lambda database: database.chatctl_state.insert_one({"_id": "seed:ours", "roles": []}),
    ],
)
def test_a_plan_is_refused_if_an_empty_database_was_changed(
    here: Any, save: Save, move: Callable[[Any], object]
) -> None:
    path = save(TEXT.replace("roles: [admin]", "roles: []"))
    move(here)
    with pytest.raises(ConflictError, match="The database changed after this plan was made"):
        load(path)


@pytest.mark.parametrize(
    "move",
    [
        lambda database: database.Role.update_one({"name": "viewer"}, {"$set": {"permissionsIds": []}}),
        lambda database: database.Role.delete_one({"name": "viewer"}),
        lambda database: database.Permission.update_one({"name": "user.read"}, {"$set": {"rolesIds": []}}),
        lambda database: database.chatctl_state.update_one({"_id": "protected-roles"}, {"$set": {"ids": []}}),
        lambda database: database.chatctl_state.update_one({"_id": "seed:ours"}, {"$pop": {"roles": 1}}),
        lambda database: database.User.update_one({}, {"$set": {"rolesIds": []}}),
        lambda database: database.User.insert_one(
            {"email": "b", "username": "b", "rolesIds": [database.Role.find_one({"name": "viewer"})["_id"]]}
        ),
    ],
)
def test_a_plan_is_refused_if_the_database_was_changed(here: Any, save: Save, move: Callable[[Any], object]) -> None:
    apply(load(save()).changeset)
    path = save(TEXT.replace("[user.read]}", "[]}"))
    load(path)
    move(here)
    with pytest.raises(ConflictError, match="The database changed after this plan was made"):
        load(path)


def test_changes_outside_a_plan_do_not_matter(here: Any, save: Save) -> None:
    path = save()
    here.Role.insert_one({"name": "theirs"})
    here.Permission.insert_one({"name": "their.permission"})
    here.User.insert_one({"email": "ben@example.org", "username": "ben"})
    apply(load(path).changeset)
    with pytest.raises(ConflictError):
        load(path)


def test_a_loaded_plan_is_refused_if_the_database_changes_before_it_is_applied(here: Any, save: Save) -> None:
    loaded = load(save())
    here.create_collection("Role").create_index("name", unique=True)
    here.Role.insert_one({"name": "viewer", "userIds": [], "permissionsIds": []})
    with pytest.raises(ConflictError):
        apply(loaded.changeset)
    assert here.Permission.count_documents({}) == 0


def test_a_plan_for_another_database_is_refused(save: Save, url: str) -> None:
    path = save()
    connection.choose(beside(url))
    with pytest.raises(ConflictError, match="this plan was made for database"):
        load(path)
    connection.choose(url.replace("127.0.0.1", "localhost"))
    with pytest.raises(ConflictError, match="on another server"):
        load(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "",
        lambda _: "[" * 100_000,
        lambda _: "version: 1",
        lambda _: "{}",
        lambda plan: json.dumps({**plan, "version": 2}),
        lambda plan: json.dumps({**plan, "seed": []}),
        lambda plan: json.dumps({**plan, "options": {"prune": 1}}),
        lambda plan: json.dumps({**plan, "seed": {**plan["seed"], "roles": [{"name": "\ud800"}]}}),
        lambda plan: json.dumps({**plan, "seed": {**plan["seed"], "evil": 1}}),
        lambda plan: json.dumps({**plan, "seed": {"a" * 5000: 1}}),
        lambda plan: json.dumps({**plan, "seed": {"version": 1, "seed": "\x00\x7f"}}),
    ],
)
def test_a_file_that_is_not_a_plan_is_invalid(save: Save, spoil: Callable[[Any], str]) -> None:
    path = save()
    path.write_text(spoil(json.loads(path.read_text("utf-8"))), "utf-8")
    with pytest.raises(InvalidInputError):
        load(path)


def test_a_missing_plan_is_reported(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load(tmp_path / "none.json")
