"""What may be done, a module for each noun; each is imported when it is first used, so that help needs no driver."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actions import (
        audit,
        checking,
        contexts,
        conversations,
        database,
        finding,
        generating,
        guarding,
        messages,
        odd_references,
        permissions,
        privileges,
        roles,
        stats,
        users,
    )

__all__ = [
    "audit",
    "checking",
    "contexts",
    "conversations",
    "database",
    "finding",
    "generating",
    "guarding",
    "messages",
    "odd_references",
    "permissions",
    "privileges",
    "roles",
    "stats",
    "users",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
