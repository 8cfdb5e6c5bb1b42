"""Messages: what was written, who has seen it, and what is taken away of it."""

from actions.messages.tailing import follow

__all__ = ["follow"]
