"""The contents of the wheel and of the Docker image."""

import re
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

PACKAGES = ("actions", "changes", "cli", "database", "imports", "models", "seeds")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def contents(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def test_the_wheel_has_every_file_of_the_packages_and_nothing_else(contents: dict[str, str]) -> None:
    files = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    info = f"chatctl-{PROJECT['version']}.dist-info"
    about = {f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")}
    assert {
        "cli/__main__.py",
        "cli/output/page.css",
        "seeds/default.yaml",
        "imports/products/clerk.yaml",
        "actions/database/generating/phrases.json",
    } <= files
    assert set(contents) == files | about


def test_the_wheel_has_its_description_and_dependencies(contents: dict[str, str]) -> None:
    info = f"chatctl-{PROJECT['version']}.dist-info"
    said = Parser().parsestr(contents[f"{info}/METADATA"])
    needs = [need for need in said.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert (said["Name"], said["Version"]) == ("chatctl", PROJECT["version"])
    assert said["License-Expression"] == "MIT"
    assert contents[f"{info}/licenses/LICENSE"] == (ROOT / "LICENSE").read_text()
    assert set(said["Requires-Python"].split(",")) == set(PROJECT["requires-python"].split(","))
    assert len(needs) == len(PROJECT["dependencies"])
    assert said.get_all("Provides-Extra") == ["local"]
    assert "[console_scripts]\nchatctl = cli.__main__:main\n" in contents[f"{info}/entry_points.txt"]


def test_packages_with_another_licence_are_only_optional_dependencies(contents: dict[str, str]) -> None:
    said = Parser().parsestr(contents[f"chatctl-{PROJECT['version']}.dist-info/METADATA"])
    [need] = [need for need in said.get_all("Requires-Dist", []) if need.startswith("secantusdb")]
    assert need.endswith("extra == 'local'")


def test_the_docker_image_is_small_has_the_wheel_and_runs_as_any_user(wheel: Path) -> None:
    lines = [
        tuple(line.split(maxsplit=1)) for line in (ROOT / "Dockerfile").read_text().splitlines() if line[:1] != "#"
    ]
    said = dict(lines)
    assert [word for word, _ in lines] == ["FROM", "RUN", "WORKDIR", "USER", "ENTRYPOINT"]
    assert said["FROM"] == "python:3.13-slim"
    assert int(said["USER"]) > 0
    assert said["ENTRYPOINT"] == '["chatctl"]'
    [pattern] = re.findall(r" /(dist/\S+)", said["RUN"])
    assert Path("dist", wheel.name).match(pattern)
    assert (ROOT / ".dockerignore").read_text().split() == ["*", f"!{pattern}"]
