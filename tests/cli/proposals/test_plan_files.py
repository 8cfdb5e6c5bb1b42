"""Plans in files: one person saves a plan, another person reviews and applies it."""

import json
import os
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import typed
from people import Documents
from proposing import ABOUT_PROPOSALS, UNPROPOSABLE

from tests.conftest import Chatctl

pytestmark = pytest.mark.parametrize("server_or_mock", ["mongomock"])
SAVE = ("users", "suspend", "cyd", "--save-plan", "saved.json")


@pytest.fixture
def office(chatctl: Chatctl, database: Documents) -> Chatctl:
    typed.settle(database)
    return chatctl


def status(database: Documents) -> str:
    return str((database["User"].find_one({"username": "cyd"}) or {})["status"])


def test_a_plan_is_saved_reviewed_and_applied_once(office: Chatctl, database: Documents, workspace: Path) -> None:
    before = list(database["chatctl_audit"].find())
    said = office(*SAVE)
    assert (said.stdout, "chatctl apply saved.json" in said.stderr) == ("", True)
    assert office("apply", "saved.json", "-n").stdout.startswith("~ User cyd: status ACTIVE -> SUSPENDED")
    assert json.loads((workspace / "saved.json").read_text())["changes"][0].startswith("~ User cyd: status ACTIVE")
    assert (status(database), list(database["chatctl_audit"].find())) == ("ACTIVE", before)
    office("apply", "saved.json", code=7)
    event = json.loads(office("apply", "saved.json", "--yes", "--reason", "spam", "-o", "json").stdout)["event"]
    assert status(database) == "SUSPENDED"
    shown = json.loads(office("audit", "show", event, "-o", "json").stdout)
    assert shown["command"].startswith("apply sha256:")
    assert shown["command"].endswith("(users suspend cyd)")
    assert "user cyd was changed (status)" in office("apply", "saved.json", "--yes", code=4).stderr
    office("audit", "undo", event, "--yes")
    assert status(database) == "ACTIVE"


def test_a_plan_replaces_no_file_and_is_not_a_proposal(office: Chatctl, workspace: Path) -> None:
    (workspace / "saved.json").write_text("mine")
    said = office(*SAVE, code=4)
    assert "--overwrite" not in said.stderr
    assert (workspace / "saved.json").read_text() == "mine"
    for more in (("--dry-run",), ("--propose", "--reason", "spam")):
        office(*SAVE, *more, code=2)
    said = json.loads(office(*SAVE[:-1], "other.json", "-o", "json").stdout)
    assert (said["event"], said["results"][0]["outcome"]) == (None, "saved")
    assert json.loads(office(*SAVE[:-1], "-").stdout)["command"] == "users suspend cyd"


def test_a_plan_without_changes_is_not_saved(office: Chatctl, workspace: Path) -> None:
    line = ("users", "suspend", "bob", "--save-plan")
    said = office(*line, "saved.json")
    assert (said.stdout, said.stderr.splitlines()) == ("", ["bob: unchanged (already suspended)", "nothing to do"])
    assert office(*line, "-").stdout == ""
    assert json.loads(office(*line, "saved.json", "-o", "json").stdout)["results"][0]["outcome"] == "unchanged"
    assert not (workspace / "saved.json").exists()


@pytest.mark.parametrize("command", sorted(typed.WRITES.keys() - UNPROPOSABLE.keys() - ABOUT_PROPOSALS))
def test_each_write_can_be_saved_and_read_again(
    office: Chatctl, database: Documents, workspace: Path, command: str
) -> None:
    typed.lay_out(workspace)
    if command == "db unprotect":
        office("db", "protect", "prod", "--yes")
    office(*command.split(), *typed.WRITES[command], "--save-plan", "saved.json")
    office("apply", "saved.json", "--dry-run")


def changed(document: dict[str, Any], **fields: Any) -> str:
    return json.dumps({**document, **fields})


