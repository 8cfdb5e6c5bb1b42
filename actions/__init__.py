"""What may be done, a module for each noun; each is imported when it is first used, so that help needs no driver."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actions import (
        audit,
        contexts,
        conversations,
        database,
        lookup,
        messages,
        permissions,
        roles,
        users,
        wrong_id_types,
    )

__all__ = [
    "audit",
    "contexts",
    "conversations",
    "database",
    "lookup",
    "messages",
    "permissions",
    "roles",
    "users",
    "wrong_id_types",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
