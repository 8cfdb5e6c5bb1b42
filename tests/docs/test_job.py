"""The job of the README works when it is copied."""

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


@pytest.fixture
def job(shell: dict[str, str], settled: Documents, workspace: Path) -> Any:
    """Run the steps of the job as on a push, or as on its schedule; give what the last one that ran said."""
    (workspace / "seeds").mkdir()
    (workspace / "seeds" / "team.yaml").write_text(SEED)
    (workspace / "chatctl").symlink_to(ROOT)
    [said] = yaml.safe_load(WORKFLOW.text)["jobs"].values()
    assert said["env"]["MONGODB_DATABASE_URL"] == "${{ secrets.MONGODB_DATABASE_URL }}"
    variables = {**said["env"], **shell, "DATABASE": settled.name, "GITHUB_SHA": "0123abc"}

    def run(event: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.CompletedProcess("", 0, "", "")
        for step in said["steps"]:
            if "run" in step and done.returncode == 0 and event in step.get("if", event):
                line = ["bash", "-e", "-o", "pipefail", "-c", step["run"]]
                done = subprocess.run(line, env=variables, capture_output=True, text=True, check=False)  # noqa: S603
        return done

    return run


def test_a_push_applies_the_seeds(job: Any, chatctl: Chatctl) -> None:
    done = job("push")
    assert (done.returncode, done.stdout, done.stderr) == (0, "No changes.\n", "")
    assert "reporter" in chatctl("roles", "list").stdout
    assert "0123abc" in chatctl("audit", "list", "--actor", "ci").stdout


def test_a_change_by_hand_fails_the_next_run(job: Any, chatctl: Chatctl) -> None:
    job("push")
    chatctl("roles", "revoke", "reporter", "report.read", "--yes")
    done = job("schedule")
    assert done.returncode == 1
    assert "~ role reporter\n    + report.read\n" in done.stdout
    assert job("push").returncode == 0


def test_another_database_is_left_alone(job: Any, chatctl: Chatctl, settled: Documents) -> None:
    chatctl("db", "protect", "elsewhere")
    assert job("push").returncode == 7
    assert settled["Role"].find_one({"name": "reporter"}) is None
