"""chatctl can be installed with each tool and each Python version of this machine, and works in another folder."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import Run, uv

PYTHONS = {f"3.{sys.version_info.minor}": sys.executable}
for minor in (11, 12, 13):
    theirs = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))
    found = theirs[-1] if theirs else shutil.which(f"python3.{minor}")
    if found:
        PYTHONS.setdefault(f"3.{minor}", str(found))


def tour(run: Run, program: Path) -> None:
    """Run the commands that a new user types first after the installation."""
    assert run(program, "--version").stdout == "chatctl 0.1.0\n"
    assert run(program, "--help").stdout.startswith("Usage: chatctl [OPTIONS] COMMAND [ARGS]...\n")
    assert run(program, "seeds", "validate").stdout == "valid: 22 permissions, 4 roles, 0 users\n"


@pytest.mark.parametrize("version", PYTHONS)
def test_the_wheel_works_on_every_python(run: Run, wheel: Path, tmp_path: Path, version: str) -> None:
    place = tmp_path / "venv"
    uv("venv", "--quiet", "--python", PYTHONS[version], place)
    uv("pip", "install", "--quiet", "--python", place, f"{wheel}[local]")
    program = place / "bin" / "chatctl"
    tour(run, program)
    assert run(place / "bin" / "python", "-I", "-m", "cli", "--version").stdout == "chatctl 0.1.0\n"
    assert run(place / "bin" / "python", "-W", "error", "-c", "import cli.app").stderr == ""
    try:
        assert "role admin: created\n" in run(program, "--local", "seeds", "apply").stdout
        assert run(program, "--local", "roles", "list", "--count").stdout == "4\n"
    finally:
        run(program, "--local", "db", "stop")


def test_uv_installs_chatctl_as_a_tool(run: Run, tmp_path: Path) -> None:
    tools = {"UV_TOOL_DIR": tmp_path / "tools", "UV_TOOL_BIN_DIR": tmp_path / "bin"}
    install = ("tool", "install", "--quiet", "--python", sys.executable, "--reinstall-package", "chatctl")
    uv(*install, ".", env=tools)
    program = tmp_path / "bin" / "chatctl"
    tour(run, program)
    assert "uv tool install '.[local]'" in run(program, "--local", "roles", "list", code=6).stderr
    uv(*install, ".[local]", env=tools)
    try:
        assert run(program, "--local", "roles", "list").stderr == "nothing found\n"
    finally:
        run(program, "--local", "db", "stop")


def test_pipx_installs_chatctl(run: Run, tmp_path: Path) -> None:
    place = {"PIPX_HOME": tmp_path / "pipx", "PIPX_BIN_DIR": tmp_path / "bin", "PIPX_DEFAULT_PYTHON": sys.executable}
    uv("tool", "run", "--quiet", "pipx", "install", ".", env=place)
    tour(run, tmp_path / "bin" / "chatctl")
    uv("tool", "run", "--quiet", "pipx", "install", "--force", ".[local]", env=place)
    assert os.access(tmp_path / "pipx" / "venvs" / "chatctl" / "bin" / "secantusd-py", os.X_OK)
