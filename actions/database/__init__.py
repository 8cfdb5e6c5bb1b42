"""Actions on the whole database, for the commands of the group `db`.

Each module is imported at its first use. Start reading at `server.status`, or at `checking.check`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actions.database import checking, copying, generating, server, server_roles, stats

__all__ = ["checking", "copying", "generating", "server", "server_roles", "stats"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
