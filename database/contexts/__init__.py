"""Contexts: names for databases, stored in the user's configuration file. One context can be the current context.

Start reading at `load`.
"""

from database.contexts.config_file import LOCAL, SOURCES, Context, Contexts, load
from database.contexts.editing import add, remove, use
from database.contexts.urls import address, check, url

__all__ = ["LOCAL", "SOURCES", "Context", "Contexts", "add", "address", "check", "load", "remove", "url", "use"]
