"""The GitHub Actions workflow in the README works if a user copies the workflow."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from generate import ROOT
from people import Documents
from session import blocks

from tests.conftest import Chatctl

[WORKFLOW] = [one for one in blocks((ROOT / "README.md").read_text("utf-8")) if (one.name or "").startswith(".github")]
SEED = "version: 1\nseed: team\npermissions: [report.read]\nroles: [{name: reporter, permissions: [report.read]}]\n"


CONDITION = re.compile(r"github\.event_name (==|!=) '(\w+)'")
EXPRESSIONS = {
    "secrets.MONGODB_DATABASE_URL": "",
    "github.sha": "0123abc",
    "github.token": "token",
    "github.event.number": "17",
}
"""The values that the job gets from GitHub. The URL is empty, because the test sets its own database."""


def filled(env: dict[str, str]) -> dict[str, str]:
    return {name: re.sub(r"\${{ ([\w.]+) }}", lambda found: EXPRESSIONS[found[1]], text) for name, text in env.items()}


def applies(step: dict[str, Any], event: str) -> bool:
    """Tell whether a step has a command, and runs for this kind of event."""
    if "if" in step:
        found = CONDITION.fullmatch(step["if"])
        assert found, step
        return (found[2] == event) == (found[1] == "==")
    return "run" in step


@pytest.fixture
def job(shell: dict[str, str], settled: Documents, workspace: Path) -> Any:
    """Return a function that runs the steps of the job for a GitHub event, and returns the result of the last step."""
    (workspace / "seeds").mkdir()
    (workspace / "seeds" / "team.yaml").write_text(SEED)
    (workspace / "chatctl").symlink_to(ROOT)
    [said] = yaml.safe_load(WORKFLOW.text)["jobs"].values()
    assert said["env"]["MONGODB_DATABASE_URL"] == "${{ secrets.MONGODB_DATABASE_URL }}"
    on_github = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(workspace / "summary.md")}
    variables = {**filled(said["env"]), **shell, **on_github, "CHATCTL_EXPECT": settled.name}

    def run(event: str) -> subprocess.CompletedProcess[str]:
        assert event in yaml.safe_load(WORKFLOW.text)[True]  # YAML 1.1 reads the key `on` as a boolean
        done = subprocess.CompletedProcess("", 0, "", "")
        for step in said["steps"]:
            if applies(step, event) and done.returncode == 0:
                line = ["bash", "-e", "-o", "pipefail", "-c", step["run"]]
                env = variables | filled(step.get("env", {}))
                done = subprocess.run(line, env=env, capture_output=True, text=True, check=False)  # noqa: S603
        return done

    return run


def test_a_pull_request_gets_the_plan_as_a_comment_and_changes_nothing(
    job: Any, settled: Documents, workspace: Path
) -> None:
    done = job("pull_request")
    assert (done.returncode, done.stderr) == (0, "")
    head, _, comment = done.stdout.partition("\n")
    assert head == "pr comment 17 --edit-last --create-if-none --body-file plan.md"
    assert comment == (
        f"### chatctl seeds plan: `{settled.name}`\n\n"
        "```diff\n+ role reporter\n+     report.read\n+ permission report.read\n```\n\n"
        "Plan: create 1 permission, 1 role.\n"
    )
    assert comment in (workspace / "summary.md").read_text()
    assert settled["Role"].find_one({"name": "reporter"}) is None


def test_a_wrong_file_fails_a_pull_request_and_is_shown_in_the_file(job: Any, workspace: Path) -> None:
    (workspace / "seeds" / "team.yaml").write_text(SEED.replace("[report.read]}", "[report.raed]}"))
    done = job("pull_request")
    assert done.returncode == 5
    assert "\n::error file=seeds/team.yaml,line=4,col=" in done.stderr


def test_a_push_applies_the_seeds(job: Any, chatctl: Chatctl) -> None:
    done = job("push")
    assert (done.returncode, done.stdout, done.stderr) == (0, "No changes.\n", "")
    assert "reporter" in chatctl("roles", "list").stdout
    assert "0123abc" in chatctl("audit", "list", "--actor", "ci").stdout


def test_after_a_change_by_hand_the_next_run_fails(job: Any, chatctl: Chatctl) -> None:
    job("push")
    chatctl("roles", "revoke", "reporter", "report.read", "--yes")
    done = job("schedule")
    assert done.returncode == 1
    assert "~ role reporter\n    + report.read\n" in done.stdout
    assert job("push").returncode == 0


def test_another_database_is_not_changed(job: Any, chatctl: Chatctl, settled: Documents) -> None:
    chatctl("db", "protect", "elsewhere")
    assert job("push").returncode == 7
    assert settled["Role"].find_one({"name": "reporter"}) is None
