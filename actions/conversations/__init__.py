"""Conversations: who is in them, what was said, and how they are kept in order."""

from actions.conversations.changing import add, remove, rename
from actions.conversations.creating import create
from actions.conversations.deleting import delete
from actions.conversations.dossier import show
from actions.conversations.filters import Filters
from actions.conversations.listing import find
from actions.conversations.transcript import Transcript, lacks_index, transcript

__all__ = [
    "Filters",
    "Transcript",
    "add",
    "create",
    "delete",
    "find",
    "lacks_index",
    "remove",
    "rename",
    "show",
    "transcript",
]
