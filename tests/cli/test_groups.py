"""The commands of each group."""

import json
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from tests.cli.conftest import Terminal
from tests.conftest import Chatctl

SEED = """\
version: 1
seed: test
permissions: [user.read, user.suspend]
roles:
  - name: viewer
    permissions: [user.read]
  - name: support
    extends: [viewer]
    permissions: [user.suspend]
tests:
  - role: viewer
    can: [user.read]
    cannot: [user.suspend]
"""


@pytest.fixture
def seed(workspace: Path) -> Path:
    path = workspace / "seed.yaml"
    path.write_text(SEED)
    return path


def names(chatctl: Chatctl, group: str) -> list[str]:
    return [row["name"] for row in json.loads(chatctl(group, "list", "-o", "json", "--sort", "name").stdout)]


def test_roles_are_created_copied_renamed_compared_and_deleted(either: Chatctl) -> None:
    either("permissions", "create", "user.read", "user.suspend", "message.read")
    either("roles", "create", "support", "--permission", "user.read", "--permission", "user.suspend")
    assert either("roles", "copy", "support", "helpdesk").stdout == "helpdesk: created\n"
    assert either("roles", "rename", "support", "first line").stdout == "first line: renamed\n"
    assert either("roles", "grant", "helpdesk", "message.read").stdout == "message.read: granted\n"
    assert either("roles", "revoke", "helpdesk", "user.suspend", "--yes").stdout == "user.suspend: revoked\n"
    assert either("roles", "diff", "helpdesk", "first line").stdout.splitlines() == [
        "PERMISSION    ONLY IN",
        "message.read  helpdesk",
        "user.suspend  first line",
    ]
    either("roles", "delete", "helpdesk", "nobody", "--yes", code=3)
    assert either("roles", "delete", "helpdesk", "nobody", "--yes", "--skip-missing").stdout == "helpdesk: deleted\n"
    assert names(either, "roles") == ["first line"]


def test_permissions_are_created_shown_renamed_and_deleted(either: Chatctl) -> None:
    either("permissions", "create", "user.read", "user.suspend")
    either("permissions", "create", "user.read", code=4)
    either("roles", "create", "viewer", "--permission", "user.read")
    either("permissions", "rename", "user.read", "user.view")
    shown = json.loads(either("permissions", "show", "user.view", "-o", "json").stdout)
    assert list(shown) == ["id", "name", "users", "roles"]
    assert (shown["users"], shown["roles"]) == (0, ["viewer"])
    either("permissions", "delete", "user.view", "--yes")
    assert names(either, "permissions") == ["user.suspend"]
    assert json.loads(either("roles", "show", "viewer", "-o", "json").stdout)["permissions"] == []


def test_the_trail_lists_changes_and_undoes_them(chatctl: Chatctl) -> None:
    event = json.loads(chatctl("roles", "create", "support", "--reason", "a test", "-o", "json").stdout)["event"]
    (row,) = json.loads(chatctl("audit", "list", "-o", "json").stdout)
    assert list(row) == ["id", "at", "actor", "command", "reason", "state"]
    assert (row["id"], row["command"], row["reason"], row["state"]) == (event, "roles create support", "a test", "done")
    shown = chatctl("audit", "show", event).stdout.splitlines()
    assert shown[-1] == "+ Role support: name support, userIds [], permissionsIds []"
    assert json.loads(chatctl("audit", "show", event, "-o", "json").stdout)["changes"][0]["op"] == "insert"
    chatctl("audit", "undo", event, code=7)
    assert chatctl("audit", "undo", event, "--yes").stdout == "roles create support: undone\n"
    assert names(chatctl, "roles") == []
    assert chatctl("audit", "list", "--command", "roles", "--columns", "state").stdout.splitlines()[1:] == ["undone"]
    assert chatctl("audit", "list", "--since", "2099-01-01", "-o", "ids").stdout == ""
    assert len(chatctl("audit", "list", "--until", "2099-01-01", "-o", "ids").stdout.splitlines()) == 2
    assert "- chatctl_audit " in chatctl("audit", "prune", "--before", "0m", "--dry-run").stdout
    pruned = chatctl("audit", "prune", "--before", "0m", "--yes")
    assert "undo:" not in pruned.stderr
    chatctl("audit", "show", event, code=3)


