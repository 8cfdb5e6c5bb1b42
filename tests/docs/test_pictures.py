"""The pages show exactly the pictures of the script, which load no files and do not show data of this machine."""

import getpass
import os
import re
import shlex
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from generate import NAMES, PAGES, PICTURE
from pictures import FOLDER, PICTURES
from typer.main import get_command

from cli.app import app

FILES = sorted(FOLDER.iterdir())


def test_every_picture_is_made_by_the_script_and_shown_on_a_page() -> None:
    shown = {path.split("/")[-1] for page in PAGES for path in re.findall(r'="([^"]*\.svg)"', page.read_text("utf-8"))}
    assert {path.name for path in FILES} == {f"{name}.svg" for name in PICTURES} == shown


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_picture_is_on_its_own_line_with_a_text_and_a_size(page: Path) -> None:
    rows = [line for line in page.read_text("utf-8").splitlines() if ".svg" in line]
    assert [line for line in rows if not re.fullmatch(f"{PICTURE.pattern}>", line)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_picture_loads_no_other_file(path: Path) -> None:
    drawn = path.read_text("utf-8")
    assert ET.fromstring(drawn).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own file
    assert set(re.findall(r"\w+://[^\"' <)]*", drawn)) == {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r"url\(([^)]*)\)", drawn)) <= set(re.findall(r"url\((#[^)]*)\)", drawn))
    assert "<script" not in drawn
    assert len(drawn) < 30_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_picture_contains_no_names_of_the_machine(path: Path) -> None:
    said = "".join(ET.fromstring(path.read_text("utf-8")).itertext())  # noqa: S314
    for name in (
        f"@{os.uname().nodename}",
        f"{getpass.getuser()}@",
        str(Path.home()),
        tempfile.gettempdir(),
        "pid",
        "Traceback",
    ):
        assert name not in said


@pytest.mark.parametrize("line", [line for lines in PICTURES.values() for line in lines])
def test_commands_in_the_pictures_are_valid(line: str) -> None:
    group, command, *rest = shlex.split(line.replace("ID", "6" * 24))
    root = get_command(app)
    with root.make_context("chatctl", [], resilient_parsing=True) as above:
        found = root.get_command(above, group).get_command(above, command)  # type: ignore[attr-defined]
        assert found.make_context(command, rest, parent=above, resilient_parsing=False).params
