"""Conversations: who is in them, what was said, and how they are kept in order."""

from actions.conversations.changing import add, remove, rename
from actions.conversations.creating import create
from actions.conversations.deleting import delete

__all__ = ["add", "create", "delete", "remove", "rename"]
