"""Messages: what was written, who has seen it, and what is taken away of it."""

from actions.messages.deleting import delete
from actions.messages.listing import Filters, find, show
from actions.messages.purging import purge
from actions.messages.redacting import REMOVED, redact
from actions.messages.searching import search
from actions.messages.sending import place, send
from actions.messages.tailing import follow

__all__ = ["REMOVED", "Filters", "delete", "find", "follow", "place", "purge", "redact", "search", "send", "show"]
