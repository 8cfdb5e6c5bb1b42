"""What may be done, a module for each noun; each is imported when it is first used, so that help needs no driver."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actions import audit as audit, database as database, permissions as permissions, roles as roles


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    return importlib.import_module(f"{__name__}.{name}")