def test_a_seed_is_checked_tested_planned_applied_and_applied_again(chatctl: Chatctl, seed: Path) -> None:
    assert chatctl("seeds", "validate", seed).stdout == "valid: 2 permissions, 2 roles, 0 users\n"
    said = chatctl("seeds", "validate", seed, "-o", "csv").stdout
    assert said.splitlines() == ["seed,permissions,roles,users", "test,2,2,0"]
    chatctl("seeds", "export", "--to", "", code=2)
    for line in (["validate", ""], ["apply", "", "--yes"], ["apply", "--plan", ""]):
        assert "a path cannot be empty" in chatctl("seeds", *line, code=2).stderr, line
    assert chatctl("seeds", "test", seed).stderr == "2 passed, 0 failed\n"
    planned = chatctl("seeds", "plan", seed, "--exit-code", code=1).stdout
    assert planned.splitlines()[-1] == "Plan: create 2 permissions, 2 roles."
    changes = json.loads(chatctl("seeds", "plan", seed, "-o", "json").stdout)["changes"]
    assert len(chatctl("seeds", "plan", seed, "-o", "ndjson").stdout.splitlines()) == len(changes) == 4
    assert len(chatctl("seeds", "plan", seed, "-o", "csv").stdout.splitlines()) == 5
    chatctl("seeds", "apply", seed)
    assert (names(chatctl, "permissions"), names(chatctl, "roles")) == (
        ["user.read", "user.suspend"],
        ["support", "viewer"],
    )
    assert chatctl("seeds", "plan", seed, "--exit-code").stdout == "No changes.\n"
    again = chatctl("seeds", "apply", seed)
    assert again.stderr == "nothing to do\n"
    assert len(chatctl("audit", "list", "-o", "ids").stdout.splitlines()) == 1
    assert chatctl("seeds", "test", seed, "--live").stderr == "2 passed, 0 failed\n"


def test_apply_asks_with_the_lines_of_the_plan(chatctl: Chatctl, terminal: Terminal, seed: Path) -> None:
    chatctl("seeds", "apply", seed)
    seed.write_text(SEED.replace("name: support", "name: helpdesk\n    renamed_from: support").replace("viewer]", "]"))
    planned = chatctl("seeds", "plan", seed).stdout.splitlines()
    assert planned == ["~ role helpdesk", "    was support", "    - user.read", "Plan: change 1 role."]
    screen = terminal("seeds", "apply", seed, typed="n\n", env={"NO_COLOR": "1"})
    assert [f"  {line}" for line in planned] == screen.text.splitlines()[-6:-2]
    assert screen.code == 7


def test_a_failed_test_of_a_seed_exits_with_1(chatctl: Chatctl, seed: Path) -> None:
    seed.write_text(SEED.replace("cannot: [user.suspend]", "cannot: [user.read]").replace("    can: [user.read]\n", ""))
    failed = chatctl("seeds", "test", seed, code=1)
    assert failed.stderr == "0 passed, 1 failed\n"
    assert failed.stdout == 'FAIL  seed.yaml:12:14: "viewer" can user.read; expected: cannot\n'.replace(
        "seed.yaml", str(seed)
    )


def test_a_plan_is_saved_in_a_file_and_applied_later(chatctl: Chatctl, seed: Path, workspace: Path) -> None:
    kept = workspace / "kept.plan"
    chatctl("seeds", "plan", seed, "--to", kept)
    chatctl("seeds", "plan", seed, "--to", kept, code=4)
    chatctl("seeds", "plan", seed, "--to", kept, "--overwrite")
    assert kept.stat().st_mode & 0o777 == 0o600
    said = chatctl("seeds", "apply", seed, "--plan", kept, code=2).stderr
    assert (
        said
        == "error: a saved plan already contains its seed and its options\nhint: use --plan only, or make a new plan\n"
    )
    chatctl("seeds", "apply", "--plan", kept)
    assert names(chatctl, "roles") == ["support", "viewer"]
    chatctl("roles", "create", "other")
    chatctl("seeds", "apply", "--plan", kept, code=4)


def test_applying_an_exported_seed_changes_nothing(chatctl: Chatctl, seed: Path, workspace: Path) -> None:
    chatctl("seeds", "apply", seed)
    chatctl("seeds", "export", "--to", workspace / "out.yaml")
    assert chatctl("seeds", "export").stdout == chatctl("seeds", "export", "--to", "-").stdout
    assert (workspace / "out.yaml").read_text() == chatctl("seeds", "export").stdout
    assert chatctl("seeds", "plan", workspace / "out.yaml").stdout == "No changes.\n"


def test_every_fault_of_a_seed_is_printed_with_its_place(chatctl: Chatctl, seed: Path) -> None:
    seed.write_text("version: 1\nroles:\n  - name: a\n    permission: [x]\n  - name: a\n")
    said = chatctl("seeds", "validate", seed, code=5).stderr.splitlines()
    assert said[0].startswith(f"{seed}:4:5: ")
    error = json.loads(chatctl("seeds", "validate", seed, "-o", "json", code=5).stderr)["error"]
    assert (error["code"], error["exit"]) == ("invalid", 5)
    assert (error["faults"][0]["line"], error["faults"][0]["column"]) == (4, 5)
    assert set(error["faults"][0]) == {"file", "line", "column", "message"}


