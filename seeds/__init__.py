"""Read seed files (YAML), compare them with the database, and plan the changes that make the database match.

Start reading at `reading.read`, which makes a checked `Seed` from files: `yaml_tree` parses a file, `schema` checks it,
and `seed` resolves patterns and names. Then `planning.plan` makes a `Plan` from a seed and the database: `state` reads
the database, `comparison` finds the differences and makes changes of them, and `planning` describes the changes.
`exporting` makes a seed file from the database.

Each module is imported at its first use, so that the help of a command does not import the YAML library.
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
