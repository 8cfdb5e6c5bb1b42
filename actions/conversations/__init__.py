"""Actions on conversations, one function for each command. Start reading at `find` (a list) or `add` (a change)."""

from actions.conversations.changing import add, create, delete, remove, rename, rules_of
from actions.conversations.listing import Filters, find, show
from actions.conversations.transcript import Transcript, lacks_index, transcript, with_short_ids

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
    "rules_of",
    "show",
    "transcript",
    "with_short_ids",
]
