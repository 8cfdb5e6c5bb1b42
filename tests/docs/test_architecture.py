"""The page about the architecture has the same names of invariants as the code, and names tests that exist."""

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent
PAGE: Final = (ROOT / "docs" / "architecture.md").read_text("utf-8")
ROWS: Final = re.findall(
    r"^- \*\*([^*]+?)\.?\*\*(?:(?!^- ).)*?`(\w\S+\.py)`\s+·\s+`(test_\w+)`", PAGE, re.MULTILINE | re.DOTALL
)
TESTS: Final = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


def said(text: str) -> str:
    return " ".join(text.split()).lower()


@pytest.mark.parametrize(("invariant", "place", "test"), ROWS, ids=[row[0] for row in ROWS])
def test_an_invariant_is_named_in_the_code_and_has_a_test(invariant: str, place: str, test: str) -> None:
    assert f"invariant: {said(invariant)}" in said((ROOT / place).read_text("utf-8"))
    assert f"def {test}(" in TESTS


def test_every_invariant_of_the_code_is_on_the_page() -> None:
    named = sum(path.read_text("utf-8").count("Invariant:") for path in (ROOT / "changes").rglob("*.py"))
    assert named == len(ROWS) == len({row[0] for row in ROWS})
