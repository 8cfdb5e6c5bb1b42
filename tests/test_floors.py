"""No module writes to the database except through a changeset."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WRITES = {
    "bulk_write",
    "create_index",
    "delete",
    "delete_many",
    "delete_one",
    "drop",
    "drop_collection",
    "drop_database",
    "find_one_and_delete",
    "find_one_and_replace",
    "find_one_and_update",
    "insert_many",
    "insert_one",
    "modify",
    "replace_one",
    "save",
    "update_many",
    "update_one",
}
OURS = {
    "draft",
    "self.draft",
    "super()",  # The draft of a repair is a `Draft`, and `super()` is never a document here.
    *(f"actions.{noun}" for noun in ("conversations", "messages", "permissions", "roles", "users")),
}
ALLOWED = {"changes", "database/indexes.py", "database/local"}


def files() -> list[str]:
    found = [
        path.relative_to(ROOT).as_posix()
        for floor in ("cli", "imports", "seeds", "actions", "changes", "database", "models")
        for path in (ROOT / floor).rglob("*.py")
    ]
    return [name for name in sorted(found) if not any(name.startswith(place) for place in ALLOWED)]


@pytest.mark.parametrize("name", files())
def test_no_other_module_writes_without_a_changeset(name: str) -> None:
    calls = [node.func for node in ast.walk(ast.parse((ROOT / name).read_text())) if isinstance(node, ast.Call)]
    methods = [call for call in calls if isinstance(call, ast.Attribute) and call.attr in WRITES]
    found = [ast.unparse(call) for call in methods if ast.unparse(call.value) not in OURS]
    assert found == []
