"""Contexts: names for databases, one of which may be the current one, kept in a file of their user.

Start reading at `load`.
"""

from database.contexts.config_file import SOURCES, Context, Contexts, load
from database.contexts.editing import add, remove, use
from database.contexts.urls import address, check, url

__all__ = ["SOURCES", "Context", "Contexts", "add", "address", "check", "load", "remove", "url", "use"]
