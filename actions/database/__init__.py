"""The database as a whole, a module for each command; each is imported when it is first used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actions.database import checking, generating, protecting, server, server_roles, stats

__all__ = ["checking", "generating", "protecting", "server", "server_roles", "stats"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
