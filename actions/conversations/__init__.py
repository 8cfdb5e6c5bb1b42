"""Conversations: who is in them, what was said, and how they are kept in order."""

from actions.conversations.dossier import show
from actions.conversations.filters import Filters
from actions.conversations.listing import find

__all__ = ["Filters", "find", "show"]