def test_seeds_schema_prints_json(chatctl: Chatctl) -> None:
    assert json.loads(chatctl("seeds", "schema").stdout)["type"] == "object"


def test_status_shows_the_state_of_the_database(chatctl: Chatctl, name: str) -> None:
    chatctl("roles", "create", "support")
    state = json.loads(chatctl("db", "status", "-o", "json").stdout)
    assert (state["database"], state["transactions"]) == (name, True)
    assert {found["name"]: found["count"] for found in state["collections"]}["Role"] == 1
    shown = chatctl("db", "status").stdout
    assert shown.split()[:2] == ["DATABASE", name]
    assert "\n\nCOLLECTION      COUNT  BYTES\n" in shown


def test_a_conflicting_index_is_kept_and_a_failing_one_does_not_stop_the_others(
    chatctl: Chatctl, database: Database[dict[str, Any]]
) -> None:
    database["User"].create_index("email", unique=True, name="email_1")
    database["Role"].insert_many([{"name": "a"}, {"name": "a"}])

    refused = chatctl("db", "indexes", "--apply", code=8)

    assert "some indexes could not be created: Role_name_key (two documents have the same value)" in refused.stderr
    states = {row["name"]: row["state"] for row in json.loads(chatctl("db", "indexes", "-o", "json").stdout)}
    assert states.pop("User_email_key") == "conflict"
    assert states.pop("Role_name_key") == "missing"
    assert set(states.values()) == {"present"}
    assert set(database["User"].index_information()) >= {"email_1", "User_username_key"}
    assert "no index could be created" in chatctl("db", "indexes", "--apply", code=4).stderr
    assert "db indexes --apply" in chatctl("audit", "list").stdout


def test_missing_indexes_are_shown_and_created(chatctl: Chatctl, database: Database[dict[str, Any]]) -> None:
    listed = json.loads(chatctl("db", "indexes", "-o", "json").stdout)
    missing = [row["name"] for row in listed if row["state"] == "missing"]
    assert "User_email_key" in missing
    assert chatctl("db", "indexes", "--apply", "-n").stdout.count("+ index ") == len(missing)
    assert "User_email_key" not in database["User"].index_information()
    assert "User_email_key: created\n" in chatctl("db", "indexes", "--apply").stdout
    assert database["User"].index_information()["User_email_key"]["unique"] is True
    assert {row["state"] for row in json.loads(chatctl("db", "indexes", "-o", "json").stdout)} == {"present"}
    chatctl("db", "indexes", "--apply", "-o", "yaml", code=2)


def test_events_about_a_user_are_found_by_id_username_or_email(
    chatctl: Chatctl, database: Database[dict[str, Any]]
) -> None:
    ada, other = ObjectId(), ObjectId()
    database["User"].insert_one({"_id": ada, "username": "ada", "email": "Ada@example.org", "rolesIds": []})
    chatctl("roles", "create", "support")
    database["Role"].update_one({}, {"$set": {"userIds": [ada]}})
    database["User"].update_one({}, {"$set": {"rolesIds": [database["Role"].find_one()["_id"]]}})  # type: ignore[index]
    chatctl("roles", "delete", "support", "--yes")
    for target in (ada, f"id:{ada}", "ada", "username:ada", "ada@EXAMPLE.org", "email:ada@example.org"):
        assert chatctl("audit", "list", "--target", target, "--count").stdout == "1\n", target
    assert chatctl("audit", "list", "--target", "grace", code=3).stderr.startswith('error: no user "grace"')
    database["User"].insert_one({"_id": other, "username": "ada2", "email": "ada@example.org"})
    said = chatctl("audit", "list", "--target", "ada@example.org", code=4).stderr
    listed = f"id:{ada} (ada, Ada@example.org), id:{other} (ada2, ada@example.org)"
    assert said == f'error: several users have the email "ada@example.org"\nhint: use one of {listed}\n'


def test_the_matrix_distinguishes_two_roles_with_the_same_name(
    chatctl: Chatctl, database: Database[dict[str, Any]]
) -> None:
    read = database["Permission"].insert_one({"name": "user.read"}).inserted_id
    with_it = database["Role"].insert_one({"name": "dup", "permissionsIds": [read]}).inserted_id
    database["Role"].insert_one({"name": "dup"})
    [row] = json.loads(chatctl("roles", "matrix", "-o", "json").stdout)
    assert row["roles"] == [f"dup ({with_it})"]