def test_a_file_that_is_not_a_plan_for_this_database_is_refused(office: Chatctl, workspace: Path) -> None:
    office(*SAVE)
    saved = json.loads((workspace / "saved.json").read_text())
    secret = json.loads(json.dumps(saved).replace('"status"', '"hashedPassword"'))
    for text, code in {
        changed(saved, database="other"): 4,
        changed(saved, server="other"): 4,
        changed(saved, version=1): 5,
        changed(saved, chatctl="another"): 5,
        changed(saved, plan={}): 5,
        changed(saved, plan=[{"$oid": "x"}]): 5,
        changed(saved, plan=secret["plan"]): 5,
        changed(saved, changes=["~ User cyd: name Cyd -> Cyd Charisse"]): 4,
        changed(saved, command="users show cyd"): 4,
        json.dumps(saved).replace("cyd: status", "ada: status"): 4,
        **{
            changed(saved, plan={**saved["plan"], "undoes": value}): 5
            for value in ({"$numberDecimal": "x"}, {"$binary": {}}, {"$regularExpression": {}}, {"$date": "x"})
        },
        "[]": 5,
        "": 5,
    }.items():
        (workspace / "other.json").write_text(text)
        office("apply", "other.json", "--yes", code=code)
    office("apply", "none.json", code=3)
    office("seeds", "apply", "--plan", "saved.json", code=5)


def test_plans_of_seeds_are_applied_too(office: Chatctl, database: Documents, workspace: Path) -> None:
    (workspace / "seed.yaml").write_text("version: 1\npermissions: [role.read]\n")
    office("seeds", "plan", "seed.yaml", "--to", "plan.json")
    office("apply", "plan.json", "--yes")
    assert database["Permission"].find_one({"name": "role.read"})
    office("apply", "plan.json", "--yes", code=4)


def test_a_context_that_is_read_only_can_save_a_plan(office: Chatctl, database: Documents) -> None:
    office("context", "add", "prod", "--url-env", "MONGODB_DATABASE_URL", "--read-only")
    office(*SAVE, "--context", "prod")
    office("apply", "saved.json", "--yes", "--context", "prod", code=7)
    assert status(database) == "ACTIVE"


@pytest.mark.parametrize("seed", [False, True], ids=["plan", "seed"])
def test_a_plan_is_read_once_from_a_pipe(office: Chatctl, database: Documents, workspace: Path, *, seed: bool) -> None:
    if seed:
        (workspace / "seed.yaml").write_text("version: 1\npermissions: [role.read]\n")
        office("seeds", "plan", "seed.yaml", "--to", "saved.json")
    else:
        office(*SAVE)
    text = (workspace / "saved.json").read_text()
    os.mkfifo(workspace / "pipe")
    writer = Thread(target=(workspace / "pipe").write_text, args=[text])
    writer.start()
    office("apply", "pipe", "--dry-run")
    writer.join()
    office("apply", "-", "--yes", input=text)
    assert bool(database["Permission"].find_one({"name": "role.read"})) == seed
    assert (status(database) == "ACTIVE") == seed


def test_a_plan_is_shown_to_reviewers_as_markdown(office: Chatctl, database: Documents, workspace: Path) -> None:
    office("users", "delete", "ada", "--save-plan", "saved.json")
    assert "add --dry-run" in office("apply", "saved.json", "--yes", "-o", "markdown", code=2).stderr
    report = office("apply", "saved.json", "-n", "-o", "markdown").stdout
    assert report.startswith("### chatctl apply: ")
    assert "`users delete ada`" in report
    assert "- User ada: email ada@example.org" in report
    assert "moved since" not in report
    database["User"].update_one({"username": "ada"}, {"$set": {"name": "Ada"}})
    assert (
        "- moved since: `user ada was changed (name)`" in office("apply", "saved.json", "-n", "-o", "markdown").stdout
    )
    office("users", "delete", "ada", "--yes")
    assert "user ada no longer exists" in office("apply", "saved.json", "--yes", code=4).stderr
    (workspace / "seed.yaml").write_text("version: 1\npermissions: [role.read]\n")
    office("seeds", "plan", "seed.yaml", "--to", "plan.json")
    assert "+ permission role.read" in office("apply", "plan.json", "-n", "-o", "markdown").stdout
