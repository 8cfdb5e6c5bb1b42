"""Messages, hints, help and pages use plain, standard words, because many readers have English as a second language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from generate import NAMES, PAGES

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("actions", "changes", "cli", "database", "imports", "models", "seeds")
PHRASES: Final = r"""
    \b(?<!there\ )(is|are|was|were)\ no\ (?!longer|more) | \bnone\ of\b | \bbelongs\ here\b | \b(behind|anew|alone)\b
    | \ball\ the\ same\b | \bby\ then\b | \bwhat\ is\ there\b | \bsuch\ as\b | \bof\ (its|their|one's)\ own\b
    | \bhas\ to\ be\b | \bstands?\ (here|there|behind)\b | \bwhoever\b | \bmend(s|ed)?\b
"""
IN_MESSAGES: Final = re.compile(
    rf"{PHRASES} | \b(wants?|somebody|nobody|meanwhile)\b | \b(is|are)\ no\b(?!\ longer)", re.VERBOSE
)
ON_PAGES: Final = re.compile(PHRASES, re.VERBOSE)


def texts(path: Path) -> Iterator[str]:
    """Yield the strings of a module that users read: all strings except docstrings, and the docstrings of commands."""
    tree = ast.parse(path.read_text("utf-8"))
    commands = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _is_command(node)]
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    yield from filter(None, map(ast.get_docstring, commands))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def _is_command(function: ast.FunctionDef) -> bool:
    return any("app.command" in ast.unparse(decorator) for decorator in function.decorator_list)


def found(phrases: re.Pattern[str], text: str) -> list[str]:
    """Return the phrases that are hard to understand, with the words around them."""
    flat = " ".join(text.split())
    return [flat[max(match.start() - 30, 0) : match.end() + 30] for match in phrases.finditer(flat)]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_message_has_a_phrase_that_is_hard_to_understand(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert [
        f"{path.name}: {phrase}" for path in files for text in texts(path) for phrase in found(IN_MESSAGES, text)
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_no_page_has_a_phrase_that_is_hard_to_understand(page: Path) -> None:
    assert found(ON_PAGES, page.read_text("utf-8")) == []
