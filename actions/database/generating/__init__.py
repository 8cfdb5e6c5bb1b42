"""Generate believable data: users, conversations, messages, and faults to find. Start reading at `generate`."""

from actions.database.generating.generation import Amounts, generate

__all__ = ["Amounts", "generate"]
