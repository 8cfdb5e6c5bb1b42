"""Contexts: names for databases, one of which may be the current one, kept in a file of their user."""

from models.contexts.changing import add, remove, use
from models.contexts.reading import SOURCES, Context, Contexts, load
from models.contexts.urls import address, check, url

__all__ = ["SOURCES", "Context", "Contexts", "add", "address", "check", "load", "remove", "url", "use"]
