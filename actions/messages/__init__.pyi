from .changing import REMOVED, destination, redact, send
from .deleting import delete, purge
from .listing import Filters, find, search, show
from .tailing import follow

__all__ = ["REMOVED", "Filters", "delete", "destination", "find", "follow", "purge", "redact", "search", "send", "show"]
