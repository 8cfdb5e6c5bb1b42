"""Messages: what was written, who has seen it, and what is taken away of it."""

from actions.messages.filters import Filters
from actions.messages.listing import find, show
from actions.messages.searching import search

__all__ = ["Filters", "find", "search", "show"]
