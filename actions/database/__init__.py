"""Actions on the database as a whole, one module or package for each command of `db`.

Each is imported when it is first used. Start reading at `server.status`, or at `checking.check`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actions.database import checking, generating, server, server_roles, stats

__all__ = ["checking", "generating", "server", "server_roles", "stats"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
