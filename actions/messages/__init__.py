"""Actions on messages. Start reading at `find` (a list) or `send` (a change)."""

from actions.messages.changing import REMOVED, destination, redact, send
from actions.messages.deleting import delete, purge
from actions.messages.listing import Filters, find, search, show
from actions.messages.tailing import follow

__all__ = ["REMOVED", "Filters", "delete", "destination", "find", "follow", "purge", "redact", "search", "send", "show"]
