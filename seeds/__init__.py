"""Seed files: read their YAML, compare them with the database, and plan the changes that the database needs.

Start with `reading.read` (files → a checked `Seed`), then `planning.plan` (a seed and the database → a `Plan`). On the
way `yaml_tree` parses, `schema` checks and `seed` resolves; then `comparison` finds the differences from the `state`
and makes changes of them, and `planning` describes them. `exporting` is the way back.

Each module is imported at its first use, because help requires no YAML.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seeds import exporting, planning, reading, saved_plans, schema

__all__ = ["exporting", "planning", "reading", "saved_plans", "schema"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
