"""Actions on messages, one module for each command. Start reading at `find` (a list) or `send` (a change)."""

from actions.messages.deleting import delete
from actions.messages.listing import Filters, find, show
from actions.messages.purging import purge
from actions.messages.redacting import REMOVED, redact
from actions.messages.searching import search
from actions.messages.sending import destination, send
from actions.messages.tailing import follow

__all__ = ["REMOVED", "Filters", "delete", "destination", "find", "follow", "purge", "redact", "search", "send", "show"]
