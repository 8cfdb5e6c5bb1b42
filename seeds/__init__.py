"""Seed files, from reading to planning; each module is imported when it is first used, so that help needs no YAML."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seeds import exporting, planning, reading, saved, schema, testing

__all__ = ["exporting", "planning", "reading", "saved", "schema", "testing"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
