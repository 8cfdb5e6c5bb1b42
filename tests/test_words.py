"""Messages, hints and notes use plain, standard words, because many readers have English as a second language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("changes", "database", "models", "seeds")
PHRASES: Final = re.compile(
    r"""
    \b(is|are|was|were)\ no\b(?!\ longer) | \bnone\ of\b | \b(wants?|belongs\ here)\b | \b(behind|anew|alone)\b
    | \ball\ the\ same\b | \bby\ then\b | \bwhat\ is\ there\b | \bsuch\ as\b | \bof\ (its|their)\ own\b
    | \bhas\ to\ be\b | \bstands?\ (here|there)\b | \b(somebody|nobody|whoever|meanwhile)\b | \bmends?\b
    """,
    re.VERBOSE,
)


def texts(path: Path) -> Iterator[str]:
    """Yield the strings of a module, except docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("package", PACKAGES)
def test_no_message_has_a_phrase_that_is_hard_to_understand(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert [f"{path.name}: {text}" for path in files for text in texts(path) if PHRASES.search(text)] == []
