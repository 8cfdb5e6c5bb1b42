"""What the README promises is what there is."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from cli.app import GROUPS, app

README = (Path(__file__).parent.parent / "README.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| .*? \| ((?:`[\w-]+` ?)+) \|$", README, re.MULTILINE))


def test_the_groups_are_those_of_the_help() -> None:
    assert list(ROWS) == list(GROUPS)


@pytest.mark.parametrize("name", GROUPS)
def test_the_commands_of_a_group_are_those_of_its_help(name: str) -> None:
    group: Any = get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    assert re.findall(r"`([\w-]+)`", ROWS[name]) == list(group.commands)


def test_the_seed_of_the_readme_applies(chatctl: Any, tmp_path: Path) -> None:
    seed = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert seed is not None
    assert yaml.safe_load(seed[1])["version"] == 1
    (tmp_path / "team.yaml").write_text(seed[1])
    environment = {"ADMIN_EMAIL": "admin@example.org", "ADMIN_PASSWORD": "7 kettles on the quiet pier"}
    chatctl("seeds", "validate", "team.yaml")
    chatctl("seeds", "test", "team.yaml")
    chatctl("seeds", "plan", "team.yaml", "--exit-code", code=1, env=environment)
    chatctl("seeds", "apply", "team.yaml", env=environment)
    chatctl("seeds", "plan", "team.yaml", "--exit-code", env=environment)
    assert "admin" in chatctl("roles", "list").stdout


def test_the_drift_in_the_first_session_is_what_plan_says(chatctl: Any) -> None:
    chatctl("seeds", "apply", "--yes")
    chatctl("roles", "revoke", "moderator", "message.delete", "--yes")
    assert chatctl("seeds", "plan").stdout in README
