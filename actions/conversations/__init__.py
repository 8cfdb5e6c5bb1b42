"""Actions on conversations, by command. Start reading at `find` (a list) or `add` (a change)."""

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
