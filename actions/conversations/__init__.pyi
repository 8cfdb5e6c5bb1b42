from .changing import add, create, delete, remove, rename, rules_of
from .listing import Filters, find, show
from .transcript import Transcript, lacks_index, transcript, with_short_ids

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
