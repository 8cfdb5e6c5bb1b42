"""Conversations: who is in them, what was said, and how they are kept in order."""

from actions.conversations.changing import add, create, remove, rename
from actions.conversations.deleting import delete
from actions.conversations.listing import Filters, find
from actions.conversations.showing import show
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
